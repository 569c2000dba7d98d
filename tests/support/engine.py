"""Workers of the Tally ledger over the ports' twins in memory: what goes in, what came out, and time by hand."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

from tests.support.tally import Tally

from drawdown.adapters.kafka.partitioner import shard_of
from drawdown.domain.limits import PROBE_INTERVAL_MS
from drawdown.engine.commit import COMMIT_KEY, CommitRecord, Cursor, InputPosition, decode_commit
from drawdown.engine.errors import Halt
from drawdown.engine.memory.broker import Entry, MemoryBroker
from drawdown.engine.memory.cache import MemoryCache
from drawdown.engine.memory.clock import MemoryClock, let_others_run
from drawdown.engine.memory.log import MemoryLog
from drawdown.engine.memory.transport import MemoryTransport
from drawdown.engine.ports import Cache, KnownId, Log, StateWrite
from drawdown.engine.records import Batch
from drawdown.engine.runtime import Runtime

SHARDS = 2
LEDGER = Tally()
INPUTS = (LEDGER.command_topic, *LEDGER.usage_topics)
CHANGELOG = "changelog.tally"
KNOWN_IDS = "known-ids.tally"
OWN = (CHANGELOG, KNOWN_IDS)
TOPICS = (*INPUTS, *LEDGER.output_topics, *OWN, "dead-letters")
SETTLE_STEPS_MAX = 400

owner_of = shard_of(SHARDS)


def account(shard: int, index: int = 0) -> str:
    """Give the name of an account that the shard owns."""
    names = (f"account-{number}" for number in itertools.count())
    return next(itertools.islice((name for name in names if owner_of(name.encode()) == shard), index, None))


A, B = account(0), account(1)


class Worker:
    """One worker: the engine, its transport, and an agent like the one of worker.py."""

    def __init__(
        self, world: "World", *, cache: Cache | None = None, log: Log | None = None, ledger: Tally = LEDGER
    ) -> None:
        self.transport = MemoryTransport(world.broker, INPUTS)
        self._ledger = ledger
        self.runtime = Runtime(
            ledger=ledger,
            cache=cache or world.cache,
            log=log or MemoryLog(world.broker, LEDGER.name),
            transport=self.transport,
            clock=world.clock,
            shard_of=owner_of,
            log_clock=world.log_clock,
        )
        self.held: asyncio.Event | None = None  # set to an event: the agent waits for it before each take
        self._agent = asyncio.create_task(self._rate(self.transport.batches()))

    async def _rate(self, batches: AsyncGenerator[Batch, None]) -> None:
        async for take in self.runtime.takes(batches):
            if self.held is not None:
                await self.held.wait()
            try:
                take.rate(self._ledger.decide)
            except Exception as error:  # noqa: BLE001  as in worker.py
                self.runtime.fail(error)

    async def assign(self, *shards: int) -> None:
        self.transport.assigned = True
        await self.runtime.on_assigned(frozenset(shards))

    async def revoke(self, *shards: int) -> None:
        self.transport.assigned = False
        await self.runtime.on_revoked(frozenset(shards))

    async def stop(self) -> None:
        self.transport.assigned = False
        await self.runtime.stop()
        self._agent.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._agent

    @property
    def failure(self) -> BaseException | None:
        failure = self.runtime.failure
        return failure.exception() if failure.done() else None


class OwnWay(MemoryCache):
    """One worker's own way to the Redis of all: it may be down, or stall, for this worker alone.

    gates: method → an event that its next calls wait for.
    """

    def __init__(self, shared: MemoryCache) -> None:
        super().__init__()
        self._shards = shared._shards
        self._tokens = shared._tokens
        self.gates: dict[str, asyncio.Event] = {}
        self.stalled = 0

    async def _pass(self, method: str) -> None:
        gate = self.gates.get(method)
        if gate is not None and not gate.is_set():
            self.stalled += 1
            await gate.wait()
            self.stalled -= 1

    async def apply(
        self, shard: int, expected: Cursor, new: Cursor, states: Sequence[StateWrite], ids: Sequence[KnownId]
    ) -> bool:
        await self._pass("apply")
        return await super().apply(shard, expected, new, states, ids)

    async def begin_rebuild(self, shard: int) -> bytes:
        await self._pass("begin_rebuild")
        return await super().begin_rebuild(shard)

    async def load(self, shard: int, token: bytes, states: Sequence[StateWrite], ids: Sequence[KnownId]) -> bool:
        await self._pass("load")
        return await super().load(shard, token, states, ids)

    async def finish_rebuild(self, shard: int, token: bytes, cursor: Cursor) -> bool:
        await self._pass("finish_rebuild")
        return await super().finish_rebuild(shard, token, cursor)


class World:
    """A log, a cache and a clock, and the workers over them."""

    def __init__(self, *, append_time: bool = True, log_clock: bool = False) -> None:
        self.log_clock = log_clock
        self.clock = MemoryClock()
        self.broker = MemoryBroker(self.clock, dict.fromkeys(TOPICS, SHARDS), append_time=append_time)
        self.cache = MemoryCache()
        self.workers: list[Worker] = []

    def worker(self, *, cache: Cache | None = None, log: Log | None = None, ledger: Tally = LEDGER) -> Worker:
        """Give a worker that owns nothing yet. cache, log: faulty ones of its own, over the world's."""
        self.workers.append(Worker(self, cache=cache, log=log, ledger=ledger))
        return self.workers[-1]

    async def start(self, worker: Worker | None = None) -> Worker:
        """Give a worker that owns every shard, once they are open."""
        worker = worker or self.worker()
        await worker.assign(*range(SHARDS))
        await self.until(lambda: len(worker.runtime.open_shards) == SHARDS)
        return worker

    # --- what goes in -------------------------------------------------------------------------

    def publish(
        self, key: str, topic: str = "adds", *, at: int | None = None, to: int | None = None, **body: Any
    ) -> int:
        """Append an input, to its owner's partition or to another; give its offset."""
        value = json.dumps(body).encode()
        partition = owner_of(key.encode()) if to is None else to
        return self.broker.append(topic, partition, key.encode(), value, timestamp=at)

    def add(self, key: str, ident: str, add: int = 1, topic: str = "adds", *, to: int | None = None) -> int:
        return self.publish(key, topic, to=to, id=ident, add=add)

    def set(self, key: str, ident: str, total: int, due: int = 0) -> int:
        return self.publish(key, LEDGER.command_topic, id=ident, set=total, due=due)

    @staticmethod
    def place(key: str) -> int:
        """Give the shard that owns an account."""
        return owner_of(key.encode())

    @staticmethod
    def is_placed(key: bytes | None, shard: int) -> bool:
        """Say whether a record of this key is on its own shard."""
        return key is None or owner_of(key) == shard

    # --- what came out ------------------------------------------------------------------------

    def read(self, topic: str) -> list[Entry]:
        return [entry for shard in range(SHARDS) for entry in self.broker.committed(topic, shard)]

    def totals(self, key: str | None = None) -> list[tuple[str, int, int]]:
        """Give (id, total, seq) of each output, of one account or all."""
        found = [json.loads(entry.value or b"") for entry in self.read("totals")]
        return [(out["id"], out["total"], out["seq"]) for out in found if key in {None, out["account"]}]

    def outputs(self) -> list[tuple[bytes | None, bytes | None]]:
        return [(entry.key, entry.value) for entry in self.read("totals")]

    def dead_letters(self) -> list[tuple[str, bytes | None]]:
        """Give (reason, refused bytes) of each dead letter."""
        return [(dict(entry.headers)["reason"].decode(), entry.value) for entry in self.read("dead-letters")]

    def states(self) -> dict[str, bytes]:
        """Give every account's state bytes as Redis holds them."""
        held = [self.cache.copy(shard) for shard in range(SHARDS)]
        return {name: write.value for shard in held for name, write in sorted(shard.states.items())}

    def fences(self, shard: int) -> int:
        """Count how often the shard's producer was fenced."""
        return self.broker.fences(f"{LEDGER.name}-{shard}")

    def newest_commit(self, shard: int) -> CommitRecord | None:
        commits = [entry for entry in self.broker.committed(CHANGELOG, shard) if entry.key == COMMIT_KEY]
        return decode_commit(commits[-1].value or b"") if commits else None

    # --- time ---------------------------------------------------------------------------------

    async def step(self) -> None:
        """Let all run, then let time pass up to the next sleeper."""
        await let_others_run()
        wait_ms = self.clock.next_in_ms
        await self.clock.advance(PROBE_INTERVAL_MS if wait_ms is None else wait_ms)

    async def until(self, done: Callable[[], bool]) -> None:
        """Go on until `done`; raise the failure of a worker, or AssertionError when nothing leads there."""
        for _ in range(SETTLE_STEPS_MAX):
            await let_others_run()
            for worker in self.workers:
                if worker.failure is not None:
                    raise worker.failure
            if done():
                return
            await self.step()
        msg = f"not reached after {SETTLE_STEPS_MAX} steps of time"
        raise AssertionError(msg)

    async def pass_time(self, duration_ms: int) -> None:
        await self.clock.advance(duration_ms)
        await self.until(lambda: True)

    async def settled(self) -> None:
        """Go on until all inputs are taken and Redis is where the log is."""
        await self.until(self.is_settled)

    def is_settled(self) -> bool:
        for shard in range(SHARDS):
            newest = self.newest_commit(shard)
            held = self.cache.copy(shard)
            if (newest.number if newest else 0) != (held.cursor.number if held.cursor else 0):
                return False
            positions = {position.topic: position for position in newest.inputs} if newest else {}
            for topic in INPUTS:
                waiting = self.broker.committed(topic, shard)
                if waiting and waiting[-1].offset >= positions.get(topic, InputPosition(topic, 0)).next_offset:
                    return False
        return True

    async def halts(self, worker: Worker, shard: int) -> Halt:
        """Go on until the worker halts the shard; give what it says."""
        await self.until(lambda: shard in worker.runtime.halted)
        assert shard not in worker.runtime.open_shards
        return worker.runtime.halted[shard]

    async def fails(self, worker: Worker) -> BaseException:
        """Go on until the worker fails; give its failure."""
        for _ in range(SETTLE_STEPS_MAX):
            if worker.failure is not None:
                return worker.failure
            await self.step()
        msg = "the worker did not fail"
        raise AssertionError(msg)


@contextlib.asynccontextmanager
async def a_world(*, append_time: bool = True, log_clock: bool = False) -> AsyncIterator[World]:
    """Give a world whose workers are stopped at the end."""
    world = World(append_time=append_time, log_clock=log_clock)
    try:
        yield world
    finally:
        for worker in world.workers:
            stopping = asyncio.create_task(worker.stop())
            while not stopping.done():
                await world.step()
            await stopping
