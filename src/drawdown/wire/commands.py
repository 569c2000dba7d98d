"""Commands on `plan-commands`, where people and other services write: pydantic says what is wrong."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from drawdown.domain.catalogue import service
from drawdown.domain.errors import Reject
from drawdown.domain.limits import (
    EVENT_BYTES_MAX,
    ID_LENGTH_MAX,
    NAME_LENGTH_MAX,
    QUOTAS_MAX,
    REPLAY_BYTES_MAX,
    REPLAY_HEADERS_MAX,
    SCOPE_ITEMS_MAX,
)
from drawdown.domain.model import ActivatePlan, Command, OpenAccount, Quota, ScopeItem, TimerFired
from drawdown.domain.money import currency, parse_amount
from drawdown.engine.records import Record
from drawdown.wire.instants import parse_instant
from drawdown.wire.parsing import checked_bytes, dimensions, ident, name

Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
Ident = Annotated[str, Field(min_length=1, max_length=ID_LENGTH_MAX)]
Decimal = Annotated[str, Field(pattern=r"^[0-9]{1,19}(\.[0-9]{1,18})?$", examples=["100.00"])]
Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=REPLAY_BYTES_MAX, examples=["e30="])]
Instant = Annotated[str, Field(max_length=40, examples=["2026-11-23T10:15:00.123Z"])]


def _known(version: int) -> int:
    if version != 1:
        raise PydanticCustomError("unknown_version", "version {version}; 1 is read", {"version": version})
    return version


Version = Annotated[
    int, AfterValidator(_known), Field(json_schema_extra={"const": 1})
]  # a Literal would take true and 1.0 for 1


MESSAGE = ConfigDict(strict=True, extra="forbid", frozen=True)
CurrencyCode = Annotated[str, Field(pattern="^[A-Z]{3}$")]


class _Message(BaseModel):
    model_config = MESSAGE


class ScopeItemMessage(_Message):
    """A service, or a product: the service narrowed by dimensions."""

    service: Name
    dimensions: dict[str, str] = Field(default_factory=dict)


class QuotaMessage(ScopeItemMessage):
    """At most `amount` of the plan may be drawn by this service or product."""

    amount: Decimal


class OpenAccountMessage(_Message):
    """Open an account in a currency, fixed for good."""

    command: Literal["open_account"]
    version: Version
    id: Ident
    account: Name
    currency: CurrencyCode
    time_zone: Name = "UTC"


class ActivatePlanMessage(_Message):
    """Activate a plan; it covers what is rated from then on, from `start` (inclusive) to `end` (exclusive)."""

    command: Literal["activate_plan"]
    version: Version
    id: Ident
    account: Name
    plan: Name
    currency: CurrencyCode
    book: Name
    book_version: Annotated[int, Field(ge=1, le=10**9)]
    amount: Decimal
    start: Instant
    end: Instant | None = None
    grace_seconds: Annotated[int, Field(ge=0, le=90 * 86_400)] = 86_400
    priority: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    scope: Literal["all"] | Annotated[list[ScopeItemMessage], Field(min_length=1, max_length=SCOPE_ITEMS_MAX)] = "all"
    quotas: Annotated[list[QuotaMessage], Field(max_length=QUOTAS_MAX)] = []


class TimerMessage(_Message):
    """Something of the account was due at `due`; the shard's owner sends it."""

    command: Literal["timer"]
    version: Version
    id: Ident
    account: Name
    due: Instant


class CarriedHeaderMessage(_Message):
    """A header of the refused record; its value in base64."""

    name: Name
    value: Base64


class LetterMessage(_Message):
    """Where a dead letter stands on `dead-letters`."""

    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]


class ReplayUsageMessage(_Message):
    """Rate a refused usage event after all, by its own id, however late it is.

    value: the event's bytes, as they were refused or as they were repaired; headers: its `content-type` and `ce_…`.
    dead_letter: the one that it answers.
    """

    command: Literal["replay_usage"]
    version: Version
    id: Ident
    account: Name
    topic: Annotated[str, Field(pattern=r"^usage\.[a-z0-9-]{1,64}$", examples=["usage.inference"])]
    value: Base64
    headers: Annotated[list[CarriedHeaderMessage], Field(max_length=REPLAY_HEADERS_MAX)] = []
    dead_letter: LetterMessage | None = None
    operator: Name
    reason: Annotated[str, Field(min_length=1, max_length=ID_LENGTH_MAX)]


Message = OpenAccountMessage | ActivatePlanMessage | ReplayUsageMessage | TimerMessage
ADAPTER: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="command")])


def decode_command(record: Record) -> tuple[Command | ReplayUsageMessage, str]:
    """Read a command and its idempotency key; raise Reject with the reason."""
    replays = record.value is not None and b'"replay_usage"' in record.value
    value = checked_bytes(record.value, REPLAY_BYTES_MAX if replays else EVENT_BYTES_MAX)
    try:
        message = ADAPTER.validate_json(value)
    except ValidationError as error:
        raise reason_of(error) from error
    account = keyed(record, message.account)
    ident(message.id, "id")
    if isinstance(message, ReplayUsageMessage):
        return message, message.id
    if isinstance(message, OpenAccountMessage):
        return OpenAccount(account, message.currency, message.time_zone), message.id
    if isinstance(message, TimerMessage):
        return TimerFired(account, parse_instant(message.due, "due")), message.id
    return _activation(message), message.id


def keyed(record: Record, account: str) -> str:
    """Give the account back if it is a name and the record's key; else raise Reject."""
    name(account, "account")
    if record.key != account.encode():
        code = "missing_key" if record.key is None else "invalid_value"
        raise Reject(code, f"the record's key must be the account, {account}")
    return account


def _activation(message: ActivatePlanMessage) -> ActivatePlan:
    of = currency(message.currency)
    return ActivatePlan(
        account=message.account,
        plan=name(message.plan, "plan"),
        currency=message.currency,
        book=name(message.book, "book"),
        book_version=message.book_version,
        amount=parse_amount(message.amount, of),
        start=parse_instant(message.start, "start"),
        end=None if message.end is None else parse_instant(message.end, "end"),
        grace_ms=message.grace_seconds * 1000,
        priority=message.priority,
        scope=() if message.scope == "all" else tuple(scope_item(item) for item in message.scope),
        quotas=tuple(Quota(scope_item(quota), parse_amount(quota.amount, of)) for quota in message.quotas),
    )


def scope_item(message: ScopeItemMessage) -> ScopeItem:
    """Give a service or product; raise Reject(unknown_service)."""
    return ScopeItem(service(message.service).name, dimensions(message.dimensions))


def reason_of(error: ValidationError) -> Reject:
    """Say in the reasons' words what pydantic found first."""
    first: Any = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the command"
    kind = first["type"]
    detail = f"{where}: {first['msg']}"
    if kind == "json_invalid":
        return Reject("not_json", detail)
    if kind == "missing":
        return Reject("missing_field", f"field {where} is missing")
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return Reject("unknown_type", detail)
    if kind == "unknown_version":
        return Reject("unknown_version", detail)
    return Reject("wrong_type" if kind.endswith("_type") else "invalid_value", detail)
