"""What a run of three ledgers in memory left behind, recorded once; each test spoils a copy of it."""

import copy
from collections.abc import Callable

from tests.support.codes import code_record, issue_code, redeem_code
from tests.support.engine import SHARDS, owner_of
from tests.support.messages import DAY, SECOND, activate_plan, command, raw
from tests.support.two_ledgers import LEDGERS, World, a_world
from tests.support.verifying import MemorySource
from tests.support.wallet_messages import record, top_up

from drawdown.engine.memory.broker import Entry, MemoryBroker, Partition
from drawdown.engine.memory.cache import Held, MemoryCache
from drawdown.engine.memory.clock import MemoryClock
from drawdown.topics import CHARGES
from drawdown.verify import Finding, Report, verify

ACCOUNTS = [f"acc-{number}" for number in range(4)]
PLANNED = ACCOUNTS[0]  # has a plan, which pays a part; then the wallet does


class Remains:
    """A log and the caches beside it, to be spoiled."""

    def __init__(self, world: World) -> None:
        """Take a copy of a world whose lanes have come to rest."""
        self._topics: dict[str, list[Partition]] = copy.deepcopy(world.broker._topics)
        self._now = world.now
        self.caches = {name: [cache.copy(shard) for shard in range(SHARDS)] for name, cache in world.caches.items()}

    def copy(self) -> "Remains":
        """Give a copy of its own."""
        return copy.deepcopy(self)

    def partition(self, topic: str, account: str) -> Partition:
        return self._topics[topic][owner_of(account.encode())]

    def of(self, topic: str, account: str, ledger: str = "") -> list[Entry]:
        """List an account's records of a topic."""
        told = b'"ledger":"%s"' % ledger.encode() if ledger else b""
        entries = self.partition(topic, account).entries
        return [entry for entry in entries if entry.key == account.encode() and told in (entry.value or b"")]

    def edit(self, topic: str, account: str, change: Callable[[list[Entry]], list[Entry]]) -> None:
        """Put other entries in the place of those of the account's partition."""
        at = self.partition(topic, account)
        at.entries = change(at.entries)

    def put(self, topic: str, account: str, old: Entry, **change: object) -> None:
        """Alter one record."""
        entries = self.partition(topic, account).entries
        fields = {name: getattr(old, name) for name in old.__struct_fields__} | change
        entries[entries.index(old)] = Entry(**fields)

    def drop(self, topic: str, account: str, old: Entry) -> None:
        """Lose one record."""
        self.partition(topic, account).entries.remove(old)

    def held(self, ledger: str, account: str) -> Held:
        """Give the cache of an account's shard, to be edited."""
        return self.caches[ledger][owner_of(account.encode())]

    def compact(self) -> None:
        """Let the changelogs be compacted: one commit record is left of each."""
        broker = MemoryBroker(MemoryClock(), {})
        broker._topics = self._topics
        for topic, partitions in self._topics.items():
            for shard in range(len(partitions) if topic.startswith("changelog.") else 0):
                broker.compact(topic, shard)

    async def verified(self, account: str | None = None) -> Report:
        clock = MemoryClock()
        clock.now_ms = lambda: self._now  # type: ignore[method-assign]
        broker = MemoryBroker(clock, {})
        broker._topics = self._topics
        caches = {name: MemoryCache() for name in self.caches}
        for name, shards in self.caches.items():
            for shard, held in enumerate(shards):
                caches[name]._shards[shard] = held
        source = MemorySource(broker, caches, clock, owner_of, SHARDS)
        return await verify(source, LEDGERS, account=account, books=False)

    async def findings(self) -> list[Finding]:
        return (await self.verified()).findings


async def recorded() -> Remains:
    """Run all ledgers for a while: plans that run out, credit, codes, what is refused, duplicates."""
    async with a_world() as world:
        for name in ("plans", "wallet", "codes"):
            await world.lane(name)
        for account in ACCOUNTS:
            world.open(account)
        await world.pass_time(5 * SECOND)
        world.append(command(activate_plan("p", PLANNED, amount="0.4", start="2026-01-01T00:00:00Z")))
        world.append(record(top_up("t", PLANNED, amount="0.5")))
        world.grant(ACCOUNTS[1], world.now + 100 * SECOND)
        world.append(code_record(issue_code()))
        for account in ACCOUNTS[2:]:
            world.append(record(redeem_code(account)))
        await world.pass_time(10 * SECOND)
        for number in range(24):
            world.use(ACCOUNTS[number % 4], f"u{number}", world.now)
        world.use(ACCOUNTS[1], "u1", world.now, 7)
        world.use(ACCOUNTS[2], "u2-late", world.now - DAY)
        world.append(raw(b"{", key=ACCOUNTS[3].encode()))
        await world.pass_time(30 * SECOND)
        world.use(ACCOUNTS[1], "old", world.now)
        await world.pass_time(200 * SECOND)
        for account in ACCOUNTS:
            world.use(account, f"more-{account}", world.now)
        world.grant(ACCOUNTS[3], world.now + DAY)
        await world.pass_time(60 * SECOND)
        assert world.read(CHARGES)
        return Remains(world)
