"""A consumer group in memory: who owns which shard, told as Faust tells it (eager: all are revoked, then assigned)."""

import asyncio
from typing import Protocol

from drawdown.engine.memory.transport import MemoryTransport


class Owner(Protocol):
    """Who is told of revocations and assignments: the runtime."""

    async def on_revoked(self, shards: frozenset[int]) -> None:
        """Let go of shards."""
        ...

    async def on_assigned(self, shards: frozenset[int]) -> None:
        """Begin to own shards."""
        ...


class Member:
    """A worker as its group sees it. shards: what it was told to own, which a member out of reach goes on believing."""

    def __init__(self, transport: MemoryTransport, owner: Owner) -> None:
        """Own nothing yet."""
        self.transport = transport
        self.owner = owner
        self.shards: frozenset[int] = frozenset()


class MemoryGroup:
    """Splits shards among its members. One rebalance at a time."""

    def __init__(self, shards: int) -> None:
        """Have no members yet."""
        self.members: list[Member] = []
        self._shards = shards
        self._rebalancing = asyncio.Lock()

    async def join(self, transport: MemoryTransport, owner: Owner) -> Member:
        """Add a member, and rebalance."""
        member = Member(transport, owner)
        transport.assigned = False
        async with self._rebalancing:
            self.members.append(member)
            await self._rebalance()
        return member

    async def leave(self, member: Member) -> None:
        """Let a member go in order: it is told first, then the others share what it had."""
        async with self._rebalancing:
            if member in self.members:
                self.members.remove(member)
                await self._revoke(member)
                await self._rebalance()

    async def lose(self, member: Member) -> None:
        """Let a member's session pass: the others share what it had, and it is told nothing."""
        async with self._rebalancing:
            if member in self.members:
                self.members.remove(member)
                member.transport.assigned = False
                await self._rebalance()

    async def come_back(self, member: Member) -> None:
        """Let a member that left or was lost hear of it and join again."""
        async with self._rebalancing:
            if member not in self.members:
                await self._revoke(member)
                self.members.append(member)
                await self._rebalance()

    async def rebalance(self) -> None:
        """Revoke and assign everything anew, though nobody came or went."""
        async with self._rebalancing:
            await self._rebalance()

    async def _rebalance(self) -> None:
        await asyncio.gather(*(self._revoke(member) for member in self.members))
        for place, member in enumerate(self.members):
            member.shards = frozenset(range(place, self._shards, len(self.members)))
            await member.owner.on_assigned(member.shards)
            member.transport.assigned = True

    @staticmethod
    async def _revoke(member: Member) -> None:
        shards, member.shards = member.shards, frozenset()
        member.transport.assigned = False
        if shards:
            await member.owner.on_revoked(shards)
