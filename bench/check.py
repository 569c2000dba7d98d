"""See that the ratios have not fallen below the recorded ones by more than the noise; see README.md.

python -m bench.check [--record]
"""

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import msgspec

from bench.cases import CASES, COVERED, ECHO, NAIVE, OVERAGE
from bench.compare import OUTPUT as SUMMARY
from bench.compare import measured

RECORDED = Path(__file__).with_name("recorded.json")
PAIRS = ((COVERED, NAIVE), (COVERED, ECHO), (OVERAGE, COVERED))
ROUNDS = 3


class Measured(msgspec.Struct):
    """As much of a case of the last `make bench` as counts here."""

    events_per_second: list[int]


class Ratio(msgspec.Struct, frozen=True):
    """A ratio of medians in thousandths, and the percent by which rounds of one run have differed from their median."""

    of: str
    to: str
    thousandths: int
    noise_percent: int


def main() -> int:
    """Compare with what is recorded, or record what the last `make bench` has measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="keep the ratios of the last `make bench`")
    if parser.parse_args().record:
        last = msgspec.json.decode(SUMMARY.read_bytes(), type=dict[str, Measured])
        kept = ratios({name: [Fraction(rate) for rate in case.events_per_second] for name, case in last.items()})
        RECORDED.write_bytes(msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
        return 0
    if not RECORDED.exists():
        sys.exit(f"nothing is recorded in {RECORDED.name} yet: `make bench`, then python -m bench.check --record")
    wanted = {name for pair in PAIRS for name in pair}
    found = measured([case for case in CASES if case.name in wanted], ROUNDS)
    now = ratios({name: [timed.rate for timed in runs] for name, runs in found.items()})
    return _compared(now, msgspec.json.decode(RECORDED.read_bytes(), type=list[Ratio]))


def ratios(rates: Mapping[str, Sequence[Fraction]]) -> list[Ratio]:
    """Give the ratios of medians, and how far a round was from them. rates: by case and round."""
    made = []
    for of, to in PAIRS:
        ratio = statistics.median(rates[of]) / statistics.median(rates[to])
        rounds = [above / below for above, below in zip(rates[of], rates[to], strict=True)]
        noise = max(abs(one - ratio) / ratio for one in rounds)
        made.append(Ratio(of, to, int(ratio * 1_000), int(noise * 100) + 1))
    return made


def _compared(measured_now: Sequence[Ratio], recorded: Sequence[Ratio]) -> int:
    """Print both; give 1 if one has fallen below what noise explains."""
    fallen = False
    for now, kept in zip(measured_now, recorded, strict=True):
        least = Fraction(kept.thousandths * (100 - kept.noise_percent - now.noise_percent), 100)
        fallen = fallen or now.thousandths < least
        said = "below what noise explains" if now.thousandths < least else "as it was"
        print(
            f"{now.of} to {now.to}: {now.thousandths} thousandths (noise {now.noise_percent} %),"
            f" recorded {kept.thousandths} ({kept.noise_percent} %): {said}"
        )
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.exit(main())
