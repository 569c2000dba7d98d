"""The plans ledger: rates usage, draws it from plans, and prices on demand what they do not cover."""

from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple

import msgspec

from drawdown.domain.commands import Command, Replayed
from drawdown.domain.decide import decide, due
from drawdown.domain.limits import COMMAND_MEMORY_MS
from drawdown.domain.model import Account, Usage
from drawdown.domain.outputs import AccountEvent, Output
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Prices
from drawdown.domain.rated import Charge, Overage
from drawdown.engine.input import Input
from drawdown.engine.outcome import Emit, Outcome
from drawdown.engine.records import Record
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING, PLAN_COMMANDS, USAGE
from drawdown.wire.account_event import encode_account_event
from drawdown.wire.charge import encode_charge
from drawdown.wire.commands import ReplayUsageMessage, decode_command
from drawdown.wire.identity import content_of, identity_of, output_id
from drawdown.wire.instants import format_instant
from drawdown.wire.overage import encode_overage
from drawdown.wire.replay import usage_of_replay
from drawdown.wire.usage import decode_usage

RULES: Final = 1
KNOWN_RULES: Final = frozenset({RULES})  # those of earlier releases stay for as long as a log that they made is kept
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Account).decode
_encode_json: Final = msgspec.json.Encoder().encode


class Issued(NamedTuple):
    """A command with its idempotency key."""

    command: Command
    id: str


class PlansLedger:
    """The reducer of plans over domain and wire; see engine/ledger.py for what each method promises."""

    name: ClassVar[str] = "plans"
    usage_topics: ClassVar[tuple[str, ...]] = USAGE
    command_topic: ClassVar[str] = PLAN_COMMANDS
    output_topics: ClassVar[tuple[str, ...]] = (CHARGES, CREDIT_CHARGING, ACCOUNT_EVENTS)
    watermark_to: ClassVar[tuple[str, ...]] = (CREDIT_CHARGING,)
    watermark_from: ClassVar[tuple[str, ...]] = ()

    def __init__(self, prices: Prices, policy: Policy, rules: int = RULES) -> None:
        """Rate by these prices, which whoever feeds them may extend, this policy, and these rules."""
        self.rules = rules
        self._prices = prices
        self._policy = policy
        self._prices_read_to = 0
        self._memory_ms: dict[str, int] = {}  # by service, how long after its time no copy of an event is accepted

    def with_prices(self, prices: Prices) -> "PlansLedger":
        """Give the same ledger over other prices."""
        return PlansLedger(prices, self._policy, self.rules)

    def by_rules(self) -> Mapping[int, "PlansLedger"]:
        """Give the same ledger, over the same prices, by each of the rules that it knows."""
        return {rules: PlansLedger(self._prices, self._policy, rules) for rules in KNOWN_RULES}

    def read_prices_to(self, offset: int) -> None:
        """Take note that all books before `offset` of `prices` are read."""
        self._prices_read_to = offset

    def decode(self, record: Record) -> Input:
        """Read a usage event or a command."""
        if record.topic == PLAN_COMMANDS:
            command, ident = decode_command(record)
            if isinstance(command, ReplayUsageMessage):
                usage = usage_of_replay(command, record)
                return self._usage(usage, record, Replayed(usage), record.timestamp + COMMAND_MEMORY_MS)
            return Input(
                key=command.account,
                identity=identity_of("command", command.account, ident),
                content=content_of((type(command).__name__, command)),
                forget_at=record.timestamp + COMMAND_MEMORY_MS,
                appended=record.timestamp,
                body=Issued(command, ident),
                record=record,
            )
        usage = decode_usage(record)
        return self._usage(usage, record, usage, 0)

    def _usage(self, usage: Usage, record: Record, body: Usage | Replayed, remember_until: int) -> Input:
        """Give the input of a usage event, replayed or not: both are the same one by identity and content."""
        service = usage.service
        memory_ms = self._memory_ms.get(service)
        if memory_ms is None:
            memory_ms = self._memory_ms[service] = self._policy.forget_at(service, 0)
        return Input(
            key=usage.account,
            identity=identity_of("usage", usage.source, usage.id),
            content=content_of(usage),
            forget_at=max(usage.time + memory_ms, remember_until),
            appended=record.timestamp,
            body=body,
            record=record,
            service=service,
        )

    def decide(self, state: object | None, item: Input) -> Outcome:
        """Apply an input to its account."""
        body = item.body
        issued = body if isinstance(body, Issued) else None
        subject: Usage | Command = body.command if isinstance(body, Issued) else body  # type: ignore[assignment]
        decision = decide(state, subject, item.appended, self._prices, self._policy)  # type: ignore[arg-type]
        if decision is None:
            return Outcome(state=state, emits=(), drop=True)
        emits = tuple([self._emit(output, item, issued) for output in decision.outputs])
        after = decision.state
        amounts = _amounts(decision.outputs)
        if issued is not None:
            return Outcome(after, emits, _result(after, decision.outputs), grew=True, amounts=amounts)
        return Outcome(after, emits, grew=decision.grew or _new_job(state, body), amounts=amounts)

    def _emit(self, output: Output, item: Input, issued: Issued | None) -> Emit:
        record, identity = item.record, item.identity
        if isinstance(output, Charge):
            identity = _identity(output.usage, identity, issued)
            return Emit(CHARGES, encode_charge(output, identity, record, "plans", self.rules))
        if isinstance(output, Overage):
            identity = _identity(output.usage, identity, issued)
            value = encode_overage(output, identity, record, "plans", self.rules)
            return Emit(CREDIT_CHARGING, value, timestamp=record.timestamp)
        command = issued.id if issued else None
        value = encode_account_event(output, identity, record, "plans", self.rules, command=command)
        return Emit(ACCOUNT_EVENTS, value)

    def encode_state(self, state: object) -> bytes:
        """Give MessagePack."""
        return _encode(state)

    def decode_state(self, value: bytes) -> object:
        """Read MessagePack."""
        return _decode(value)

    def due(self, state: object) -> int | None:
        """Say when time next does something to the account."""
        return due(state)  # type: ignore[arg-type]

    def timer(self, key: str, due: int) -> tuple[bytes, bytes]:
        """Give the timer command for an account."""
        command = {
            "command": "timer",
            "version": 1,
            "id": f"timer:{due}",
            "account": key,
            "due": format_instant(due),
        }
        return key.encode(), _encode_json(command)

    def prices_offset(self) -> int:
        """Say up to which offset of `prices` all books are read."""
        return self._prices_read_to


def _identity(usage: Usage, identity: bytes, issued: Issued | None) -> bytes:
    """Give a usage's identity: its input's, but for usage that a timer made, which has one of its own."""
    if issued is None:
        return identity
    return identity_of("usage", usage.source, output_id(identity, "plans", usage.id))


def _new_job(state: object | None, body: object) -> bool:
    """Say whether a usage brings a fine-tuning job that the account did not have."""
    usage = body if isinstance(body, Usage) else body.usage if isinstance(body, Replayed) else None
    if usage is None or usage.job is None or not isinstance(state, Account):
        return False
    return all(job.id != usage.job for job in state.jobs)


def _amounts(outputs: tuple[Output, ...]) -> list[tuple[tuple[str, str, str], int]]:
    """Give what was rated by service, payer and currency."""
    found = []
    for output in outputs:
        if isinstance(output, Charge):
            found.append(((output.usage.service, "plan", output.currency), output.total))
        elif isinstance(output, Overage):
            found.append(((output.usage.service, "on_demand", output.currency), output.total))
    return found


def _result(state: Account, outputs: tuple[Output, ...]) -> bytes:
    """Give a command's result, kept with its id: the applied number, and the code if it was refused."""
    refused = next((out.code for out in outputs if isinstance(out, AccountEvent) and out.code), None)
    return _encode_json({"applied": state.applied, "refused": refused})
