"""What the history holds of a scenario's accounts, rolled up as the projector does, without a log or a database."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from drawdown.domain.quantity import MILLIONTHS
from drawdown.engine.outcome import Emit
from drawdown.engine.records import Record
from drawdown.history.batch import HOUR_MS, Batch
from drawdown.history.charges import decode_charge, quanta
from drawdown.history.happenings import Happening, decode_happening
from drawdown.history.rows import EventRow, Owner, UsageRow
from drawdown.marked import Marked
from drawdown.scenario.run import Plan, load, opening, plan_of, world_of
from drawdown.scenario.world import World, told_of_book
from drawdown.topics import ACCOUNT_EVENTS, CHARGES
from drawdown.wire.instants import parse_instant

SCENARIOS = sorted((Path(__file__).parents[1] / "scenarios").glob("*.yaml"))


class History(NamedTuple):
    """An account's. world: its ledgers at the end."""

    owner: Owner
    usage: list[UsageRow]
    events: list[EventRow]
    world: World


def history_of(scenario: Path | str) -> list[History]:
    """Run a scenario, a file or its text, and give the history of each account."""
    plan = load(str(scenario)) if isinstance(scenario, Path) else plan_of(Marked("scenario", scenario))
    batch = Batch(lambda _: None)
    world = _lived(plan, batch)
    owners = {
        name: Owner(number, name, account.currency, account.partition, account.whole)
        for number, (name, account) in enumerate(batch.accounts.items(), 1)
    }
    usage = _usage(batch)
    events = [(happening.account, _event(number, happening)) for number, (happening, _) in enumerate(batch.events, 1)]
    return [
        History(
            owner,
            usage.get(name, []),
            sorted([event for account, event in events if account == name], key=lambda one: (one.ledger, one.seq)),
            world,
        )
        for name, owner in owners.items()
    ]


def _lived(plan: Plan, batch: Batch) -> World:
    world = world_of(plan)
    offsets = {CHARGES: 0, ACCOUNT_EVENTS: 0}

    def hear(ledger: str, record: Record, _: str, emits: Sequence[Emit]) -> None:
        for emit in emits:
            if emit.topic not in offsets:
                continue
            place, offset = (emit.topic, 0), offsets[emit.topic]
            offsets[emit.topic] += 1
            if emit.topic == CHARGES:
                overage = decode_charge(record.value or b"") if ledger == "wallet" else None
                batch.charge(decode_charge(emit.value), overage, place, offset, cut=False)
            else:
                batch.happening(decode_happening(emit.value), place, offset, cut=False)

    world.heard = hear
    for topic, key, value in opening(plan):
        world.send(topic, key.encode(), value, plan.begins)
    for moment in plan.moments:
        world.pass_time(moment.at)
        if moment.book is not None:
            told_of_book(world.prices, moment.book[0], moment.at)
        for topic, key, value in moment.sent:
            world.send(topic, key.encode(), value, moment.at)
    return world


def _usage(batch: Batch) -> dict[str, list[UsageRow]]:
    resources, series = list(batch.resources), list(batch.series)
    found: dict[str, list[UsageRow]] = {}
    for (number, charged, used), (lines, whole, parts, amount) in batch.hours.items():
        key = series[number]
        of = resources[key.resource]
        found.setdefault(of.account, []).append(
            UsageRow(
                series=number,
                charged=charged * HOUR_MS,
                used=used * HOUR_MS,
                service=of.service,
                resource=of.resource,
                dimensions=msgspec.json.decode(of.dimensions),
                lines=lines,
                quantity=whole * MILLIONTHS + parts,
                amount=amount,
                **{name: value for name, value in key._asdict().items() if name != "resource"},
            )
        )
    return found


def _event(number: int, said: Happening) -> EventRow:
    about: dict[str, Any] = {} if said.about is UNSET else msgspec.json.decode(said.about)
    return EventRow(
        id=number,
        ledger=said.ledger,
        seq=said.seq,
        appended=parse_instant(said.appended),
        kind=said.kind,
        plan=said.plan,
        credit=said.credit,
        code=said.code,
        reason=said.reason,
        amount=quanta(said.amount),
        detail=said.detail,
        command=said.command,
        about=about,
        balance="",
        change=0,
        status="processed",
    )
