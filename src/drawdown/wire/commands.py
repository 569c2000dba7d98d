"""Commands on `plan-commands`, where people and other services write: pydantic says what is wrong."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from drawdown.domain.commands import ActivatePlan, Command, OpenAccount, TimerFired
from drawdown.domain.limits import EVENT_BYTES_MAX, ID_LENGTH_MAX, REPLAY_BYTES_MAX, REPLAY_HEADERS_MAX
from drawdown.domain.money import currency, parse_amount
from drawdown.engine.records import Record
from drawdown.wire.basics import (
    Base64,
    CurrencyCode,
    Ident,
    Instant,
    Name,
    PlanMessage,
    StrictMessage,
    Version,
    keyed,
    quotas_of,
    reason_of,
    scope_of,
)
from drawdown.wire.instants import optional_instant, parse_instant
from drawdown.wire.parsing import checked_bytes, ident, name
from drawdown.wire.plan_commands import LifeMessage, life_command_of


class OpenAccountMessage(StrictMessage):
    """Open an account in a currency, fixed for good."""

    command: Literal["open_account"]
    version: Version
    id: Ident
    account: Name
    currency: CurrencyCode
    time_zone: Name = "UTC"


class ActivatePlanMessage(PlanMessage):
    """Activate a plan; it covers what is rated from then on, from `start` (inclusive) to `end` (exclusive)."""

    command: Literal["activate_plan"]
    version: Version
    id: Ident
    start: Instant
    end: Instant | None = None


class TimerMessage(StrictMessage):
    """Something of the account was due at `due`; the shard's owner sends it."""

    command: Literal["timer"]
    version: Version
    id: Ident
    account: Name
    due: Instant


class CarriedHeaderMessage(StrictMessage):
    """A header of the refused record; its value in base64."""

    name: Name
    value: Base64


class LetterMessage(StrictMessage):
    """Where a dead letter stands on `dead-letters`."""

    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]


class ReplayUsageMessage(StrictMessage):
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
    headers: Annotated[list[CarriedHeaderMessage], Field(max_length=REPLAY_HEADERS_MAX)] = []  # noqa: RUF012  pydantic copies it
    dead_letter: LetterMessage | None = None
    operator: Name
    reason: Annotated[str, Field(min_length=1, max_length=ID_LENGTH_MAX)]


Message = OpenAccountMessage | ActivatePlanMessage | LifeMessage | ReplayUsageMessage | TimerMessage
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
    if isinstance(message, ActivatePlanMessage):
        return _activation(message), message.id
    return life_command_of(message), message.id


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
        end=optional_instant(message.end, "end"),
        grace_ms=message.grace_seconds * 1000,
        priority=message.priority,
        scope=scope_of(message.scope),
        quotas=quotas_of(message.quotas, of),
    )
