"""What stands in a scenario file; the schema under schemas/ is made from it."""

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from drawdown.domain.limits import SCENARIO_STEPS_MAX
from drawdown.marked import Marked, refuse_invalid
from drawdown.wire.basics import CurrencyCode, Name

Money = Annotated[str, Field(pattern=r"^-?[0-9]{1,19}(\.[0-9]{1,18})?$", examples=["12.50"])]
Paid = Annotated[
    dict[Annotated[str, Field(pattern=r"^(plan .+|voucher .+|top_up .+|debt)$")], Money],
    Field(description="payer → amount, in the order of paying", examples=[{"plan starter": "0.75", "debt": "0.50"}]),
]
_ONE = ("charge", "overage", "drawn", "event", "refused", "book_refused", "duplicate", "halted", "other")
Increment = Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$", examples=["60"])]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class AccountForm(_Part):
    """An account that is open when the scenario begins, in both ledgers."""

    currency: CurrencyCode = "USD"
    time_zone: Name = "UTC"


class Output(_Part):
    """One expected output. Fields that are not listed are not compared."""

    charge: dict[str, Any] | None = Field(None, description="of the plans ledger; any field of the message, and `paid`")
    overage: dict[str, Any] | None = Field(None, description="what no plan covered; any field of the message")
    drawn: dict[str, Any] | None = Field(None, description="of the wallet; any field of the message, and `paid`")
    event: dict[str, Any] | None = Field(None, description="an account event; any field of the message")
    refused: str | None = Field(None, description="a dead letter, by its reason's code")
    book_refused: str | None = Field(None, description="workers skip a published price book, by its field at fault")
    duplicate: Literal[True] | None = Field(None, description="the input's id was known with the same content")
    halted: Literal[True] | None = Field(None, description="an invariant is broken; the shard would stop")
    other: dict[str, Any] | None = Field(None, description="a record of any other topic; any field, and `topic`")

    @model_validator(mode="after")
    def _one(self) -> "Output":
        if len(self.model_fields_set) != 1 or getattr(self, self.kind) is None:
            raise ValueError(f"each output is one of {', '.join(_ONE)}, with a value")
        return self

    @field_validator("charge", "drawn")
    @classmethod
    def _paid(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value and "paid" in value:
            PaidForm.model_validate({"paid": value["paid"]})
        return value

    @property
    def kind(self) -> str:
        """Say which of them it is."""
        return next(iter(self.model_fields_set))


class PaidForm(_Part):
    """Who paid how much."""

    paid: Paid


class PlanState(_Part):
    """A plan after a step; what is not listed is not compared."""

    status: str | None = None
    amount: Money | None = None
    spent: Money | None = None
    remaining: Money | None = None
    forfeited: Money | None = None
    rolled_over: Money | None = None
    credited: Money | None = None
    by_service: dict[str, Money] | None = Field(None, description="service → spent; all of them")


class WalletState(_Part):
    """A wallet after a step: what is left of each voucher and top-up, all of them; and what is owed."""

    vouchers: dict[str, Money] | None = None
    top_ups: dict[str, Money] | None = None
    debt: Money | None = None


class StateForm(_Part):
    """An account after a step. offers: plans that have not started, all of them; due: what is open of each request."""

    plans: dict[str, PlanState] | None = None
    offers: dict[str, str] | None = None
    due: dict[str, Money] | None = None
    wallet: WalletState | None = None


class Step(_Part):
    """An instant, at most one input, and all outputs of both. Without an input only the clock moves on."""

    at: str = Field("+0s", description="an instant, or the time since the step before: +90s, +15m, +2h, +30d")
    note: str | None = Field(None, description="for readers")
    command: dict[str, Any] | None = Field(
        None, description="any command by its own fields; version, id, account and currency may be left out"
    )
    ledger: Literal["plans", "wallet"] | None = Field(None, description="of a command that several ledgers take")
    usage: dict[str, Any] | None = Field(None, description="service, account, id, ends, for, and the event's data")
    price_book: dict[str, Any] | None = Field(None, description="a price book that is published; no output if it holds")
    expect: list[Output] = Field([], description="all outputs of the step, in order")
    state: dict[str, StateForm] | None = Field(None, description="account → how it is after the step")

    @model_validator(mode="after")
    def _at_most_one(self) -> "Step":
        if sum(one is not None for one in (self.command, self.usage, self.price_book)) > 1:
            raise ValueError("a step has a command or usage or a price book, one of them; make several steps of it")
        return self


class Scenario(_Part):
    """A scenario: prices, accounts, then steps in time with all that comes of each."""

    scenario: Annotated[str, Field(min_length=1, max_length=300, description="what it shows, in a sentence")]
    begins: str = Field("2026-03-01T00:00:00Z", description="when the accounts are opened")
    standard_prices: bool = Field(True, description="the price books of docs/scenarios.md hold")
    prices: list[dict[str, Any]] = Field([], description="price books published when the scenario begins")
    increments: dict[Name, dict[Name, Increment]] = Field(
        {}, description="service → meter → to whose multiple an event's quantity rounds up; not on a real stack"
    )
    accounts: dict[Name, AccountForm] = Field({"acme": AccountForm()}, description="name → account")
    steps: Annotated[list[Step], Field(min_length=1, max_length=SCENARIO_STEPS_MAX)]


def read_scenario(document: Marked) -> Scenario:
    """Check a document; raise BadInput with file, line and field of all that is wrong."""
    try:
        scenario = Scenario.model_validate(document.value)
    except ValidationError as error:
        refuse_invalid(document, error, "docs/scenarios.md")
        scenario = None
    document.check()
    return cast("Scenario", scenario)
