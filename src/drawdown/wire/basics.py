"""What all commands share: types of fields, scopes, the terms of plans, keys, and errors in the reasons' words."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from drawdown.domain.catalogue import service
from drawdown.domain.errors import Reject
from drawdown.domain.limits import (
    ID_LENGTH_MAX,
    NAME_LENGTH_MAX,
    QUOTAS_MAX,
    REPLAY_BYTES_MAX,
    SCOPE_ITEMS_MAX,
)
from drawdown.domain.model import Quota, ScopeItem
from drawdown.domain.money import Currency, parse_amount
from drawdown.engine.records import Record
from drawdown.wire.parsing import dimensions, name

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


class StrictMessage(BaseModel):
    """A message with exactly its fields, of exactly their types."""

    model_config = MESSAGE


class ScopeItemMessage(StrictMessage):
    """A service, or a product: the service narrowed by dimensions."""

    service: Name
    dimensions: dict[str, str] = Field(default_factory=dict)


class QuotaMessage(ScopeItemMessage):
    """At most `amount` of the plan may be drawn by this service or product."""

    amount: Decimal


Scope = Literal["all"] | Annotated[list[ScopeItemMessage], Field(min_length=1, max_length=SCOPE_ITEMS_MAX)]


class PlanMessage(StrictMessage):
    """What every plan has."""

    account: Name
    plan: Name
    currency: CurrencyCode
    book: Name
    book_version: Annotated[int, Field(ge=1, le=10**9)]
    amount: Decimal
    grace_seconds: Annotated[int, Field(ge=0, le=90 * 86_400)] = 86_400
    priority: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    scope: Scope = "all"
    quotas: Annotated[list[QuotaMessage], Field(max_length=QUOTAS_MAX)] = []


def keyed(record: Record, account: str) -> str:
    """Give the account back if it is a name and the record's key; else raise Reject."""
    name(account, "account")
    if record.key != account.encode():
        code = "missing_key" if record.key is None else "invalid_value"
        raise Reject(code, f"the record's key must be the account, {account}")
    return account


def scope_item(message: ScopeItemMessage) -> ScopeItem:
    """Give a service or product; raise Reject(unknown_service)."""
    return ScopeItem(service(message.service).name, dimensions(message.dimensions))


def scope_of(scope: Literal["all"] | list[ScopeItemMessage]) -> tuple[ScopeItem, ...]:
    """Give a scope; () is all services."""
    return () if scope == "all" else tuple(scope_item(item) for item in scope)


def quotas_of(quotas: list[QuotaMessage], of: Currency) -> tuple[Quota, ...]:
    """Give quotas with nothing spent."""
    return tuple(Quota(scope_item(quota), parse_amount(quota.amount, of)) for quota in quotas)


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
