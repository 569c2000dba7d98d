"""Explore the worlds and say what was found: `python -m tests.model`, or with --small what `make check` runs."""

import argparse
import sys
import time

from tests.model.cases import CASES
from tests.model.checker import Found, explore
from tests.model.shard import Shard
from tests.model.worlds import FULL, SMALL

_ROW = "{:34} {:>10} {:>10} {:>6} {:>8}  {}"


def main() -> int:
    """Print a line a world and a line a rule; 1 if a world is broken or a rule is not missed."""
    arguments = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    arguments.add_argument("--small", action="store_true", help="the small worlds only (a few seconds)")
    arguments.add_argument("--traces", action="store_true", help="show how each violation comes about")
    asked = arguments.parse_args()
    began, wrong = time.monotonic(), 0
    print(_ROW.format("world", "states", "steps", "depth", "seconds", "found"), flush=True)
    for world in SMALL if asked.small else FULL:
        found = explore(Shard(world))
        wrong += found.violation is not None
        print(_row(world.name, found), flush=True)
        if found.violation:
            print(*(f"    {words}" for words in found.violation.trace), sep="\n")
    print("\nwithout the rule")
    for case in CASES:
        found = explore(Shard(case.world, frozenset(case.rules)))
        as_said = (
            found.violation is None if case.found is None else (found.violation or ("",))[0].startswith(case.found)
        )
        wrong += not as_said
        print(_row(" and ".join(rule.name.lower().replace("_", " ") for rule in case.rules), found))
        if asked.traces and found.violation:
            print(*(f"    {words}" for words in found.violation.trace), sep="\n")
        if not as_said:
            print(f"    expected {case.found}")
    print(f"\n{time.monotonic() - began:.1f} seconds, {wrong} not as it should be")
    return int(wrong > 0)


def _row(name: str, found: Found) -> str:
    what = found.violation.what if found.violation else "nothing is broken"
    return _ROW.format(name, found.states, found.steps, found.depth, f"{found.seconds:.1f}", what)


if __name__ == "__main__":
    sys.exit(main())
