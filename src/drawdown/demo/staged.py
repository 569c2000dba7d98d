"""A scenario on a real Kafka and Redis with a worker: the records carry the scenario's own clock (CreateTime)."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from drawdown.adapters.clock import SystemClock
from drawdown.demo.stage import Stage
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Book, Prices
from drawdown.engine.ledger import Ledger
from drawdown.engine.records import Record
from drawdown.engine.shard import WATERMARK_HEADER
from drawdown.errors import UserError
from drawdown.ledgers.codes import CodesLedger
from drawdown.ledgers.plans import PlansLedger
from drawdown.ledgers.wallet import WalletLedger
from drawdown.local.stack import LocalStack
from drawdown.scenario import compare
from drawdown.scenario.form import Output
from drawdown.scenario.inputs import Sent
from drawdown.scenario.run import Plan, Report, StepDifferences, opening, standard_books, world_of
from drawdown.scenario.world import Told, told_of, told_of_book
from drawdown.settings import load_settings
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREATE_TIME, CREDIT_CHARGING, DEAD_LETTERS, PRICES, USAGE
from drawdown.traces.events import Outgoing
from drawdown.wire.instants import format_instant

_CLOCK = b"the-scenarios-clock"
OUTPUTS = (CHARGES, CREDIT_CHARGING, ACCOUNT_EVENTS, DEAD_LETTERS)
ORDER = ("book_refused", "charge", "overage", "drawn", "event", "refused", "other")
_POLL_SECONDS, _TIMER_SECONDS, _DUE_MAX = 0.1, 60, 100
LEDGERS: tuple[Ledger, ...] = (
    PlansLedger(Prices(), Policy.default()),
    WalletLedger(Policy.default()),
    CodesLedger(),
)


class States:
    """The states of accounts as Redis held them after a step."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self.held: dict[tuple[str, str], Any] = {}

    def state(self, ledger: str, account: str) -> Any:
        """Give a ledger's state of an account, None if it has none."""
        return self.held.get((ledger, account))


class Staged:
    """One scenario on a stage of its own: topics, keys and a worker that no other has."""

    def __init__(self, stage: Stage, plan: Plan) -> None:
        """Run a checked scenario on an open stage."""
        self._stage = stage
        self._plan = plan
        self._seen: dict[str, int] = dict.fromkeys(OUTPUTS, 0)
        self._prices = world_of(plan).prices

    async def run(self) -> Report:
        """Run it; give what differs."""
        plan, stage = self._plan, self._stage
        await stage.publish(books_of(plan))
        await stage.publish(outgoing(sent, plan.begins) for sent in opening(plan))
        stage.start_worker()
        await stage.all_taken(seconds=120)
        await self._new()
        differing = []
        for number, moment in enumerate(plan.moments):
            await self._pass_time(moment.at)
            refused = await self._publish_book(*moment.book, moment.at) if moment.book else []
            if moment.sent:
                await stage.publish(outgoing(sent, moment.at) for sent in moment.sent)
                await stage.all_taken()
            found = compare.outputs(in_order(moment.step.expect), refused + await self._new())
            wanted = moment.step.state or {}
            found += compare.states(wanted, await self._states(wanted))
            if found:
                line = plan.document.line(("steps", number))
                differing.append(StepDifferences(number + 1, line, format_instant(moment.at), found))
        return Report(plan.document.name, plan.scenario.scenario, len(plan.moments), differing)

    async def _publish_book(self, book: Book, message: bytes, at: int) -> list[Told]:
        """Publish a price book at an instant (ms), and wait until the worker has read it, whether or not it holds."""
        await self._stage.publish([priced(book, message, at)])
        async with asyncio.timeout(_TIMER_SECONDS):
            while not await self._stage.prices_read():
                await self._stage.publish(beat(at))  # something to commit, with how far the prices are read
                await self._stage.all_taken()
        return told_of_book(self._prices, book, at)

    async def _pass_time(self, until: int) -> None:
        """Move the watermark to each due time up to an instant (ms), and wait until its timers are taken."""
        while (due := await self._due(until)) is not None:
            await self._stage.publish(beat(due))
            try:
                async with asyncio.timeout(_TIMER_SECONDS):
                    while (now := await self._due(due)) is not None and now <= due:
                        self._stage.check_alive()
                        await asyncio.sleep(_POLL_SECONDS)
            except TimeoutError as error:
                raise UserError(
                    f"{_TIMER_SECONDS} seconds after {format_instant(due)} its timer was not taken"
                ) from error
            await self._stage.all_taken()

    async def _due(self, until: int) -> int | None:
        """Give the earliest due time up to an instant, of both ledgers."""
        found = [due for cache in self._stage.caches.values() for _, due in await cache.due(0, until, _DUE_MAX)]
        return min(found, default=None)

    async def _new(self) -> list[Told]:
        """Read the outputs since the last time, in the order in which steps are compared."""
        log = await self._stage.read()
        told = []
        for topic in OUTPUTS:
            records = log[topic][self._seen[topic] :]
            self._seen[topic] = len(log[topic])
            told += [one for record in records if record.value and (one := told_in(topic, record)) is not None]
        return by_topic(told)

    async def _states(self, accounts: Sequence[str] | dict[str, Any]) -> States:
        states = States()
        for ledger in LEDGERS:
            found = await self._stage.caches[ledger.name].look_up(0, [], list(accounts)) if accounts else None
            for account, value in zip(accounts, found.states if found else (), strict=True):
                states.held[ledger.name, account] = None if value is None else ledger.decode_state(value)
        return states


async def staged(stack: LocalStack, plan: Plan) -> Report:
    """Run a checked scenario on a stack, with topics and a worker of its own. Raise UserError for one in the future."""
    if plan.increments:
        told = f"{plan.document.name} has billing increments of its own, and a worker those of its catalogue"
        raise UserError(f"{told}; run it without --stack")
    last = max(moment.at for moment in plan.moments)
    if last > SystemClock().now_ms():
        told = f"{plan.document.name} goes on until {format_instant(last)}: Kafka refuses records from the future"
        raise UserError(f"{told}; let it begin earlier, or run it without --stack")
    settings = load_settings(
        kafka=stack.addresses.kafka,
        redis=stack.addresses.redis,
        prefix=f"scenario-{secrets.token_hex(4)}.",
        shards=1,
        timestamp_type=CREATE_TIME,
    )
    async with Stage(stack.addresses, settings) as stage:
        return await Staged(stage, plan).run()


def told_in(topic: str, record: Record) -> Told | None:
    """Read an output; None for what only moved the clock."""
    if topic != DEAD_LETTERS:
        value = record.value or b""
        return told_of(topic, msgspec.json.decode(value)["ledger"], value)
    if record.key == _CLOCK:
        return None
    headers = {name: content.decode("utf-8", "replace") for name, content in record.headers}
    return Told("refused", {"code": headers["reason"], "detail": headers["detail"], "ledger": headers["ledger"]})


def by_topic(came: Sequence[Told]) -> list[Told]:
    """Order outputs as those that a step lists are."""
    return sorted(came, key=lambda one: (ORDER.index(one.kind), one.message.get("ledger", "")))


def in_order(listed: Sequence[Output]) -> list[Output]:
    """Order a step's outputs by topic, as only that order is on the log; a duplicate leaves nothing there."""
    return sorted([one for one in listed if one.kind in ORDER], key=lambda one: ORDER.index(one.kind))


def outgoing(sent: Sent, at: int) -> Outgoing:
    """Give an input with its instant (ms)."""
    topic, account, value = sent
    return Outgoing(topic, account.encode(), value, at)


def beat(at: int, shard: int = 0, key: bytes = _CLOCK) -> list[Outgoing]:
    """Give what moves the watermark of a shard's ledgers to an instant (ms): usage that is refused, a carried one.

    key: one that lies on the shard, or the refused usage is forwarded to where it does.
    """
    header = (WATERMARK_HEADER, b"%d" % at)
    usage = [Outgoing(topic, key, b"{}", at, partition=shard) for topic in USAGE]
    return [*usage, Outgoing(CREDIT_CHARGING, None, b"", at, headers=(header,), partition=shard)]


def priced(book: Book, message: bytes, appended: int) -> Outgoing:
    """Give a price book as it is published, with its append time (ms)."""
    return Outgoing(PRICES, f"{book.name}:{book.version}".encode(), message, appended)


def books_of(plan: Plan) -> list[Outgoing]:
    """Give the price books that hold when a scenario begins."""
    standard = standard_books() if plan.scenario.standard_prices else []
    messages = [*standard, *plan.scenario.prices]
    return [
        priced(book, msgspec.json.encode(message), appended)
        for message, (book, appended) in zip(messages, plan.books, strict=True)
    ]
