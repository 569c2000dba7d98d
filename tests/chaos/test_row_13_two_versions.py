"""Row 13: worker versions N and N+1 side by side during a rolling restart.

N+1 is this release with `rules` raised by one: its outputs say so, and nothing else differs. It verifies the whole log
afterwards, since it knows the rules of N as well.
"""

import json

import pytest
from tests.chaos.checks import proved
from tests.chaos.ground import Ground, load, until_rated, until_said
from tests.chaos.report import Told

from drawdown.ledgers import plans, wallet
from drawdown.topics import CHARGES, CREDIT_CHARGING

OLD, NEW = plans.RULES, plans.RULES + 1


async def test_two_versions_side_by_side(land: Ground, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    for ledger in (plans, wallet):
        monkeypatch.setattr(ledger, "KNOWN_RULES", frozenset({OLD, NEW}))
    async with land.working() as (stage, first):
        second = land.start_worker(stage)
        async with load(stage) as running:
            await until_said(second, "shard opened", "ledger=plans")
            await until_rated(stage, 100)
            await land.ends(first)
            newer = land.odd_worker(stage, rules=NEW)
            await until_said(newer, "shard opened", "ledger=plans")
            await until_rated(stage, 200)  # N and N+1 work side by side
            await land.ends(second)
            land.odd_worker(stage, rules=NEW)
            await until_rated(stage, 200)
        log = await stage.read()
        made = [
            (record.timestamp, json.loads(record.value)["rules"])
            for topic in (CHARGES, CREDIT_CHARGING)
            for record in log[topic]
            if record.value
        ]
        by = {rules: sorted(at for at, its in made if its == rules) for rules in (OLD, NEW)}
        assert len(by[OLD]) + len(by[NEW]) == len(made)
        overlap = sum(at > by[NEW][0] for at in by[OLD])
        told.fired(
            "a rolling restart of two workers",
            f"{len(by[OLD])} outputs of N, {len(by[NEW])} of N+1, {overlap} of N after the first of N+1",
            overlap,
        )
        await proved(told, stage, running.sent)
