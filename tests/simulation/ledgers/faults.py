"""What goes wrong, and where: at every await of the engine's ports a fault may strike, drawn by the run's own dice."""

import asyncio
import copy
import hashlib
import random
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from drawdown.engine.commit import CommitRecord, Cursor
from drawdown.engine.errors import KAFKA, REDIS, Retry
from drawdown.engine.memory.broker import CommitFault, MemoryBroker
from drawdown.engine.memory.cache import Held, MemoryCache
from drawdown.engine.memory.log import MemoryLog
from drawdown.engine.memory.transport import MemoryTransport
from drawdown.engine.ports import (
    Clock,
    Inventory,
    KnownId,
    LogRecord,
    LookUp,
    Sample,
    ShardLog,
    StateWrite,
    Swapped,
)  # fmt: skip
from drawdown.engine.records import Batch, Headers, OutRecord, Record

if TYPE_CHECKING:
    from tests.simulation.ledgers.node import Process

R = TypeVar("R")

CRASH, PAUSE, SLOW, REBALANCE, CLOCK, WIPE, ROLL_BACK, PAUSE_WIPED, FOREIGN = (
    "crash", "pause", "slow", "rebalance", "clock jump", "Redis wiped", "Redis rolled back",
    "pause, Redis wiped meanwhile", "Redis of another chain",
)  # fmt: skip
FAILED, LOST_REPLY = "failed", "lost reply"
ABORTED, LEFT_OPEN, UNKNOWN, FENCED = "aborted", "left open", "outcome unknown", "fenced"
SEEN_LATE = "seen late by readers"
ANYWHERE = (CRASH, PAUSE, SLOW, REBALANCE, CLOCK, WIPE, ROLL_BACK, PAUSE_WIPED, FOREIGN)
READ, WRITE, PLAIN = (FAILED,), (FAILED, LOST_REPLY), ()
TRANSACTIONAL = (ABORTED, LEFT_OPEN, UNKNOWN, FENCED, SEEN_LATE)
STEPS: dict[str, tuple[tuple[str, ...], int]] = {  # step → its own faults, and how often one strikes, of 10,000 calls
    "look_up": (READ, 200),
    "decide": (PLAIN, 20),
    "append": ((FAILED, FENCED), 100),
    "transaction's end": (TRANSACTIONAL, 500),
    "apply": (WRITE, 300),
    "cursor": (READ, 60),
    "inventory": (READ, 60),
    "sample": (READ, 60),
    "due": (READ, 60),
    "forget": (WRITE, 60),
    "input_ends": (READ, 60),
    "time_ms": (READ, 60),
    "send": (WRITE, 80),
    "fetch": (PLAIN, 100),
    "commit_offsets": (WRITE, 60),
    "close": (PLAIN, 150),
    "fence": (WRITE, 300),
    "newest_commit": (READ, 300),
    "changelog": (READ, 400),
    "known_ids": (READ, 400),
    "input_bounds": (READ, 300),
    "read_input": (READ, 150),
    "begin_rebuild": (WRITE, 1_000),
    "load": (WRITE, 1_000),
    "finish_rebuild": (WRITE, 1_000),
    "ends": (READ, 600),
    "begin_stage": (WRITE, 600),
    "stage": (WRITE, 600),
    "swap": (WRITE, 600),
    "assign": (PLAIN, 300),
    "revoke": (PLAIN, 300),
}
CELLS = [(fault, step) for step, (own, _) in STEPS.items() for fault in (*ANYWHERE, *own)]
_COPIES_MAX = 4
_APPLIES_COPIED, _LOADS_COPIED = 8, 2  # every so many of them, over all shards
_HOUR_MS = 3_600_000


Draw = tuple[str, int]  # a step, and which of its calls


class Faults:
    """Draws faults: what strikes a step's n-th call follows from seed, step and n alone, whatever else happened.

    times: how often faults strike, of the usual. fired: (fault, step) → how often it took effect. only: the draws that
    may strike; None: all. trace: a digest of every step in its order, so that two runs can be compared.
    """

    def __init__(self, seed: int, times: int = 1) -> None:
        self.dice = random.Random(seed)
        self.fired: Counter[tuple[str, str]] = Counter()
        self.history: list[str] = []
        self.on = True
        self.only: frozenset[Draw] | None = None
        self.struck: list[Draw] = []
        self.earlier: dict[tuple[str, int], deque[Held]] = {}
        self.trace = hashlib.blake2b(digest_size=16)
        self._seed = seed
        self._times = times
        self._calls: Counter[str] = Counter()

    def draw(self, step: str) -> str:
        """Give the fault that strikes at a step, "" for none."""
        own, often = STEPS[step]
        self._calls[step] += 1
        draw = step, self._calls[step]
        drawn = hashlib.blake2b(f"{self._seed} {draw}".encode(), digest_size=8).digest()
        self.trace.update(drawn)
        number = int.from_bytes(drawn, "big")
        if not self.on or number % 10_000 >= often * self._times or (self.only is not None and draw not in self.only):
            return ""
        self.struck.append(draw)
        self.dice = random.Random(number)
        return self.dice.choice(own if own and self.dice.random() < 0.5 else ANYWHERE)

    def fire(self, fault: str, step: str, who: str, at_ms: int) -> None:
        """Take note of a fault as it takes effect."""
        self.fired[fault, step] += 1
        self.history.append(f"{at_ms} ms: {fault} at {step} of {who}")

    def copied(self, ledger: str, shard: int, cache: MemoryCache, every: int) -> None:
        """Now and then keep what Redis holds, to roll it back to."""
        self._calls["copies"] += 1
        if self._calls["copies"] % every == 0:
            self.earlier.setdefault((ledger, shard), deque(maxlen=_COPIES_MAX)).append(cache.copy(shard))

    async def strike(self, fault: str, step: str, node: "Process", ledger: str, shard: int) -> None:
        """Let a fault that can strike anywhere happen before a call goes on."""
        copies = self.earlier.get((ledger, shard))
        if not fault or (fault in {ROLL_BACK, FOREIGN} and not copies):
            return
        world = node.world
        self.fire(fault, step, f"{node.name}, {ledger} {shard}", world.clock.monotonic_ms())
        if fault == CRASH:
            node.crash()
            await node.awake()
        elif fault in {PAUSE, PAUSE_WIPED}:
            length_ms = self.dice.randint(1, 15_000)
            node.pause(length_ms)
            if fault == PAUSE_WIPED:
                world.later(self.dice.randint(1, length_ms), lambda: world.caches[ledger].wipe(shard))
            await node.awake()
        elif fault == SLOW:
            await world.clock.sleep_ms(self.dice.randint(1, 8_000))
        elif fault == REBALANCE:
            world.rebalance()
        elif fault == CLOCK:
            node.clock.skew_ms = self.dice.randint(-_HOUR_MS, _HOUR_MS)
        elif fault == WIPE:
            world.caches[ledger].wipe(shard)
        elif copies:
            held = copy.deepcopy(self.dice.choice(copies))
            world.caches[ledger].restore(shard, held if fault == ROLL_BACK else _of_another_chain(held))

    async def call(
        self, node: "Process", ledger: str, step: str, shard: int, made: Callable[[], Awaitable[R]], part: str
    ) -> R:
        """Make a call of a port, unless something strikes before, instead of, or after it."""
        await node.awake()
        fault = self.draw(step)
        if fault == FAILED:
            self.fire(fault, step, f"{node.name}, {ledger} {shard}", node.world.clock.monotonic_ms())
            raise Retry(f"{step} failed", part=part)
        await self.strike(fault if fault in ANYWHERE else "", step, node, ledger, shard)
        result = await made()
        await node.awake()
        if fault == LOST_REPLY:
            self.fire(fault, step, f"{node.name}, {ledger} {shard}", node.world.clock.monotonic_ms())
            raise Retry(f"{step}: the reply was lost", part=part)
        return result


class SkewedClock:
    """A node's own wall clock over the time of all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.skew_ms = 0

    def now_ms(self) -> int:
        return self._clock.now_ms() + self.skew_ms

    def monotonic_ms(self) -> int:
        return self._clock.monotonic_ms()

    def monotonic_ns(self) -> int:
        return self._clock.monotonic_ns()

    async def sleep_ms(self, duration_ms: int) -> None:
        await self._clock.sleep_ms(duration_ms)


class FaultyCache:
    """A ledger's Redis as one node reaches it."""

    def __init__(self, faults: Faults, node: "Process", ledger: str, cache: MemoryCache) -> None:
        self._faults, self._node, self._ledger, self._cache = faults, node, ledger, cache

    async def _call(self, step: str, shard: int, made: Callable[[], Awaitable[R]]) -> R:
        return await self._faults.call(self._node, self._ledger, step, shard, made, REDIS)

    async def look_up(self, shard: int, identities: Sequence[bytes], accounts: Sequence[str]) -> LookUp:
        return await self._call("look_up", shard, lambda: self._cache.look_up(shard, identities, accounts))

    async def cursor(self, shard: int) -> Cursor:
        return await self._call("cursor", shard, lambda: self._cache.cursor(shard))

    async def apply(
        self, shard: int, expected: Cursor, new: Cursor, states: Sequence[StateWrite], ids: Sequence[KnownId]
    ) -> bool:
        self._faults.copied(self._ledger, shard, self._cache, _APPLIES_COPIED)
        return await self._call("apply", shard, lambda: self._cache.apply(shard, expected, new, states, ids))

    async def begin_rebuild(self, shard: int) -> bytes:
        return await self._call("begin_rebuild", shard, lambda: self._cache.begin_rebuild(shard))

    async def load(self, shard: int, token: bytes, states: Sequence[StateWrite], ids: Sequence[KnownId]) -> bool:
        self._faults.copied(self._ledger, shard, self._cache, _LOADS_COPIED)
        return await self._call("load", shard, lambda: self._cache.load(shard, token, states, ids))

    async def finish_rebuild(self, shard: int, token: bytes, cursor: Cursor) -> bool:
        return await self._call("finish_rebuild", shard, lambda: self._cache.finish_rebuild(shard, token, cursor))

    async def due(self, shard: int, until: int, limit: int) -> list[tuple[str, int]]:
        return await self._call("due", shard, lambda: self._cache.due(shard, until, limit))

    async def forget(self, shard: int, before: int) -> int:
        return await self._call("forget", shard, lambda: self._cache.forget(shard, before))

    async def inventory(self, shard: int) -> Inventory:
        return await self._call("inventory", shard, lambda: self._cache.inventory(shard))

    async def sample(self, shard: int, accounts: Sequence[str], ids: Sequence[KnownId]) -> Sample:
        return await self._call("sample", shard, lambda: self._cache.sample(shard, accounts, ids))

    async def begin_stage(self, shard: int) -> bytes:
        return await self._call("begin_stage", shard, lambda: self._cache.begin_stage(shard))

    async def stage(self, shard: int, token: bytes, states: Sequence[StateWrite], ids: Sequence[KnownId]) -> bool:
        self._faults.copied(self._ledger, shard, self._cache, _LOADS_COPIED)
        return await self._call("stage", shard, lambda: self._cache.stage(shard, token, states, ids))

    async def swap(self, shard: int, token: bytes, cursor: Cursor, held: Cursor | None) -> Swapped:
        return await self._call("swap", shard, lambda: self._cache.swap(shard, token, cursor, held))


class FaultyShardLog:
    """A shard's producer as one node holds it."""

    def __init__(self, faults: Faults, node: "Process", log: ShardLog, ledger: str, shard: int) -> None:
        self._faults, self._node, self._log, self._producer = faults, node, log, f"{ledger}-{shard}"
        self._place = ledger, shard

    async def commit(self, records: Sequence[OutRecord]) -> dict[tuple[str, int], int]:
        await self._node.awake()
        self._node.world.committing[self._producer] = self._node, *self._place
        offsets = await self._log.commit(records)
        await self._node.awake()
        return offsets

    async def close(self) -> None:
        if not self._node.dead:
            await self._faults.call(self._node, self._place[0], "close", self._place[1], self._log.close, KAFKA)


class FaultyLog:
    """Kafka as one node reaches it."""

    def __init__(self, faults: Faults, node: "Process", ledger: str, broker: MemoryBroker) -> None:
        self._faults, self._node, self._ledger = faults, node, ledger
        self._log = MemoryLog(broker, ledger, chunk_records=40)

    async def _call(self, step: str, shard: int, made: Callable[[], Awaitable[R]]) -> R:
        return await self._faults.call(self._node, self._ledger, step, shard, made, KAFKA)

    async def fence(self, shard: int) -> ShardLog:
        log = await self._call("fence", shard, lambda: self._log.fence(shard))
        return FaultyShardLog(self._faults, self._node, log, self._ledger, shard)

    async def newest_commit(self, shard: int) -> tuple[CommitRecord, int] | None:
        return await self._call("newest_commit", shard, lambda: self._log.newest_commit(shard))

    async def ends(self, shard: int) -> tuple[int, int]:
        return await self._call("ends", shard, lambda: self._log.ends(shard))

    async def hides(self, shard: int) -> bool:
        return await self._call("ends", shard, lambda: self._log.hides(shard))

    async def changelog(self, shard: int, start: int) -> AsyncGenerator[Sequence[LogRecord], None]:
        async for chunk in self._log.changelog(shard, start):
            await self._call("changelog", shard, _nothing)
            yield chunk

    async def known_ids(self, shard: int, start: int) -> AsyncGenerator[Sequence[LogRecord], None]:
        async for chunk in self._log.known_ids(shard, start):
            await self._call("known_ids", shard, _nothing)
            yield chunk

    async def input_bounds(self, shard: int, topics: Sequence[str]) -> dict[str, tuple[int, int]]:
        return await self._call("input_bounds", shard, lambda: self._log.input_bounds(shard, topics))

    async def input_ends(self, shard: int, topics: Sequence[str]) -> dict[str, int]:
        return await self._call("input_ends", shard, lambda: self._log.input_ends(shard, topics))

    async def time_ms(self) -> int:
        return await self._call("time_ms", 0, self._log.time_ms)

    async def read_input(self, shard: int, topic: str, offset: int) -> Record | None:
        return await self._call("read_input", shard, lambda: self._log.read_input(shard, topic, offset))

    async def send(
        self, topic: str, partition: int, key: bytes | None, value: bytes, timestamp: int | None, headers: Headers = ()
    ) -> None:
        sent = lambda: self._log.send(topic, partition, key, value, timestamp, headers)  # noqa: E731
        await self._call("send", partition, sent)


class FaultyTransport(MemoryTransport):
    """A node's transport: a fetch may come late, whether an offset commit is accepted is asked like any call."""

    def __init__(self, faults: Faults, node: "Process", ledger: str, topics: Sequence[str]) -> None:
        super().__init__(node.world.broker, topics)
        self._faults, self._node, self._ledger = faults, node, ledger

    async def batches(self) -> AsyncGenerator[Batch, None]:
        async for batch in super().batches():
            await self._faults.call(self._node, self._ledger, "fetch", batch.shard, _nothing, KAFKA)
            yield batch

    async def commit_offsets(self, shard: int, positions: Mapping[str, int]) -> bool:
        commit = super().commit_offsets
        try:
            made = lambda: commit(shard, positions)  # noqa: E731
            return await self._faults.call(self._node, self._ledger, "commit_offsets", shard, made, KAFKA)
        except Retry:
            return False


async def _nothing() -> None:
    await asyncio.sleep(0)


def commit_fault(fault: str) -> CommitFault | None:
    """Give what befalls a transaction."""
    return {ABORTED: CommitFault.ABORTED, LEFT_OPEN: CommitFault.LEFT_OPEN, UNKNOWN: CommitFault.UNANSWERED}.get(fault)


def _of_another_chain(held: Held) -> Held:
    """Give what a Redis of other contents, but the same numbers, would hold: other chain, no ids."""
    if held.cursor is not None:
        held.cursor = Cursor(
            held.cursor.number, b"another chain   ", held.cursor.changelog_offset, held.cursor.ids_offset
        )
    held.buckets = {}
    return held
