"""One of many scenarios that share a stage: its ledgers in memory, its names on the stack, what came of it there."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from drawdown.demo.staged import ORDER, books_of
from drawdown.engine.records import Record
from drawdown.scenario import compare
from drawdown.scenario.form import Output
from drawdown.scenario.inputs import Sent
from drawdown.scenario.run import Moment, Plan, world_of
from drawdown.scenario.world import Told
from drawdown.topics import DEAD_LETTERS
from drawdown.traces.events import Outgoing

_SECONDS = 30
_NAMES = ("account", "subject", "source")  # of a command and of a usage event
_BOOKS = ("book", "name")  # of a command and of a price book


class Life:
    """A scenario. Its accounts, sources of usage and own price books get names that no other one of the stage has."""

    def __init__(self, plan: Plan, shard: int, shard_of: Callable[[bytes], int], taken: dict[str, "Life"]) -> None:
        self.plan = plan
        self.name = plan.document.name
        self.world = world_of(plan)
        self.over = False  # its last step is done; its timers go on, as the others of its shard do
        self.differences: list[tuple[int, list[str]]] = []
        self._shard, self._shard_of, self._taken = shard, shard_of, taken
        self._own: dict[str, str] = {}
        self._theirs: dict[str, str] = {}
        prices = plan.scenario.prices if plan.scenario.standard_prices else []  # else no other's stand beside them
        self._books = {entry["name"] for entry in prices}
        self._came: list[Told] = []
        self._heard = self._to_come = self._by_timers = 0
        self._more = asyncio.Event()

    # --- names --------------------------------------------------------------------------------

    def own(self, name: str) -> str:
        """Give the name on the stack: one that is this scenario's alone and lies on its shard."""
        number = len(self._taken)
        while name not in self._own:
            number += 1
            made = f"{name}-{number}"
            if made not in self._taken and self._shard_of(made.encode()) == self._shard:
                self._own[name], self._theirs[made], self._taken[made] = made, name, self
        return self._own[name]

    def renamed(self, sent: Sent) -> Sent:
        """Give an input with the names of the stack."""
        topic, key, value = sent
        message = msgspec.json.decode(value)
        message |= {name: self.own(message[name]) for name in _NAMES if isinstance(message.get(name), str)}
        message |= {name: self.own(message[name]) for name in _BOOKS if message.get(name) in self._books}
        return topic, self._own.get(key, key), msgspec.json.encode(message)

    def prices(self) -> list[Outgoing]:
        """Give its price books with the names of the stack."""
        return [replace(one, value=self.renamed((one.topic, "", one.value))[2]) for one in books_of(self.plan)]

    def restored(self, value: Any) -> Any:
        """Give what came with the names of the file."""
        if isinstance(value, dict):
            return {name: self.restored(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.restored(one) for one in value]
        return self._theirs.get(value, value) if isinstance(value, str) else value

    # --- in memory ----------------------------------------------------------------------------

    def pass_time(self, until: int) -> None:
        """Fire what is due by an instant (ms) in memory."""
        told = self.world.pass_time(until)
        self._by_timers += len(told)
        self.listens(told)

    def by_timers(self) -> int:
        """Say how many outputs timers gave since the last step: they are the first that a step lists."""
        count, self._by_timers = self._by_timers, 0
        return count

    def send(self, sent: Sequence[Sent], at: int) -> list[Told]:
        """Give what comes of inputs in memory."""
        return [told for topic, key, value in sent for told in self.world.send(topic, key.encode(), value, at)]

    def listens(self, told: Sequence[Told]) -> None:
        """Expect as many outputs on the log."""
        self._to_come += sum(one.kind in ORDER and one.kind != "book_refused" for one in told)

    # --- on the stack -------------------------------------------------------------------------

    def hear(self, told: Told) -> None:
        """Take an output from the log."""
        self._came.append(Told(told.kind, self.restored(told.message)))
        self._heard += 1
        self._more.set()

    async def heard(self) -> None:
        """Wait until as many outputs came as in memory; if they do not, the comparison says which are missing."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS):
                while self._heard < self._to_come:
                    self._more.clear()
                    await self._more.wait()
        self._to_come = self._heard

    @property
    def accounts(self) -> set[str]:
        """Give its names on the stack."""
        return set(self._theirs)

    def of_a_step(self, told: Told) -> bool:
        """Say whether a command or usage of the file led to an output, and not a timer."""
        steps = enumerate((moment.step for moment in self.plan.moments), 1)
        ids = {str((step.command or step.usage or {}).get("id", f"step-{number}")) for number, step in steps}
        event = told.message.get("event") or {}
        return told.kind == "refused" or told.message.get("command") in ids or event.get("id") in ids

    def came(self) -> list[Told]:
        """Give the outputs since the last step."""
        came, self._came = self._came, []
        return came

    def differs(self, number: int, found: list[str]) -> None:
        """Keep what differs at a step, by its line in the file."""
        if found:
            self.differences.append((self.plan.document.line(("steps", number)) if number >= 0 else 0, found))


def account_of(record: Record) -> str:
    """Say whose an output is."""
    if record.topic == DEAD_LETTERS or not record.value:
        return (record.key or b"").decode("utf-8", "replace")
    return str(msgspec.json.decode(record.value)["account"])


def direct(moment: Moment, entries: Sequence[Output], told: Sequence[Told]) -> list[Output]:
    """Give the account events that a step's command leads to by itself, without what follows from its outputs."""
    topics = {topic for topic, _, _ in moment.sent}
    return [
        entry
        for entry, one in zip(entries, told, strict=True)
        if one.kind == "event" and one.message["position"]["topic"] in topics
    ]


def answer_differs(entries: Sequence[Output], told: Sequence[Told], status: int, body: dict[str, Any]) -> list[str]:
    """List what differs between what a step expects of its command and the answer's code or events."""
    refusals = [one.message["code"] for one in told if _refused(one)]
    if refusals:
        # where the body's own schema says no, the API does not ask the ledger
        codes = {refusals[0], "invalid_request"} if refusals[0] == "invalid_value" else {refusals[0]}
        return [] if body.get("code") in codes else [f"refused by {refusals[0]}, but answered {status}: {body}"]
    if "events" not in body:
        return [f"not refused, but answered {status}: {body}"]
    if body["replayed"] != all(one.kind == "duplicate" for one in told) or body["outcome"] != "applied":
        return [f"answered {body}"]
    came = [Told("event", event["said"]) for event in body["events"]]
    return [f"answer: {what}" for what in compare.outputs(entries, came)]


def _refused(told: Told) -> bool:
    return told.kind == "refused" or (told.kind == "event" and told.message["kind"] == "command_refused")
