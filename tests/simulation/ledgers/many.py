"""`make simulate`: many seeds in two processes, the table of faults by step, a report; failures are made shorter."""

import asyncio
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from pathlib import Path

from tests.simulation.ledgers.faults import CELLS, STEPS, Draw
from tests.simulation.ledgers.run import Run, simulate

REPORT = Path("build/simulate/report.json")
SHORTER_SECONDS = 60


def main() -> int:
    """Run FIRST … FIRST + SEEDS - 1; 1 if anything does not hold or a fault never struck at a step."""
    first, seeds = int(os.environ.get("FIRST", "1")), int(os.environ.get("SEEDS", "2000"))
    began = time.monotonic()
    fired: Counter[tuple[str, str]] = Counter()
    inputs, failed = 0, []
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for run in pool.imap_unordered(_run, range(first, first + seeds), chunksize=4):
            fired += run.fired
            inputs += run.inputs
            if run.findings:
                failed.append(run)
                print(f"seed {run.seed}: {run.findings[0]}", flush=True)
    seconds = round(time.monotonic() - began)
    empty = [cell for cell in CELLS if not fired[cell]]
    _print(fired)
    print(f"{seeds} seeds, {inputs} inputs, {sum(fired.values())} faults struck, {seconds} s: {len(failed)} failed")
    for cell in empty if seeds >= 2_000 else ():
        print(f"never: {cell[0]} at {cell[1]}")
    if failed:
        _shorten(min(failed, key=lambda run: len(run.struck)))
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    told = {f"{fault} at {step}": fired[fault, step] for fault, step in CELLS}
    report = {
        "first": first,
        "seeds": seeds,
        "inputs": inputs,
        "seconds": seconds,
        "failed": len(failed),
        "fired": told,
    }
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    return 1 if failed or (empty and seeds >= 2_000) else 0


def _run(seed: int) -> Run:
    run = asyncio.run(simulate(seed))
    if not run.findings:
        run.history = []
    return run


def _print(fired: Counter[tuple[str, str]]) -> None:
    faults = list(dict.fromkeys(fault for fault, _ in CELLS))
    width = max(map(len, STEPS))
    print(" " * width + "".join(f"{fault[:9]:>10}" for fault in faults))
    for step in STEPS:
        cells = (str(fired[fault, step]) if (fault, step) in CELLS else "" for fault in faults)
        print(step.ljust(width) + "".join(f"{cell:>10}" for cell in cells))


def _shorten(run: Run) -> None:
    """Take away faults, then inputs by ever smaller runs of them, while it still fails; print what is left."""
    until = time.monotonic() + SHORTER_SECONDS
    only, without = frozenset(run.struck), frozenset[int]()
    names = {finding.split(":")[0] for finding in run.findings}

    def fails(only: frozenset[Draw], without: frozenset[int]) -> Run | None:
        if time.monotonic() > until:
            return None
        tried = asyncio.run(simulate(run.seed, only=only, without=without))
        return tried if names & {finding.split(":")[0] for finding in tried.findings} else None

    shortest = run
    for one in sorted(only, reverse=True):
        if tried := fails(only - {one}, without):
            only, shortest = only - {one}, tried
    size = run.inputs // 2
    while size:
        for start in range(0, run.inputs, size):
            less = without | frozenset(range(start, start + size))
            if less != without and (tried := fails(only, less)):
                without, shortest = less, tried
        size //= 2
    left = shortest.inputs - len([one for one in without if one < shortest.inputs])
    print(f"seed {run.seed} fails with {len(only)} faults and {left} inputs; make simulate FIRST={run.seed} SEEDS=1")
    print("\n".join([*shortest.history, *shortest.findings[:5]]))


if __name__ == "__main__":
    sys.exit(main())
