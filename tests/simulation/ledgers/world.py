"""A log, a Redis, a group of nodes, and one clock: everything that a run is made of."""

import asyncio
from collections.abc import Callable, Coroutine

from tests.simulation.ledgers.faults import ANYWHERE, FAILED, FENCED, SEEN_LATE, Faults, commit_fault
from tests.simulation.ledgers.node import Node, Operator, Process
from tests.support.two_ledgers import LEDGERS, topics

from drawdown.adapters.kafka.partitioner import shard_of
from drawdown.domain.limits import ID_BUCKET_MS, PROBE_INTERVAL_MS
from drawdown.engine.commit import COMMIT_KEY, GENESIS, CommitRecord, decode_commit
from drawdown.engine.memory.broker import MemoryBroker, Refused
from drawdown.engine.memory.cache import MemoryCache
from drawdown.engine.memory.clock import START_MS, MemoryClock, let_others_run
from drawdown.engine.shard import WATERMARK_HEADER

SHARDS = 3
NODES_MAX = 3
SETTLE_STEPS_MAX = 600
MARKERS_LATE_MS_MAX = 30_000
# When a run begins: it passes a day's end, where a bucket of ids is forgotten, or holds ids that are forgotten there.
BEFORE_MIDNIGHT_MS = (30_000, 120_000)


class World:
    """What runs, and what can happen to it."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.ledgers = LEDGERS
        self.shard_of = shard_of(SHARDS)
        self.clock = MemoryClock(START_MS + ID_BUCKET_MS - faults.dice.randint(*BEFORE_MIDNIGHT_MS))
        self.broker = MemoryBroker(self.clock, dict.fromkeys(topics(), SHARDS))
        self.broker.on_append, self.broker.on_end = self._appended, self._ends
        self.caches = {ledger.name: MemoryCache() for ledger in LEDGERS}
        self.nodes: list[Node] = []
        self.rebuilt = 0  # by hand
        self.failure: Exception | None = None  # of a rebuild by hand
        self.committing: dict[str, tuple[Process, str, int]] = {}
        self._rebalancing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._named = 0

    # --- nodes --------------------------------------------------------------------------------

    def new_node(self) -> None:
        """Start a process, if there is room, and let it join."""
        if sum(not node.dead for node in self.nodes) < NODES_MAX:
            self._named += 1
            self.nodes.append(Node(self, f"node-{self._named}"))
            self.rebalance()

    def rebuild(self, ledger: str, shard: int) -> None:
        """Let somebody rebuild a shard by hand."""
        self._named += 1
        self._start(self._rebuild(Operator(self, f"rebuild-{self._named}"), ledger, shard))

    async def _rebuild(self, who: Operator, ledger: str, shard: int) -> None:
        try:
            await who.rebuild(ledger, shard)
        except Exception as error:  # noqa: BLE001  it is not to halt, and nothing else may come of it
            self.failure = error

    def rebalance(self) -> None:
        """Share the shards anew among those that answer."""
        self._start(self._rebalance())

    def later(self, duration_ms: int, act: Callable[[], object]) -> None:
        """Do something when so much time has passed."""

        async def wait() -> None:
            await self.clock.sleep_ms(duration_ms)
            act()

        self._start(wait())

    def _start(self, made: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(made)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _rebalance(self) -> None:
        """Revoke everything of the members that answer, then assign; those that do not are told nothing."""
        async with self._rebalancing:
            for node in self.nodes:
                for lane in node.lanes:
                    lane.transport.assigned = False
            members = [node for node in self.nodes if node.reachable]
            await asyncio.gather(*(self._revoke(node) for node in members))
            members = [node for node in members if node.reachable]
            for place, node in enumerate(members):
                await self._strike("assign", node, place)
                if not node.reachable:
                    continue
                for lane in node.lanes:
                    lane.shards = frozenset(range(place, SHARDS, len(members)))
                    await lane.runtime.on_assigned(lane.shards)
                    lane.transport.assigned = True

    async def _revoke(self, node: Node) -> None:
        await self._strike("revoke", node, 0)
        if not node.reachable:
            return
        for lane in node.lanes:
            shards, lane.shards = lane.shards, frozenset()
            await lane.runtime.on_revoked(shards)

    async def _strike(self, step: str, node: Node, shard: int) -> None:
        """Let what can happen to a member while the group changes happen beside it: the group does not wait."""
        fault = self.faults.draw(step)
        if fault:
            self._start(self.faults.strike(fault, step, node, self.ledgers[0].name, shard))
            await asyncio.sleep(0)

    # --- inside of transactions ---------------------------------------------------------------

    async def _appended(self, producer: str) -> None:
        await self._inside("append", producer)

    async def _ends(self, producer: str) -> None:
        await self._inside("transaction's end", producer)

    async def _inside(self, step: str, producer: str) -> None:
        node, ledger, shard = self.committing[producer]
        await node.awake()
        self.broker.late.discard(producer)
        fault = self.faults.draw(step)
        who = f"{node.name}, {ledger} {shard}"
        ends = commit_fault(fault)
        if fault in ANYWHERE:
            await self.faults.strike(fault, step, node, ledger, shard)
        elif fault:
            self.faults.fire(fault, step, who, self.clock.monotonic_ms())
        if ends is not None:
            self.broker.faults.append(ends)
        elif fault == FAILED:
            raise Refused("an append failed")
        elif fault == FENCED:
            self.broker.fence(producer)
        elif fault == SEEN_LATE:
            self.broker.late.add(producer)
            self.later(self.faults.dice.randint(1, MARKERS_LATE_MS_MAX), lambda: self.broker.mark(producer))

    # --- time ---------------------------------------------------------------------------------

    async def pass_time(self, duration_ms: int) -> None:
        """Let time pass; raise the failure of a node."""
        await self.clock.advance(duration_ms)
        self.check()

    def check(self) -> None:
        """Raise what stopped a node or a rebuild, or halted a shard."""
        if self.failure is not None:
            raise self.failure
        for node in self.nodes:
            if not node.dead and node.failure is not None:
                raise node.failure

    async def settled(self) -> None:
        """Mend everything, and go on until all is taken and Redis is where the log is."""
        self.faults.on = False
        if not any(not node.dead for node in self.nodes):
            self.new_node()
        for _ in range(SETTLE_STEPS_MAX):
            await let_others_run()
            self.check()
            if self._is_settled():
                return
            wait_ms = self.clock.next_in_ms
            await self.clock.advance(PROBE_INTERVAL_MS if wait_ms is None else wait_ms)
        msg = "liveness: what waits was not taken, long after the last fault"
        raise AssertionError(msg)

    def _is_settled(self) -> bool:
        if any(not node.dead and not node.reachable for node in self.nodes):
            return False
        return all(self._is_taken(name, shard) for name in self.caches for shard in range(SHARDS))

    def _is_taken(self, name: str, shard: int) -> bool:
        newest, held = self.newest_commit(name, shard), self.caches[name]._held(shard)
        cursor = held.cursor or GENESIS  # of the same number it may be another chain's, until a probe notices
        if (newest.number, newest.chain) != (cursor.number, cursor.chain) if newest else cursor.number:
            return False
        (ledger,) = (one for one in self.ledgers if one.name == name)
        taken = {position.topic: position.next_offset for position in newest.inputs} if newest else {}
        watermark = newest.watermark if newest else 0
        if any(due <= watermark for due in held.due.values()):
            return False
        for topic in (ledger.command_topic, *ledger.usage_topics):
            waiting = self.broker.committed(topic, shard)[-200:]
            if any(
                entry.offset >= taken.get(topic, 0)
                and (entry.value or not any(header == WATERMARK_HEADER for header, _ in entry.headers))
                for entry in waiting
            ):
                return False
        return True

    def newest_commit(self, ledger: str, shard: int) -> CommitRecord | None:
        """Give a shard's newest commit record."""
        for entry in reversed(self.broker.committed(f"changelog.{ledger}", shard)):
            if entry.key == COMMIT_KEY:
                return decode_commit(entry.value or b"")
        return None

    async def stop(self) -> None:
        """End everything."""
        for task in list(self._tasks):
            task.cancel()
        for node in self.nodes:
            await node.stop()
