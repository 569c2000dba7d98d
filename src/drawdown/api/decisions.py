"""What the ledgers decided, handed to the requests that wait for it."""

import asyncio
import contextlib
from collections import OrderedDict
from typing import Final, NamedTuple

from drawdown.domain.limits import API_DECISIONS_KEPT_MAX
from drawdown.engine.records import Record
from drawdown.operate.codes import REDEMPTION_ENDS
from drawdown.operate.desk import Output, Position, output_of
from drawdown.topics import ACCOUNT_EVENTS, CODE_COMMANDS, DEAD_LETTERS, PLAN_COMMANDS, WALLET_COMMANDS

_COMMANDS: Final = frozenset({PLAN_COMMANDS, WALLET_COMMANDS, CODE_COMMANDS})
DECISION_TOPICS: Final = (ACCOUNT_EVENTS, DEAD_LETTERS)


class Redemption(NamedTuple):
    """A try of a voucher code, which ends some transactions after its command."""

    account: str
    name: str


Subject = Position | Redemption


class Decisions:
    """What commands led to, by the command's position, and how redemptions ended; the newest are kept."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._found: OrderedDict[Subject, list[Output]] = OrderedDict()
        self._waiting: dict[Subject, list[asyncio.Event]] = {}

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
        for came in self._waiting.get(subject, ()):
            came.set()

    def forget(self, subject: Subject) -> None:
        """Forget what was told of it before: what is asked for is yet to come."""
        self._found.pop(subject, None)

    async def of(self, subject: Subject, seconds: float) -> tuple[Output, ...]:
        """Give what is told of a command or redemption, as soon as something is; nothing if that takes longer."""
        if subject not in self._found:
            came = asyncio.Event()
            self._waiting.setdefault(subject, []).append(came)
            try:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await came.wait()
            finally:
                self._waiting[subject].remove(came)
                if not self._waiting[subject]:
                    del self._waiting[subject]
        return tuple(self._found.get(subject, ()))
