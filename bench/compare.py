"""The worker beside a ceiling and stock Faust services, on one stack, in turns; see README.md.

python -m bench.compare [--rounds N] [--only NAME …] [--scale PERCENT]
"""

import argparse
import asyncio
import logging
import os
import statistics
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import msgspec

from bench.cases import CASES, ECHO, LARGE, NAIVE, Case
from bench.timing import Timed
from drawdown.local.stack import LocalStack

OUTPUT = Path("build/bench/summary.json")


def main() -> None:
    """Run every case once a round; print medians and ratios."""
    told = _arguments()
    cases = [case for case in (*CASES, *LARGE) if any(part in case.name for part in told.only)] if told.only else CASES
    found = measured(cases, told.rounds, told.scale)
    rates = medians(found)
    _print(cases, found, rates)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(_summary(found, rates))) + b"\n")


def measured(cases: Sequence[Case], rounds: int, scale: int = 100) -> dict[str, list[Timed]]:
    """Run cases in turns on a stack of their own, so many rounds. scale: per cent of the usual events."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    found: dict[str, list[Timed]] = {case.name: [] for case in cases}
    with LocalStack() as stack:
        print(f"Kafka and Redis are up ({stack.origin}); {os.cpu_count()} cores shared with both", flush=True)
        for number in range(rounds):
            for case in cases:
                timed = asyncio.run(case.run(stack, case.events * scale // 100))
                found[case.name].append(timed)
                print(f"round {number + 1}: {case.name}: {int(timed.rate)} events/s, {_cpu(timed)}", flush=True)
    return found


def medians(found: Mapping[str, Sequence[Timed]]) -> dict[str, Fraction]:
    """Give each case's median rate."""
    return {name: statistics.median(timed.rate for timed in runs) for name, runs in found.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], help="parts of the names of the cases to run")
    parser.add_argument("--scale", type=int, default=100, help="per cent of the usual events")
    return parser.parse_args()


def _cpu(timed: Timed) -> str:
    return ", ".join(f"{name} {_us(ns)} µs" for name, ns in timed.cpu_ns.items())


def _us(ns: int) -> str:
    return f"{ns // 1_000}.{ns % 1_000 // 100}"


def _print(cases: Sequence[Case], found: Mapping[str, Sequence[Timed]], rates: Mapping[str, Fraction]) -> None:
    """Print a table of medians, as Markdown."""
    print("\n| case | events/s | to the naive service | to the echo | µs an event: worker | Kafka | Redis |")
    print("|---" * 7 + "|")
    for case in cases:
        rate = rates[case.name]
        naive = f"{_tenths(rate / rates[NAIVE])} times" if NAIVE in rates else ""
        echo = _hundredths(rate / rates[ECHO]) if ECHO in rates else ""
        cpu = [
            _us(int(statistics.median(timed.cpu_ns.get(name, 0) for timed in found[case.name])))
            for name in ("worker", "Kafka", "Redis")
        ]
        print(f"| {case.name} | {int(rate):,} | {naive} | {echo} | {' | '.join(cpu)} |")


def _tenths(value: Fraction) -> str:
    return f"{int(value)}.{int(value * 10) % 10}"


def _hundredths(value: Fraction) -> str:
    return f"{int(value)}.{int(value * 100) % 100:02d}"


def _summary(found: Mapping[str, Sequence[Timed]], rates: Mapping[str, Fraction]) -> dict[str, object]:
    return {
        name: {
            "events_per_second": [int(timed.rate) for timed in runs],
            "median": int(rates[name]),
            "cpu_ns_an_event": [timed.cpu_ns for timed in runs],
        }
        for name, runs in found.items()
    }


if __name__ == "__main__":
    main()
