"""The soak: steady load, workers that come, go and are killed, and what must stay flat. `make soak`."""

import argparse
import asyncio
import logging
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
from tests.soak.flat import judge
from tests.soak.plot import svg
from tests.soak.sampling import Sampler
from tests.support.load import call, conserved, now_ms, stage_on

from drawdown.cli.output import say
from drawdown.demo.stage import Stage
from drawdown.local.child import Child, free_port
from drawdown.local.stack import LocalStack

FOLDER = Path("build/soak")
SAMPLE_SECONDS = 10
_TICK_SECONDS = 0.1
_DIFFERS = ("Redis differs from the log", "Redis does not hold as much")


class Soak:
    """One run on a stage."""

    def __init__(self, stage: Stage, minutes: int, rate: int) -> None:
        """Plan a run of so many minutes with `rate` events a second."""
        self.stage = stage
        self.seconds = minutes * 60
        self.rate = rate
        self.published = 0
        self.events: list[tuple[int, str]] = []
        self.ports: dict[int, int] = {}
        self.began = time.monotonic()

    def at(self) -> int:
        """Give the seconds since the beginning."""
        return int(time.monotonic() - self.began)

    def start_worker(self) -> Child:
        """Start a worker whose monitor has a port of its own."""
        port = free_port()
        self.stage.settings = self.stage.settings.model_copy(update={"metrics_port": port})
        worker = self.stage.start_worker()
        self.ports[worker.pid] = port
        return worker

    async def load(self) -> None:
        """Publish steadily, by the clock."""
        async with self.stage.publisher() as publisher:
            while (at := time.monotonic() - self.began) < self.seconds:
                wanted, now = int(at * self.rate), now_ms()
                await publisher.send(call(number, now) for number in range(self.published, wanted))
                self.published = max(wanted, self.published)
                await asyncio.sleep(_TICK_SECONDS)

    async def come_and_go(self) -> None:
        """Let a second worker come, and go again or be killed, every few minutes."""
        between = min(120, self.seconds // 10)
        second: Child | None = None
        for turn in range(1, 10_000):
            await asyncio.sleep(between)
            if second is None:
                second = self.start_worker()
                self.events.append((self.at(), "a worker joins"))
            elif turn % 4:
                await asyncio.to_thread(second.stop)
                self.events.append((self.at(), "a worker leaves"))
                second = None
            else:
                second.kill()
                self.events.append((self.at(), "a worker is killed"))
                second = None

    async def run(self, first: Child) -> Sampler:
        """Load, disturb and sample until the time is over."""
        self.began = time.monotonic()
        sampler = Sampler(self.stage, first, self.ports)
        loading, moving = asyncio.create_task(self.load()), asyncio.create_task(self.come_and_go())
        for sample in range(1, self.seconds // SAMPLE_SECONDS + 1):
            await asyncio.sleep(max(self.began + sample * SAMPLE_SECONDS - time.monotonic(), 0))
            if moving.done():
                moving.result()
            await sampler.take(self.at(), self.published)
            row = sampler.rows[-1]
            await asyncio.to_thread(_keep, row)
            say(f"{row['at']} s: {row['published']} events, lag {row['lag']}, age {row['age_ms']} ms")
        await loading
        moving.cancel()
        return sampler


def _keep(row: dict[str, Any]) -> None:
    """Write a sample at once, so that a run that is ended before its audit leaves them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "samples.jsonl").open("ab") as file:
        file.write(msgspec.json.encode(row) + b"\n")


async def soak(stack: LocalStack, minutes: int, rate: int) -> dict[str, Any]:
    """Run, then audit and judge."""
    async with stage_on(stack, f"soak-{secrets.token_hex(3)}.", shards=12) as stage:
        run = Soak(stage, minutes, rate)
        first = run.start_worker()
        await stage.all_taken(seconds=60)
        sampler = await run.run(first)
        summary = await conserved(stage, run.published)
        logs = "".join(worker.tail(10_000_000) for worker in stage.workers)
        judged = [judge(series) for series in sampler.series.values()]
        return {
            "plot": svg(list(zip(sampler.series.values(), judged, strict=True)), run.events),
            "minutes": minutes,
            "events_per_second": rate,
            "published": run.published,
            "rated": summary.rated,
            "conserved": summary.conserved,
            "verified": summary.verified,
            "differences": sum(logs.count(said) for said in _DIFFERS),
            "doubts": logs.count("shard in doubt"),
            "disturbances": run.events,
            "judged": judged,
            "samples": sampler.rows,
        }


def main() -> None:
    """Run, write the report, and end with exit code 1 if anything is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rate", type=int, default=200, help="events a second")
    options = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with LocalStack() as stack:
        report = asyncio.run(soak(stack, options.minutes, options.rate))
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "plot.svg").write_text(report.pop("plot"))
    (FOLDER / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    for one in report["judged"]:
        say(f"{'flat    ' if one.flat else 'NOT FLAT'} {one.name}: {one.earlier} → {one.later} {one.unit}")
    well = report["conserved"] and report["verified"] >= report["published"] and not report["differences"]
    say(f"{report['rated']} of {report['published']} events rated once, audit and verify {'clean' if well else 'NOT'}")
    sys.exit(0 if well and all(one.flat for one in report["judged"]) else 1)


if __name__ == "__main__":
    main()
