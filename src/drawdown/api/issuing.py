"""Commands put on the log for a request, each once under its idempotency key, and what the ledgers decided."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec

from drawdown.api.counts import ApiCounts
from drawdown.api.decisions import Decisions
from drawdown.api.problems import Problem, invalid, later, refused
from drawdown.domain.errors import Reject
from drawdown.domain.limits import API_SEND_SECONDS, API_WAITING_MAX
from drawdown.domain.prices import Prices
from drawdown.engine.input import Input
from drawdown.engine.ledger import Ledger
from drawdown.engine.records import Record
from drawdown.ledgers.codes import CodesLedger
from drawdown.ledgers.plans import PlansLedger
from drawdown.ledgers.wallet import WalletLedger
from drawdown.operate.commands import APPLIED, IDENTITIES, REFUSED, TOPICS, Outcome, told_by
from drawdown.operate.desk import Desk, Output, Position
from drawdown.topics import ACCOUNT_EVENTS, CODE_COMMANDS, PLAN_COMMANDS, WALLET_COMMANDS
from drawdown.wire.identity import identity_of

_CONTENT_BYTES: Final = 8
_STEP_SECONDS: Final = 0.25  # between two looks whether the same command was decided for another request
_APPLIED_SECONDS: Final = 0.005  # between two looks whether Redis has what is committed
_LAST_SECONDS: Final = 1.0  # for the words of a decision of which the code is known
_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Decision:
    """What came of a command: its events, or nothing yet when it is pending. replayed: it was decided before."""

    pending: bool
    replayed: bool
    events: tuple[Output, ...]


@dataclass(frozen=True)
class _Part:
    """A command as one ledger takes it."""

    topic: str
    ledger: str
    value: bytes
    item: Input
    quiet: bool = False  # it leads to no event of its account's, unless it is refused


class Issuer:
    """Sends commands and waits."""

    def __init__(self, desk: Desk, decisions: Decisions, counts: ApiCounts | None = None) -> None:
        """Use the desk's connections."""
        policy = desk.settings.policy
        self._desk = desk
        self._decisions = decisions
        self._ledgers: Mapping[str, Ledger] = {
            PLAN_COMMANDS: PlansLedger(Prices(), policy),
            WALLET_COMMANDS: WalletLedger(policy),
            CODE_COMMANDS: CodesLedger(),
        }
        self._counts = counts or ApiCounts()

    async def issue(self, command: dict[str, Any], seconds: float) -> Decision:
        """Send a command to every ledger that takes it, unless it was sent before; give what was decided in time.

        Raise Problem for one that cannot be read, was refused, or has an id that stands for other content.
        """
        return await self._issued(self._read(command), seconds)

    async def issue_to(self, topic: str, key: str, value: bytes, seconds: float, *, quiet: bool) -> Decision:
        """Do the same with what one ledger takes as it stands. key: the record's.

        quiet: no event of the account is to be waited for, as of usage, or of what is done to a code.
        """
        return await self._issued([self._part(topic, key, value, quiet=quiet)], seconds)

    async def is_known(self, topic: str, key: str, value: bytes) -> bool:
        """Say whether a ledger has decided just this, whoever sent it. Raise Problem as for `issue`."""
        return await self._known(self._part(topic, key, value)) is not None

    @contextlib.contextmanager
    def waiting(self) -> Iterator[Callable[[Decision], Decision]]:
        """Wait for a decision, if not too many do, and count how it ends. Gives what to pass the decision through."""
        if self._counts.waiting >= API_WAITING_MAX:
            raise later(f"{self._counts.waiting} requests wait for a decision already; try again")

        def counted(decision: Decision) -> Decision:
            end = "pending" if decision.pending else "replayed" if decision.replayed else "applied"
            self._counts.decisions[end] += 1
            return decision

        self._counts.waiting += 1
        try:
            yield counted
        except Problem as problem:
            failed = problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR
            self._counts.decisions["failed" if failed else "refused"] += 1
            raise
        finally:
            self._counts.waiting -= 1

    async def _issued(self, parts: Sequence[_Part], seconds: float) -> Decision:
        with self.waiting() as counted:
            known = [await self._known(part) for part in parts]
            replayed = all(result is not None for result in known)
            deadline = self._desk.clock.monotonic_ms() + int(seconds * 1000)
            sent = await self._sent(parts, known)
            told = [await self._decided(part, at, deadline) for part, at in zip(parts, sent, strict=True)]
            return counted(Decision(any(outcome is None for outcome in told), replayed, _events(told)))

    async def _sent(self, parts: Sequence[_Part], known: Sequence[bytes | None]) -> list[Position | None]:
        """Append what is not known yet; give where it stands. Raise Problem when Kafka does not take it in time."""
        try:
            async with asyncio.timeout(API_SEND_SECONDS):
                return [
                    None if result is not None else await self._desk.send(part.topic, part.item.key, part.value)
                    for part, result in zip(parts, known, strict=True)
                ]
        except TimeoutError as error:
            detail = f"Kafka did not take the command within {API_SEND_SECONDS} s; it may be on the log all the same"
            raise later(f"{detail}: send it again under the same Idempotency-Key") from error

    async def result(self, account: str, ident: str) -> dict[str, dict[str, Any]]:
        """Give what is kept of a command: by ledger, the account's `applied` number and the code of a refusal."""
        found = {}
        for topic in (PLAN_COMMANDS, WALLET_COMMANDS):
            if topic == WALLET_COMMANDS and not self._desk.settings.wallet:
                continue
            ledger = self._ledgers[topic]
            known = await self._look_up(ledger.name, account, identity_of(IDENTITIES[topic], account, ident))
            if known is not None:
                found[ledger.name] = _result(known)
        return found

    def _read(self, command: dict[str, Any]) -> list[_Part]:
        """Read a command as each of its ledgers will. Raise Problem."""
        value = _encode(command)
        parts = []
        for topic in TOPICS[command["command"]]:
            if topic == WALLET_COMMANDS and not self._desk.settings.wallet:
                continue
            parts.append(self._part(topic, command["account"], value))
        if not parts:
            detail = f"{command['command']} is the wallet's, which is switched off (setting wallet, DRAWDOWN_WALLET)"
            raise Problem(HTTPStatus.NOT_FOUND, "no_wallet", detail)
        return parts

    def _part(self, topic: str, key: str, value: bytes, *, quiet: bool = False) -> _Part:
        """Read what one ledger takes. Raise Problem."""
        ledger = self._ledgers[topic]
        try:
            item = ledger.decode(Record(topic, 0, 0, 0, key.encode(), value))
        except Reject as reject:
            raise invalid(reject) from reject
        return _Part(topic, ledger.name, value, item, quiet)

    async def _known(self, part: _Part) -> bytes | None:
        """Give what is kept of a command that was sent before. Raise Problem when it had other content."""
        known = await self._look_up(part.ledger, part.item.key, part.item.identity)
        if known is not None and known[:_CONTENT_BYTES] != part.item.content:
            detail = "its id, the Idempotency-Key, stands for another request of the account; use a new one"
            raise refused("id_conflict", detail)
        return known

    async def _look_up(self, ledger: str, account: str, identity: bytes) -> bytes | None:
        shard = self._desk.shard_of(account.encode())
        return (await self._desk.cache(ledger).look_up(shard, [identity], [])).known.get(0)

    async def _decided(self, part: _Part, sent: Position | None, deadline: int) -> Outcome | None:
        """Wait for a command's decision, and until readers see what it did; None when time is up (ms)."""
        outputs: tuple[Output, ...] = ()
        known = None
        while True:
            left = max(deadline - self._desk.clock.monotonic_ms(), 0) / 1000
            if sent is not None and not outputs:
                wait = _LAST_SECONDS if known is not None else min(left, _STEP_SECONDS)
                outputs = await self._decisions.of(sent, wait)
                told = told_by(sent, outputs) if outputs else None
                if told is not None and told.code and told.outcome != REFUSED:
                    return told  # a dead letter, of which no id is kept
            if known is not None:
                return _outcome(part, sent, outputs, known)
            known = await self._known(part)
            if known is None and not left:
                return None
            if known is not None and part.quiet:
                return _outcome(part, sent, outputs, known)
            if known is None and outputs:
                await asyncio.sleep(_APPLIED_SECONDS)


def _events(told: Sequence[Outcome | None]) -> tuple[Output, ...]:
    """Give the events of an account that a command led to. Raise Problem when a ledger refused it."""
    events: list[Output] = []
    for outcome in told:
        if outcome is not None and outcome.code:
            raise (refused if outcome.outcome == REFUSED else _letter)(outcome.code, outcome.detail)
        events += () if outcome is None else outcome.outputs
    return tuple(event for event in events if event.topic == ACCOUNT_EVENTS)


def _outcome(part: _Part, sent: Position | None, outputs: tuple[Output, ...], known: bytes) -> Outcome:
    """Say what came of a command: by its outputs, else by what is kept with its id."""
    position = sent or Position(part.topic, part.item.record.partition, -1)
    if outputs:
        return told_by(position, outputs)
    code = _result(known).get("refused")
    if not code:
        return Outcome(APPLIED, position)
    return Outcome(REFUSED, position, code, "it was refused when it was first sent; the account's events say why")


def _result(known: bytes) -> dict[str, Any]:
    held: dict[str, Any] = msgspec.json.decode(known[_CONTENT_BYTES:] or b"{}")
    return held


def _letter(code: str, detail: str) -> Problem:
    return invalid(Reject(code, detail))
