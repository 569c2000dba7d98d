"""Row 15: the broker's disk is full. It stops; with room again it goes on, and nothing is lost or doubled."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.checks import proved
from tests.chaos.ground import ground, load, until, until_rated
from tests.chaos.report import Told

MIB = 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 96 MiB where the broker keeps its data."""
    place = tmp_path / "kafka" / "data"
    place.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=96m", "none", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small file system needs root: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def fill(place: Path) -> Path:
    """Write until nothing more fits."""
    filler = place / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"x" * MIB):
            pass
    return filler


async def test_disk_full_at_the_broker(small_disk: Path, tmp_path: Path, told: Told) -> None:
    async with ground(tmp_path) as land, land.working() as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 100)
            filler = fill(small_disk)
            free = os.statvfs(small_disk).f_bavail
            await until(lambda: not land.kafka.alive, "the broker went on without a disk", 90)
            printed = land.kafka.log.read_text()
            said = len([line for line in printed.splitlines() if "log dir" in line or "No space left" in line])
            filler.unlink()
            await asyncio.to_thread(land.kafka.kill)
            await asyncio.to_thread(land.kafka.start)
            await until_rated(stage, 200)
        told.fired("no block left", f"{free} blocks free; the broker stopped by itself and printed {said} lines of it")
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)
