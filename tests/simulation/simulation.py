"""One run: workers over the ports' twins, random inputs, and a fault wherever one can happen. Same seed, same run."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from tests.support.engine import CHANGELOG, LEDGER, SHARDS, OwnWay, Worker, World, account

from drawdown.engine.commit import Cursor
from drawdown.engine.memory.broker import CommitFault
from drawdown.engine.memory.cache import Held
from drawdown.engine.memory.clock import let_others_run
from drawdown.engine.memory.group import Member, MemoryGroup

ACCOUNTS = [account(shard, index) for shard in range(SHARDS) for index in range(3)]
WORKERS_MAX = 3
ACTS_MIN, ACTS_MAX = 10, 30
PAUSE_MAX_MS = 4_000
OUTAGE_MAX_MS = 15_000
TIMER_MAX_MS = 60_000


class Simulation:
    """A world under faults. history: what was done, for the report of a failure."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.dice = random.Random(seed)
        self.history: list[str] = []
        self.compacted = False
        self._group = MemoryGroup(SHARDS)
        self._workers: list[Worker] = []
        self._ways: list[OwnWay] = []
        self._members: dict[Worker, Member] = {}
        self._running: list[asyncio.Task[None]] = []
        self._published: list[tuple[str, str, int, bytes]] = []
        self._earlier: list[tuple[int, Held]] = []
        self._serial = 0

    async def run(self) -> None:
        """Do some random acts, then mend everything and wait until all is taken."""
        for _ in range(self.dice.randint(1, WORKERS_MAX)):
            self._new_worker()
        for _ in range(self.dice.randint(ACTS_MIN, ACTS_MAX)):
            self._publish(self.dice.choice((0, 1, 3)))
            act = self.dice.choices(self._acts, self._weights)[0]
            self.history.append(f"{self.world.clock.monotonic_ms()} ms: {act.__name__.strip('_')}")
            act(self)
            await self._pass(self.dice.choice((0, 0, 5, 50, 500, PAUSE_MAX_MS)))
        await self._mend()
        await self.world.settled()

    async def _pass(self, duration_ms: int) -> None:
        if duration_ms:
            await self.world.clock.advance(self.dice.randint(1, duration_ms))
        else:
            await let_others_run(self.dice.randint(0, 12))

    async def _mend(self) -> None:
        self.history.append("mend all")
        self.world.broker.on_end = None
        self.world.broker.faults.clear()
        self.world.broker.down = self.world.cache.down = False
        for way in self._ways:
            way.down = False
        await self.world.until(lambda: all(task.done() for task in self._running))
        for task in self._running:
            await task

    def _start(self, call: Awaitable[object]) -> None:
        async def wrapped() -> None:
            await call

        self._running.append(asyncio.create_task(wrapped()))

    # --- inputs -------------------------------------------------------------------------------

    def _publish(self, count: int) -> None:
        for _ in range(count):
            key = self.dice.choice(ACCOUNTS)
            kind = self.dice.random()
            partition = self.dice.randrange(SHARDS) if self.dice.random() < 0.1 else self.world.place(key)
            if kind < 0.2 and self._published:
                topic, key, partition, value = self.dice.choice(self._published)
                if self.dice.random() < 0.3 and topic != LEDGER.command_topic:
                    topic = self.dice.choice(LEDGER.usage_topics)
            else:
                topic, value = self._made(kind)
                self._published.append((topic, key, partition, value))
            self.world.broker.append(topic, partition, key.encode(), value)

    def _made(self, kind: float) -> tuple[str, bytes]:
        self._serial += 1
        ident = f"id-{self._serial}"
        topic = self.dice.choice(LEDGER.usage_topics)
        if kind < 0.25:
            return topic, b"{%d" % self._serial
        if kind < 0.3:
            return topic, b'{"id": "%s", "add": -1}' % ident.encode()
        if kind < 0.45:
            due = self.world.clock.now_ms() + self.dice.randint(1, TIMER_MAX_MS)
            due = self.dice.choice((0, due))
            return LEDGER.command_topic, b'{"id": "%s", "set": %d, "due": %d}' % (ident.encode(), self._serial, due)
        return topic, b'{"id": "%s", "add": %d}' % (ident.encode(), self.dice.randint(0, 9))

    # --- the group ----------------------------------------------------------------------------

    async def _join(self, worker: Worker) -> None:
        self._members[worker] = await self._group.join(worker.transport, worker.runtime)

    def _new_worker(self) -> None:
        if len(self._workers) == WORKERS_MAX:
            return self._rebalance()
        way = OwnWay(self.world.cache)
        worker = self.world.worker(cache=way)
        self._ways.append(way)
        self._workers.append(worker)
        return self._start(self._join(worker))

    def _reachable(self) -> list[Worker]:
        here = self._group.members
        return [worker for worker in self._workers if self._members.get(worker) in here]

    def _leave(self) -> None:
        here = self._reachable()
        if len(here) > 1:
            self._start(self._leave_and_return(self.dice.choice(here), self.dice.randint(1, PAUSE_MAX_MS)))

    async def _leave_and_return(self, worker: Worker, after_ms: int) -> None:
        member = self._members[worker]
        await self._group.leave(member)
        await self.world.clock.sleep_ms(after_ms)
        await self._group.come_back(member)

    def _lose(self) -> None:
        """Let a session pass; the member goes on for a while, awake or with its agent asleep."""
        here = self._reachable()
        if len(here) < 2:
            return
        worker = self.dice.choice(here)
        held = asyncio.Event()
        if self.dice.random() < 0.6:
            worker.held = held
        self._start(self._lost_for_a_while(worker, held, self.dice.randint(1, 2 * OUTAGE_MAX_MS)))

    async def _lost_for_a_while(self, worker: Worker, held: asyncio.Event, wakes_after_ms: int) -> None:
        member = self._members[worker]
        await self._group.lose(member)
        await self.world.clock.sleep_ms(wakes_after_ms)
        held.set()
        await self.world.clock.sleep_ms(wakes_after_ms // 3)  # awake, and not yet told
        await self._group.come_back(member)

    def _rebalance(self) -> None:
        self._start(self._group.rebalance())

    def _pause_agent(self) -> None:
        worker = self.dice.choice(self._workers)
        worker.held = held = asyncio.Event()
        self._start(self._later(self.dice.randint(1, OUTAGE_MAX_MS), held.set))

    async def _later(self, after_ms: int, act: Callable[[], object]) -> None:
        await self.world.clock.sleep_ms(after_ms)
        act()

    # --- the log ------------------------------------------------------------------------------

    def _fault_commits(self) -> None:
        faults = [*CommitFault, None]
        self.world.broker.faults.extend(self.dice.choice(faults) for _ in range(self.dice.randint(1, 4)))

    def _interrupt_a_transaction(self) -> None:
        """Let something happen when all of a transaction is appended and nothing is decided."""
        act = self.dice.choice(self._inside)
        sleep_ms = self.dice.choice((0, 100, OUTAGE_MAX_MS))

        async def once(_: str) -> None:
            self.world.broker.on_end = None
            self.history.append(f"{self.world.clock.monotonic_ms()} ms: inside a transaction, {act.__name__}")
            act(self)
            if sleep_ms:
                await self.world.clock.sleep_ms(sleep_ms)

        self.world.broker.on_end = once

    def _kafka_down(self) -> None:
        self.world.broker.down = True
        after_ms = self.dice.randint(1, OUTAGE_MAX_MS)
        self._start(self._later(after_ms, lambda: setattr(self.world.broker, "down", False)))

    def _compact(self) -> None:
        self.compacted = True
        self.world.broker.compact(CHANGELOG, self.dice.randrange(SHARDS))

    # --- Redis --------------------------------------------------------------------------------

    def _redis_down(self) -> None:
        """Cut off all of them or one."""
        cache = self.dice.choice([self.world.cache, *self._ways])
        ways = self._ways if cache is self.world.cache else [cache]
        for way in ways:
            way.down = True
            self._start(self._later(self.dice.randint(1, OUTAGE_MAX_MS), lambda way=way: setattr(way, "down", False)))  # type: ignore[misc]

    def _redis_unanswered(self) -> None:
        self.dice.choice(self._ways).unanswered += self.dice.randint(1, 3)

    def _wipe(self) -> None:
        self.world.cache.wipe(self.dice.randrange(SHARDS))

    def _remember(self) -> None:
        shard = self.dice.randrange(SHARDS)
        self._earlier.append((shard, self.world.cache.copy(shard)))

    def _roll_back(self) -> None:
        if self._earlier:
            self.world.cache.restore(*self.dice.choice(self._earlier))

    def _damage(self) -> None:
        shard = self.dice.randrange(SHARDS)
        held = self.world.cache.copy(shard)
        if held.states and self.dice.random() < 0.5:
            self.world.cache.damage(shard, self.dice.choice(sorted(held.states)))
        else:
            self.world.cache.damage_cursor(shard)

    def _another_chain(self) -> None:
        shard = self.dice.randrange(SHARDS)
        newest = self.world.newest_commit(shard)
        if newest is not None:
            self.world.cache.set_cursor(shard, Cursor(self.dice.randint(1, newest.number), b"another chain   ", 1, 1))

    _inside = (_rebalance, _lose, _kafka_down, _redis_down, _wipe, _roll_back, _damage, _redis_unanswered, _leave)
    _weighted = (
        (_fault_commits, 4),
        (_interrupt_a_transaction, 5),
        (_redis_unanswered, 3),
        (_roll_back, 3),
        (_lose, 3),
        (_remember, 3),
        (_wipe, 2),
        (_redis_down, 2),
        (_kafka_down, 2),
        (_new_worker, 2),
        (_leave, 2),
        (_pause_agent, 2),
        (_rebalance, 1),
        (_damage, 1),
        (_another_chain, 1),
        (_compact, 1),
    )
    _acts = tuple(act for act, _ in _weighted)
    _weights = tuple(weight for _, weight in _weighted)
