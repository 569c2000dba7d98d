"""What the ledgers decided, handed to the requests that wait for it."""

import asyncio
from collections import OrderedDict
from typing import Final

from drawdown.api.following import Follower
from drawdown.domain.limits import API_DECISIONS_KEPT_MAX
from drawdown.engine.records import Record
from drawdown.operate.desk import Output, Position, output_of
from drawdown.settings import Settings
from drawdown.topics import ACCOUNT_EVENTS, DEAD_LETTERS, PLAN_COMMANDS, WALLET_COMMANDS

_COMMANDS: Final = frozenset({PLAN_COMMANDS, WALLET_COMMANDS})
_TOPICS: Final = (ACCOUNT_EVENTS, DEAD_LETTERS)


class Decisions:
    """Events and dead letters that commands led to, by the command's position; the newest are kept."""

    def __init__(self, settings: Settings) -> None:
        """Follow nothing yet."""
        places = [(topic, shard) for topic in _TOPICS for shard in range(settings.shards)]
        self._follower = Follower(settings, places, self.take)
        self._found: OrderedDict[Position, list[Output]] = OrderedDict()
        self._waiting: dict[Position, asyncio.Event] = {}

    async def start(self) -> None:
        """Follow from now on."""
        await self._follower.start(history=False)

    async def stop(self) -> None:
        """Follow no more."""
        await self._follower.stop()

    def take(self, record: Record) -> None:
        """Keep what a command led to, and wake the request that waits for it."""
        output = output_of(record)
        if output is None or output.position.topic not in _COMMANDS:
            return
        self._found.setdefault(output.position, []).append(output)
        if len(self._found) > API_DECISIONS_KEPT_MAX:
            self._found.popitem(last=False)
        if output.position in self._waiting:
            self._waiting[output.position].set()

    async def of(self, position: Position, seconds: float) -> tuple[Output, ...]:
        """Give what a command led to, as soon as something is there; nothing if that takes longer."""
        if position not in self._found:
            came = self._waiting[position] = asyncio.Event()
            try:
                async with asyncio.timeout(seconds):
                    await came.wait()
            except TimeoutError:
                return ()
            finally:
                del self._waiting[position]
        return tuple(self._found.get(position, ()))
