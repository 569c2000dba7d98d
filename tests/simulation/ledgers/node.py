"""Processes over the twins: workers with all three ledgers, each with its engine, and who rebuilds a shard by hand."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from tests.simulation.ledgers.faults import ANYWHERE, FaultyCache, FaultyLog, FaultyTransport, SkewedClock

from drawdown.engine.errors import Doubt, Retry
from drawdown.engine.ledger import Ledger
from drawdown.engine.rebuild import Rebuild
from drawdown.engine.records import Batch
from drawdown.engine.runtime import Runtime

if TYPE_CHECKING:
    from tests.simulation.ledgers.world import World

SESSION_MS = 6_000


class Lane:
    """One ledger on a node."""

    def __init__(self, node: "Node", ledger: Ledger) -> None:
        world = node.world
        self.ledger = ledger
        self.transport = FaultyTransport(world.faults, node, ledger.name, (ledger.command_topic, *ledger.usage_topics))
        self.transport.assigned = False
        self.runtime = Runtime(
            ledger=ledger,
            cache=FaultyCache(world.faults, node, ledger.name, world.caches[ledger.name]),
            log=FaultyLog(world.faults, node, ledger.name, world.broker),
            transport=self.transport,
            clock=node.clock,
            shard_of=world.shard_of,
        )
        self.shards: frozenset[int] = frozenset()
        self._node = node
        self.agent = asyncio.create_task(self._decide(self.transport.batches()))

    async def _decide(self, batches: AsyncGenerator[Batch, None]) -> None:
        faults, name = self._node.world.faults, self.ledger.name
        async for take in self.runtime.takes(batches):
            fault = faults.draw("decide")
            if fault in ANYWHERE:
                await faults.strike(fault, "decide", self._node, name, take.shard)
            await self._node.awake()
            try:
                take.rate(self.ledger.decide)
            except Exception as error:  # noqa: BLE001  as in worker.py
                self.runtime.fail(error)

    def cancel(self) -> None:
        self.agent.cancel()
        for task in self.runtime._tasks.values():
            task.cancel()


class Process:
    """What runs on its own. dead: it does nothing any more, and told nobody; paused: it stands still where it is."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.dead = False
        self.clock = SkewedClock(world.clock)
        self._running = asyncio.Event()
        self._running.set()

    @property
    def reachable(self) -> bool:
        return not self.dead and self._running.is_set()

    async def awake(self) -> None:
        """Go on when the process runs; never for one that is dead."""
        if self.dead:
            await asyncio.Event().wait()
        await self._running.wait()
        if self.dead:
            await asyncio.Event().wait()

    def crash(self) -> None:
        """Stop at once, as by SIGKILL."""
        self.dead = True

    def pause(self, duration_ms: int) -> None:
        """Stand still for a while."""
        self._running.clear()
        self.world.later(duration_ms, self._wake)

    def _wake(self) -> None:
        self._running.set()


class Operator(Process):
    """Who runs `drawdown rebuild` for a shard, beside its owner."""

    async def rebuild(self, ledger: str, shard: int) -> None:
        """Rebuild it once; a part that is down, or somebody else's rebuild, ends it."""
        faults = self.world.faults
        log = FaultyLog(faults, self, ledger, self.world.broker)
        cache = FaultyCache(faults, self, ledger, self.world.caches[ledger])
        with contextlib.suppress(Retry, Doubt):
            await Rebuild(log, cache).run(shard)
            self.world.rebuilt += 1


class Node(Process):
    """A worker's process, a member of the group."""

    def __init__(self, world: "World", name: str) -> None:
        super().__init__(world, name)
        self.lanes = [Lane(self, ledger) for ledger in world.ledgers]

    def crash(self) -> None:
        """Stop at once; another process comes in its place."""
        super().crash()
        self.world.later(SESSION_MS, self.world.rebalance)
        self.world.later(self.world.faults.dice.randint(1, 3_000), self.world.new_node)

    def pause(self, duration_ms: int) -> None:
        """Stand still for a while; past its session the group goes on without it."""
        if duration_ms > SESSION_MS:
            self.world.later(SESSION_MS, self.world.rebalance)
        super().pause(duration_ms)

    def _wake(self) -> None:
        super()._wake()
        self.world.rebalance()

    @property
    def failure(self) -> BaseException | None:
        """What stopped it, if anything did; a halted shard counts."""
        for lane in self.lanes:
            if lane.runtime.failure.done():
                return lane.runtime.failure.exception()
            for halt in lane.runtime.halted.values():
                return halt
        return None

    async def stop(self) -> None:
        """End all its tasks."""
        self.dead = True
        for lane in self.lanes:
            lane.cancel()
        for lane in self.lanes:
            with contextlib.suppress(asyncio.CancelledError):
                await lane.agent
            await asyncio.gather(*lane.runtime._tasks.values(), return_exceptions=True)
