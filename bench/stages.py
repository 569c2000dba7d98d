"""Where a worker's processor time goes, by stage, while it works off a backlog; see README.md.

python -m bench.stages [--events N]
"""

import argparse
import asyncio
import logging
import tempfile
from pathlib import Path

import msgspec

from bench.cases import COVERED, OVERAGE, SERVICES, USUAL, WITHOUT_PLAN, drawdown
from bench.loads import in_turn, mixed
from drawdown.local.stack import LocalStack

OUTPUT = Path("build/bench/stages.json")
OTHERS_SHOWN = 8


class Seen(msgspec.Struct):
    """What services/sampled.py writes."""

    stages: dict[str, int]
    others: list[tuple[str, int]]
    threads: list[int]


async def sample(stack: LocalStack, events: int, file: Path, *, wallet: bool) -> None:
    """Have a sampling worker work off a backlog, with or without overage, and write what it saw."""
    command = (str(SERVICES / "sampled.py"), str(file))
    if wallet:
        pick = mixed(USUAL, in_turn(WITHOUT_PLAN), 30)
        await drawdown(stack, events, pick, credit=WITHOUT_PLAN, command=command)
    else:
        await drawdown(stack, events, USUAL, command=command)


def main() -> None:
    """Measure and print, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=120_000)
    events = parser.parse_args().events
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    found: dict[str, Seen] = {}
    with tempfile.TemporaryDirectory() as folder, LocalStack() as stack:
        for name, wallet in ((COVERED, False), (OVERAGE, True)):
            file = Path(folder) / "seen"
            asyncio.run(sample(stack, events, file, wallet=wallet))
            found[name] = msgspec.json.decode(file.read_bytes(), type=Seen)
    for name, seen in found.items():
        total = sum(seen.stages.values())
        print(f"\n{name}: {total} samples\n\n| stage | share |\n|---|---|")
        for stage, count in sorted(seen.stages.items(), key=lambda one: -one[1]):
            print(f"| {stage} | {count * 100 // total} % |")
        print("Others:", ", ".join(f"{function} {count}" for function, count in seen.others[:OTHERS_SHOWN]))
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


if __name__ == "__main__":
    main()
