"""What is looked at every few seconds of a soak: processes, Redis, lag, the age of events at their commit."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.soak.flat import Series
from tests.support.watching import Samples, scraped, total

from drawdown.demo.stage import Stage
from drawdown.local.child import Child

_KIB = 1024


def new_series() -> dict[str, Series]:
    """Give every series, with how much it may grow between the second and the last quarter."""
    made = (
        Series("worker RSS", "MiB", 10, 8),
        Series("worker open files", "files", 10, 5),
        Series("worker threads", "threads", 0, 2),
        Series("Redis keys", "keys", 5, 12),
        Series("Redis bytes an id", "bytes", 10, 10),
        Series("lag", "records", 100, 400),
        Series("age at commit, mean", "ms", 50, 100),
    )
    return {series.name: series for series in made}


def process(pid: int) -> tuple[int, int, int]:
    """Give MiB resident, open files and threads of a process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return (
        int(status["VmRSS"].split()[0]) // _KIB,
        sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
        int(status["Threads"]),
    )


class Sampler:
    """Takes samples of a stage. first: the worker that stays, with the port of its monitor."""

    def __init__(self, stage: Stage, first: Child, ports: dict[int, int]) -> None:
        """Look at a stage. ports: process → port of its monitor."""
        self.series = new_series()
        self.rows: list[dict[str, Any]] = []
        self._stage = stage
        self._first = first
        self._ports = ports
        self._ages: dict[int, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))

    async def take(self, at: int, published: int) -> None:
        """Take one, `at` seconds after the beginning; published: so many events by then."""
        redis = await self._stage.redis.info("memory")
        keys = await self._stage.redis.dbsize()
        lag = await self._stage.waiting()
        age = await self._age()
        workers = {child.pid: process(child.pid) for child in self._stage.workers if child.alive}
        rss, files, threads = workers[self._first.pid]
        values = {
            "worker RSS": rss,
            "worker open files": files,
            "worker threads": threads,
            "Redis keys": keys,
            "Redis bytes an id": redis["used_memory"] // max(published, 1),
            "lag": lag,
        }
        for name, value in values.items():
            self.series[name].points.append((at, value))
        if age is not None:
            self.series["age at commit, mean"].points.append((at, age))
        self.rows.append(
            {
                "at": at,
                "published": published,
                "redis_bytes": redis["used_memory"],
                "age_ms": age,
                "lag": lag,
                "keys": keys,
                "workers": {str(pid): held for pid, held in workers.items()},
            }
        )

    async def _age(self) -> int | None:
        """Give the mean age, ms, of what all workers committed since the last sample."""
        number = seconds = 0.0
        for child in self._stage.workers:
            if not child.alive:
                continue
            samples: Samples = await scraped(self._ports[child.pid])
            name = "drawdown_event_age_seconds"
            now = total(samples, f"{name}_count", ledger="plans"), total(samples, f"{name}_sum", ledger="plans")
            before = self._ages[child.pid]
            self._ages[child.pid] = now
            if now[0] >= before[0]:
                number, seconds = number + now[0] - before[0], seconds + now[1] - before[1]
        return int(seconds * 1000 / number) if number else None
