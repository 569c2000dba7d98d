"""Many scenarios on one stage, their commands through HTTP: on each shard in order of time, one clock for all of it."""

import asyncio
import itertools
import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx
import msgspec
from tests.support.scenario_api import AT, ROUTES, ScenarioApi, in_process
from tests.support.scenario_lives import Life, account_of, answer_differs, direct
from tests.support.scenario_views import seen

from drawdown.adapters.kafka.partitioner import shard_of
from drawdown.api.following import Follower
from drawdown.demo.stage import Publisher, Stage
from drawdown.demo.staged import OUTPUTS, beat, by_topic, in_order, outgoing, priced, told_in
from drawdown.engine.records import Record
from drawdown.local.stack import LocalStack
from drawdown.scenario import compare
from drawdown.scenario.form import Output, StateForm
from drawdown.scenario.run import Moment, Plan, opening
from drawdown.scenario.world import Told, told_of_book
from drawdown.settings import load_settings
from drawdown.topics import CREATE_TIME

SHARDS_MAX = 12
OPERATOR = "an"  # who does all that scenarios have operators do
_SECONDS, _POLL_SECONDS, _STATE_SECONDS, _DUE_MAX = 60, 0.05, 5, 1_000
_STATUS = {"unknown_account": 404, "unknown_plan": 404, "stale_revision": 412, "id_conflict": 409}


def routed(moment: Moment) -> bool:
    """Say whether a step goes in by a request.

    To the topic go: voucher codes and their redemptions (a request would carry the code, the file may have its hash),
    commands for one ledger of two, and an operator without a name, which no key's holder has.
    """
    command = moment.step.command
    row = ROUTES.get(command["command"]) if command else None
    return row is not None and moment.step.ledger is None and (not row.by or bool((command or {}).get(row.by)))


class Shard:
    """The scenarios of one shard, whose clock goes on for all of them together."""

    def __init__(self, number: int, stage: Stage, api: ScenarioApi, publisher: Publisher) -> None:
        names = (b"clock-%d" % index for index in itertools.count())
        self.number = number
        self._key = next(name for name in names if shard_of(stage.settings.shards)(name) == number)
        self.lives: list[Life] = []
        self._stage, self._api, self._publisher = stage, api, publisher

    async def run(self) -> None:
        """Run every scenario's opening and steps, in order of time."""
        steps = [(life.plan.begins, index, -1) for index, life in enumerate(self.lives)]
        steps += [
            (moment.at, index, number)
            for index, life in enumerate(self.lives)
            for number, moment in enumerate(life.plan.moments)
        ]
        for at, index, number in sorted(steps):
            AT.set(at)
            await self._pass_time(at)
            life = self.lives[index]
            await (self._open(life) if number < 0 else self._step(life, number, life.plan.moments[number]))
            life.over = number == len(life.plan.moments) - 1

    async def _pass_time(self, until: int) -> None:
        """Move the watermark to each instant at which something is due, and wait for all that comes of it."""
        last = None
        while True:
            lives = [life for life in self.lives if not life.over]
            due = min((at for life in lives if (at := life.world.next_due()) is not None), default=None)
            if due is None or due > until or due == last:
                return
            last = due
            await self._publisher.send(beat(due, self.number, self._key))
            for life in lives:
                life.pass_time(due)
            for life in lives:
                await life.heard()
            async with asyncio.timeout(_SECONDS):
                while await self._due(due, lives):
                    self._stage.check_alive()
                    await asyncio.sleep(_POLL_SECONDS)

    async def _due(self, until: int, lives: Sequence[Life]) -> bool:
        """Say whether a timer of some of the scenarios has not been taken."""
        for cache in self._stage.caches.values():
            accounts = {account for account, _ in await cache.due(self.number, until, _DUE_MAX)}
            if any(not accounts.isdisjoint(life.accounts) for life in lives):
                return True
        return False

    async def _open(self, life: Life) -> None:
        begins = life.plan.begins
        sent = opening(life.plan)
        life.listens(life.send(sent, begins))
        for command in {key: value for _, key, value in sent}.values():
            answer = await self._api.give(msgspec.json.decode(life.renamed(("", "", command))[2]))
            if answer.status_code != httpx.codes.CREATED:
                life.differs(-1, [answer.text])
        await life.heard()
        life.came()

    async def _step(self, life: Life, number: int, moment: Moment) -> None:
        timers = life.by_timers()
        told = await self._publish_book(life, moment)
        told += life.send(moment.sent, moment.at)
        expect = list(moment.step.expect)
        found: list[str] = []
        if routed(moment):
            found = await self._ask(life, moment, expect[timers:], told)
            told = [one for one in told if one.kind != "refused"]  # the API refuses those itself: nothing is on the log
            expect = expect[:timers] + [one for one in expect[timers:] if one.kind != "refused"]
        else:
            await self._publisher.send(outgoing(life.renamed(sent), moment.at) for sent in moment.sent)
        life.listens(told)
        await life.heard()
        refused_books = [one for one in told if one.kind == "book_refused"]
        found += compare.outputs(in_order(expect), by_topic([*refused_books, *life.came()]))
        life.differs(number, found + await self._states(life, moment.step.state or {}))

    async def _ask(self, life: Life, moment: Moment, entries: Sequence[Output], told: Sequence[Told]) -> list[str]:
        """Give a step's command by a request; list what differs in the answer."""
        answer = await self._api.give(msgspec.json.decode(life.renamed(moment.sent[0])[2]))
        body = life.restored(answer.json())
        found = answer_differs(direct(moment, entries, told), told, answer.status_code, body)
        status = _status(moment, told, body)
        return found if answer.status_code == status else [*found, f"answered {answer.status_code}, not {status}"]

    async def _publish_book(self, life: Life, moment: Moment) -> list[Told]:
        """Publish a price book if the step does, and wait until the worker has read it."""
        if moment.book is None:
            return []
        await self._publisher.send([priced(*moment.book, moment.at)])
        async with asyncio.timeout(_SECONDS):
            while not await self._stage.prices_read():
                await self._publisher.send(beat(moment.at, self.number, self._key))  # something to commit
                await self._stage.all_taken()
        return told_of_book(life.world.prices, moment.book[0], moment.at)

    async def _states(self, life: Life, wanted: dict[str, StateForm]) -> list[str]:
        """Read what the step tells of accounts until it is so: reads follow the log by a moment."""
        found: list[str] = []
        for account, form in wanted.items():
            rest: list[str] = ["not read"]
            for _ in range(int(_STATE_SECONDS / _POLL_SECONDS)):
                rest = compare.state(account, form, await seen(self._api.anyone, life.own(account), form))
                if not rest:
                    break
                await asyncio.sleep(_POLL_SECONDS)
            found += rest
        return found


def _status(moment: Moment, told: Sequence[Told], body: dict[str, Any]) -> int:
    """Say which status an answer has."""
    row = ROUTES[(moment.step.command or {})["command"]]
    for one in told:
        code = one.message.get("code")
        if one.kind == "refused" or (one.kind == "event" and code):
            return _STATUS.get(str(code), 422 if one.kind == "refused" else 409)
    return 200 if body.get("replayed") else int(row.status)


async def lived(stack: LocalStack, plans: Sequence[Plan]) -> tuple[dict[str, list[tuple[int, list[str]]]], int]:
    """Run scenarios whose prices hold together; give what differs, by file and line, and the number of requests."""
    shards = min(SHARDS_MAX, len(plans))
    settings = load_settings(
        kafka=stack.addresses.kafka,
        redis=stack.addresses.redis,
        prefix=f"http-{secrets.token_hex(4)}.",
        shards=shards,
        timestamp_type=CREATE_TIME,
    )
    lives: dict[str, Life] = {}

    def take(record: Record) -> None:
        life = lives.get(account_of(record))
        told = None if life is None else told_in(record.topic, record)
        if life is not None and told is not None:
            life.hear(told)

    async with AsyncExitStack() as ends:
        stage = await ends.enter_async_context(Stage(stack.addresses, settings))
        of = shard_of(shards)
        every = [Life(plan, number % shards, of, lives) for number, plan in enumerate(plans)]
        books = {one.value: one for life in every for one in life.prices()}
        await stage.publish(books.values())
        stage.start_worker()
        publisher = await ends.enter_async_context(stage.publisher())
        api = await ends.enter_async_context(in_process(settings, [OPERATOR]))
        follower = Follower(settings, [(topic, shard) for topic in OUTPUTS for shard in range(shards)], take)
        ends.push_async_callback(follower.stop)
        await follower.start(history=False)
        parts = [Shard(number, stage, api, publisher) for number in range(shards)]
        for number, life in enumerate(every):
            parts[number % shards].lives.append(life)
        await asyncio.gather(*(part.run() for part in parts))
        await stage.all_taken()
        for life in every:
            after = [one for one in life.came() if life.of_a_step(one)]
            life.differs(len(life.plan.moments) - 1, [f"afterwards: {compare.shown(one)}" for one in after])
        return {life.name: life.differences for life in every if life.differences}, api.requests
