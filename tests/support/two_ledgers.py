"""Plans, wallet and codes over the ports' twins in memory: the second ledger takes what the first one writes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from tests.support.engine import SETTLE_STEPS_MAX, SHARDS, owner_of
from tests.support.messages import SECOND, Message, command, inference, open_account, structured
from tests.support.odd_messages import BOOKS
from tests.support.wallet_messages import grant_voucher, record

from drawdown.domain.limits import BOOK_LEAD_MS, PROBE_INTERVAL_MS
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Prices
from drawdown.engine.ledger import Ledger
from drawdown.engine.memory.broker import Entry, MemoryBroker
from drawdown.engine.memory.cache import MemoryCache
from drawdown.engine.memory.clock import MemoryClock, let_others_run
from drawdown.engine.memory.log import MemoryLog
from drawdown.engine.memory.transport import MemoryTransport
from drawdown.engine.ports import Log
from drawdown.engine.records import Batch, Record
from drawdown.engine.runtime import Runtime
from drawdown.engine.shard import is_tick
from drawdown.ledgers.codes import CodesLedger
from drawdown.ledgers.plans import PlansLedger
from drawdown.ledgers.wallet import WalletLedger
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING
from drawdown.wire.instants import format_instant
from drawdown.wire.price_book import decode_book

WINDOW_MS, SKEW_MS = 60 * SECOND, SECOND
POLICY = Policy({}, WINDOW_MS, SKEW_MS)
FORFEIT_AFTER_MS = WINDOW_MS + SKEW_MS


def plans() -> PlansLedger:
    prices = Prices()
    for value in BOOKS:
        book = decode_book(value)
        prices.add(book, book.effective_from - BOOK_LEAD_MS)
    return PlansLedger(prices, POLICY)


LEDGERS: tuple[Ledger, ...] = (plans(), WalletLedger(POLICY), CodesLedger())


def topics() -> list[str]:
    found = ["dead-letters", "code-commands"]
    for ledger in LEDGERS:
        found += [ledger.command_topic, *ledger.usage_topics, *ledger.output_topics]
        found += [f"changelog.{ledger.name}", f"known-ids.{ledger.name}"]
    return list(dict.fromkeys(found))


class Lane:
    """A ledger on a worker: its engine, its transport, and an agent like the one of worker.py."""

    def __init__(self, world: "World", ledger: Ledger, log: Log | None = None) -> None:
        self.ledger = ledger
        self.transport = MemoryTransport(world.broker, (ledger.command_topic, *ledger.usage_topics))
        self.runtime = Runtime(
            ledger=ledger,
            cache=world.caches[ledger.name],
            log=log or MemoryLog(world.broker, ledger.name),
            transport=self.transport,
            clock=world.clock,
            shard_of=owner_of,
        )
        self._agent = asyncio.create_task(self._decide(self.transport.batches()))

    async def _decide(self, batches: AsyncGenerator[Batch, None]) -> None:
        async for take in self.runtime.takes(batches):
            try:
                take.rate(self.ledger.decide)
            except Exception as error:  # noqa: BLE001  as in worker.py
                self.runtime.fail(error)

    def watermark(self, shard: int = 0) -> int:
        return self.runtime._shards[shard].watermark.now()

    async def stop(self) -> None:
        self.transport.assigned = False
        await self.runtime.stop()
        self._agent.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._agent


class World:
    """A log, a cache a ledger and a clock, and the lanes over them."""

    def __init__(self) -> None:
        self.clock = MemoryClock()
        self.broker = MemoryBroker(self.clock, dict.fromkeys(topics(), SHARDS))
        self.caches = {ledger.name: MemoryCache() for ledger in LEDGERS}
        self.lanes: list[Lane] = []

    async def lane(self, name: str, *, log: Log | None = None) -> Lane:
        """Start a lane of a ledger that owns every shard; go on when they are open."""
        (ledger,) = (one for one in LEDGERS if one.name == name)
        made = Lane(self, ledger, log)
        self.lanes.append(made)
        await made.runtime.on_assigned(frozenset(range(SHARDS)))
        await self.until(lambda: len(made.runtime.open_shards | set(made.runtime.halted)) == SHARDS)
        return made

    async def start(self) -> tuple[Lane, Lane]:
        """Start both ledgers."""
        return await self.lane("plans"), await self.lane("wallet")

    # --- what goes in -------------------------------------------------------------------------

    @property
    def now(self) -> int:
        return self.clock.now_ms()

    def append(self, like: Record, shard: int | None = None) -> int:
        """Append a record to its owner's partition, or another; give its offset."""
        at = owner_of(like.key or b"") if shard is None else shard
        return self.broker.append(like.topic, at, like.key, like.value, headers=like.headers)

    def open(self, account: str) -> None:
        """Open an account in both ledgers."""
        self.append(command(open_account(account)))
        self.append(record(open_account(account)))

    def grant(self, account: str, expires: int) -> None:
        self.append(record(grant_voucher("v", account, amount="10", expires=format_instant(expires))))

    def use(self, account: str, ident: str, end: int, tokens: int = 1_000_000) -> None:
        """Publish usage that no plan covers: 0.165 a million tokens."""
        message = inference(end, ident=ident, account=account, input_tokens=tokens)
        self.append(structured(message))

    # --- what came out ------------------------------------------------------------------------

    def read(self, topic: str, shard: int | None = None) -> list[Entry]:
        shards = range(SHARDS) if shard is None else (shard,)
        return [entry for number in shards for entry in self.broker.committed(topic, number)]

    def ticks(self, shard: int = 0) -> list[int]:
        """Give the watermarks that were carried to the wallet, in order."""
        found = [Record(CREDIT_CHARGING, shard, e.offset, e.timestamp, e.key, e.value, e.headers)
                 for e in self.read(CREDIT_CHARGING, shard)]  # fmt: skip
        return [int(dict(one.headers)["watermark"]) for one in found if is_tick(one)]

    def said(self, topic: str, ledger: str = "wallet") -> list[Message]:
        found = [json.loads(entry.value or b"{}") for entry in self.read(topic)]
        return [said for said in found if said.get("ledger") == ledger]

    def paid(self) -> list[tuple[str, str]]:
        """Give (event, payer's kind) of each line of the wallet's charges."""
        return [(said["event"]["id"], line["payer"]["kind"]) for said in self.said(CHARGES) for line in said["lines"]]

    def forfeited(self) -> list[str]:
        """Give the amounts forfeited."""
        return [said["amount"] for said in self.said(ACCOUNT_EVENTS) if said["kind"] == "voucher_forfeited"]

    # --- time ---------------------------------------------------------------------------------

    async def until(self, done: Callable[[], bool]) -> None:
        """Go on until `done`; raise the failure of a lane, or AssertionError when nothing leads there."""
        for _ in range(SETTLE_STEPS_MAX):
            await let_others_run()
            self._check()
            if done():
                return
            await self.step()
        msg = f"not reached after {SETTLE_STEPS_MAX} steps of time"
        raise AssertionError(msg)

    async def step(self) -> None:
        wait_ms = self.clock.next_in_ms
        await self.clock.advance(PROBE_INTERVAL_MS if wait_ms is None else wait_ms)

    async def pass_time(self, duration_ms: int) -> None:
        await self.clock.advance(duration_ms)
        self._check()

    def _check(self) -> None:
        for lane in self.lanes:
            if lane.runtime.failure.done():
                lane.runtime.failure.result()


@contextlib.asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    """Give a world whose lanes are stopped at the end."""
    world = World()
    try:
        yield world
    finally:
        for lane in world.lanes:
            stopping = asyncio.create_task(lane.stop())
            while not stopping.done():
                await let_others_run()
                await world.step()
            await stopping
