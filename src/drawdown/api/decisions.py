"""What the ledgers decided, handed to the requests that wait for it."""

import asyncio
from collections import OrderedDict
from typing import Final, NamedTuple

from drawdown.api.following import Follower
from drawdown.domain.limits import API_DECISIONS_KEPT_MAX
from drawdown.engine.records import Record
from drawdown.operate.codes import REDEMPTION_ENDS
from drawdown.operate.desk import Output, Position, output_of
from drawdown.settings import Settings
from drawdown.topics import ACCOUNT_EVENTS, DEAD_LETTERS, PLAN_COMMANDS, WALLET_COMMANDS

_COMMANDS: Final = frozenset({PLAN_COMMANDS, WALLET_COMMANDS})
_TOPICS: Final = (ACCOUNT_EVENTS, DEAD_LETTERS)


class Redemption(NamedTuple):
    """A try of a voucher code, which ends some transactions after its command."""

    account: str
    name: str


Subject = Position | Redemption


class Decisions:
    """What commands led to, by the command's position, and how redemptions ended; the newest are kept."""

    def __init__(self, settings: Settings) -> None:
        """Follow nothing yet."""
        places = [(topic, shard) for topic in _TOPICS for shard in range(settings.shards)]
        self._follower = Follower(settings, places, self.take)
        self._found: OrderedDict[Subject, list[Output]] = OrderedDict()
        self._waiting: dict[Subject, asyncio.Event] = {}

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
        self._keep(output.position, output)
        if output.said.get("kind") in REDEMPTION_ENDS:
            self._keep(Redemption(output.said["account"], output.said["credit"]), output)

    def _keep(self, subject: Subject, output: Output) -> None:
        self._found.setdefault(subject, []).append(output)
        if len(self._found) > API_DECISIONS_KEPT_MAX:
            self._found.popitem(last=False)
        if subject in self._waiting:
            self._waiting[subject].set()

    def forget(self, subject: Subject) -> None:
        """Forget what was told of it before: what is asked for is yet to come."""
        self._found.pop(subject, None)

    async def of(self, subject: Subject, seconds: float) -> tuple[Output, ...]:
        """Give what is told of a command or redemption, as soon as something is; nothing if that takes longer."""
        if subject not in self._found:
            came = self._waiting.setdefault(subject, asyncio.Event())
            try:
                async with asyncio.timeout(seconds):
                    await came.wait()
            except TimeoutError:
                return ()
            finally:
                self._waiting.pop(subject, None)
        return tuple(self._found.get(subject, ()))
