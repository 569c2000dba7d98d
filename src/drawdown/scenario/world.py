"""All ledgers in one process: what the engine would do with their inputs and outputs, without a log or a cache."""

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from drawdown.domain.errors import Reject
from drawdown.domain.limits import BOOK_LEAD_MS, SCENARIO_TIMERS_MAX
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Book, BookError, Prices
from drawdown.engine.errors import Halt
from drawdown.engine.input import Input
from drawdown.engine.ledger import Ledger
from drawdown.engine.outcome import Emit
from drawdown.engine.records import Record
from drawdown.errors import UserError
from drawdown.ledgers.codes import CodesLedger
from drawdown.ledgers.plans import PlansLedger
from drawdown.ledgers.wallet import WalletLedger
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING

_KINDS = {(CHARGES, "plans"): "charge", (CHARGES, "wallet"): "drawn"}
_BY_TOPIC = {CREDIT_CHARGING: "overage", ACCOUNT_EVENTS: "event"}


Heard = Callable[[str, Record, str, Sequence[Emit]], None]


class Told(msgspec.Struct, frozen=True):
    """An output as it is compared. kind: as in scenario files; message: its fields."""

    kind: str
    message: dict[str, Any]


class World:
    """Ledgers with their states and known ids, over one clock that only inputs and timers move."""

    def __init__(self, books: list[tuple[Book, int]], increments: dict[str, dict[str, int]]) -> None:
        """Hold price books, each with its append time, ms; round by increments (Policy). Raise BookError."""
        self.prices = prices = Prices()
        policy = replace(Policy.default(), increments=increments) if increments else Policy.default()
        for book, appended in books:
            prices.add(book, appended)
        self.ledgers: tuple[Ledger, ...] = (PlansLedger(prices, policy), WalletLedger(policy), CodesLedger())
        self._states: dict[str, dict[str, Any]] = {ledger.name: {} for ledger in self.ledgers}
        self._known: dict[str, dict[bytes, bytes]] = {ledger.name: {} for ledger in self.ledgers}
        self._offset = 0
        self.heard: Heard = lambda *_: None  # hears what each ledger made of each record

    def state(self, ledger: str, account: str) -> Any:
        """Give a ledger's state of an account, None if it has none."""
        return self._states[ledger].get(account)

    def send(self, topic: str, key: bytes, value: bytes, at: int) -> list[Told]:
        """Append an input at an instant (ms) and all that follows from it; give the outputs in order."""
        if topic not in self._inputs:
            raise UserError(f"no ledger of this runner takes {topic}: add its ledger to scenario/world.py")
        waiting = deque([self._record(topic, key, value, at)])
        told: list[Told] = []
        while waiting:
            record = waiting.popleft()
            for ledger in self.ledgers:
                if record.topic == ledger.command_topic or record.topic in ledger.usage_topics:
                    self._take(ledger, record, waiting, told)
        return told

    def pass_time(self, until: int) -> list[Told]:
        """Fire every timer that is due by an instant (ms), the earliest first; each is appended when it is due."""
        told: list[Told] = []
        fired: set[tuple[str, str, int]] = set()
        for _ in range(SCENARIO_TIMERS_MAX):
            due = [timer for timer in self._due() if timer[0] <= until and timer[1:] + timer[:1] not in fired]
            if not due:
                return told
            at, name, account = heapq.nsmallest(1, due)[0]
            fired.add((name, account, at))
            (ledger,) = (one for one in self.ledgers if one.name == name)
            key, value = ledger.timer(account, at)
            told += self.send(ledger.command_topic, key, value, at)
        raise UserError(f"more than {SCENARIO_TIMERS_MAX} timers fired before one step: something is always due")

    def next_due(self) -> int | None:
        """Give the earliest instant (ms) at which a timer is due."""
        return min((at for at, _, _ in self._due()), default=None)

    def _due(self) -> Iterator[tuple[int, str, str]]:
        for ledger in self.ledgers:
            for account, state in self._states[ledger.name].items():
                at = ledger.due(state)
                if at is not None:
                    yield at, ledger.name, account

    def _record(self, topic: str, key: bytes, value: bytes, at: int) -> Record:
        self._offset += 1
        return Record(topic, 0, self._offset, at, key, value)

    def _take(self, ledger: Ledger, record: Record, waiting: deque[Record], told: list[Told]) -> None:
        """Let one ledger take a record, as the engine's cycle does."""
        states, known = self._states[ledger.name], self._known[ledger.name]
        try:
            item = ledger.decode(record)
            before = known.get(item.identity, item.content)
            _check_content(before, item)
            if item.identity in known:
                self.heard(ledger.name, record, "duplicate", ())
                told.append(Told("duplicate", {"ledger": ledger.name}))
                return
            outcome = ledger.decide(states.get(item.key), item)
        except Reject as reject:
            self.heard(ledger.name, record, reject.code, ())
            letter = {"code": reject.code, "detail": reject.detail, "ledger": ledger.name, "topic": record.topic}
            told.append(Told("refused", letter))
            return
        except Halt as halt:
            self.heard(ledger.name, record, "halt", ())
            told.append(Told("halted", {"detail": str(halt), "ledger": ledger.name}))
            return
        self.heard(ledger.name, record, "dropped" if outcome.drop else "", outcome.emits)
        if outcome.drop:
            return
        if outcome.state is not None:
            states[item.key] = outcome.state
        if item.remember:
            known[item.identity] = item.content
        for emit in outcome.emits:
            kind = kind_of(emit.topic, ledger.name)
            if emit.topic not in self._inputs or kind != "other":
                told.append(told_of(emit.topic, ledger.name, emit.value))
            if emit.topic in self._inputs:
                waiting.append(self._record(emit.topic, emit.key or record.key or b"", emit.value, record.timestamp))

    @property
    def _inputs(self) -> set[str]:
        return {topic for ledger in self.ledgers for topic in (ledger.command_topic, *ledger.usage_topics)}


def lead_of(book: Book, first: int) -> int:
    """Give the latest append time at which a book of the standard set could be taken up, and no later than `first`."""
    return min(book.effective_from - BOOK_LEAD_MS, first)


def told_of_book(prices: Prices, book: Book, appended: int) -> list[Told]:
    """Take up a published book (ms); tell if workers skip it."""
    try:
        prices.add(book, appended)
    except BookError as error:
        return [Told("book_refused", {"code": error.field, "detail": str(error)})]
    return []


def _check_content(before: bytes, item: Input) -> None:
    if before != item.content:
        raise Reject("id_conflict", "this id was accepted before with other content; send a correction under a new id")


def kind_of(topic: str, ledger: str) -> str:
    """Say as what scenario files tell a ledger's output on a topic."""
    return _KINDS.get((topic, ledger), _BY_TOPIC.get(topic, "other"))


def told_of(topic: str, ledger: str, value: bytes) -> Told:
    """Read an output; charges get `paid`, those of other topics their `topic`."""
    kind = kind_of(topic, ledger)
    message: dict[str, Any] = msgspec.json.decode(value)
    if kind in {"charge", "drawn"}:
        message["paid"] = [(_payer(line["payer"]), line["amount"]) for line in message["lines"]]
    if kind == "other":
        message["topic"] = topic
    return Told(kind, message)


def _payer(payer: dict[str, Any]) -> str:
    return f"{payer['kind']} {payer['id']}" if payer["id"] else str(payer["kind"])
