"""The invoicing example, killed again and again beside a worker that is killed too, misses and doubles nothing."""

import asyncio
import json
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from tests.support.load import call, calls, conserved, now_ms, stage_on, started

from drawdown.demo.stage import Stage
from drawdown.local.child import Child
from drawdown.local.stack import LocalStack
from drawdown.topics import CHARGES

EXAMPLE = Path(__file__).parents[2] / "examples" / "invoicing_consumer.py"
EVENTS = 3_000
Totals = dict[tuple[str, str, str, str], Decimal]


def consumer(stage: Stage, folder: Path, *options: str) -> Child:
    topic = stage.settings.prefix + CHARGES
    state, log = str(folder / "state.sqlite"), folder / f"consumer{''.join(options)}.log"
    log.unlink(missing_ok=True)
    return Child([sys.executable, str(EXAMPLE), stage.settings.kafka, state, topic, *options], log)


async def ended(child: Child) -> str:
    async with asyncio.timeout(60):
        while child.alive:
            await asyncio.sleep(0.1)
    assert child.returncode == 0, child.tail()
    return child.log.read_text()


async def in_the_topic(stage: Stage) -> tuple[Totals, int]:
    """Sum the topic independently."""
    totals: Totals = defaultdict(Decimal)
    records = (await stage.read())[CHARGES]
    for record in records:
        charge = json.loads(record.value or b"")
        for line in charge["lines"]:
            key = (charge["account"], charge["event"]["service"], line["payer"]["kind"], charge["currency"])
            totals[key] += Decimal(line["amount"])
    return totals, len(records)


async def test_it_is_killed_and_so_is_the_worker(stack: LocalStack, prefix: str, tmp_path: Path) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        publishing = asyncio.create_task(stage.publish(calls(0, EVENTS, now_ms())))
        for written in (300, 900, 1_800):
            running = consumer(stage, tmp_path)
            await stage.until_written(written)
            running.kill()
            stage.workers[-1].kill()
            stage.start_worker()
        await publishing
        await conserved(stage, EVENTS)
        said = (await ended(consumer(stage, tmp_path, "--once"))).splitlines()
        totals, charges = await in_the_topic(stage)
    told = {tuple(words[:4]): Decimal(words[4]) for words in (line.split() for line in said[:-1])}
    assert told == totals
    assert said[-1].startswith(f"{charges} charges of ")
    assert {payer for _, _, payer, _ in told} == {"plan", "debt"}


async def test_it_stops_at_a_gap(stack: LocalStack, prefix: str, tmp_path: Path) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        await stage.publish([call(0, now_ms())])
        await stage.all_taken()
        await ended(consumer(stage, tmp_path, "--once"))
        records = (await stage.read())[CHARGES]
        forged = json.loads(records[0].value or b"")
        forged["seq"] += 7
        async with stage.publisher() as publisher:
            sent = records[0]
            await publisher._producer.send_and_wait(
                prefix + CHARGES, json.dumps(forged).encode(), key=sent.key, partition=sent.partition
            )
        child = consumer(stage, tmp_path, "--once")
        async with asyncio.timeout(60):
            while child.alive:
                await asyncio.sleep(0.1)
    assert child.returncode == 1
    assert "came where 2 was due" in child.tail()
