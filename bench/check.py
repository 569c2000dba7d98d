"""See that the ratios have not fallen below the recorded ones by more than the noise; see README.md.

python -m bench.check [--record]
"""

import argparse
import sys
from fractions import Fraction
from pathlib import Path

import msgspec

from bench.cases import CASES, COVERED, ECHO, NAIVE, OVERAGE
from bench.compare import measured, medians

RECORDED = Path(__file__).with_name("recorded.json")
PAIRS = ((COVERED, NAIVE), (COVERED, ECHO), (OVERAGE, COVERED))
ROUNDS = 3


class Ratio(msgspec.Struct, frozen=True):
    """A ratio of medians in thousandths, and the percent by which rounds of one run have differed from their median."""

    of: str
    to: str
    thousandths: int
    noise_percent: int


def main() -> int:
    """Compare with what is recorded, or record anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="write what is measured as what is to be kept")
    record = parser.parse_args().record
    if not record and not RECORDED.exists():
        sys.exit(f"nothing is recorded in {RECORDED.name} yet: python -m bench.check --record writes it")
    wanted = {name for pair in PAIRS for name in pair}
    found = measured([case for case in CASES if case.name in wanted], ROUNDS)
    rates = medians(found)
    ratios = []
    for of, to in PAIRS:
        ratio = rates[of] / rates[to]
        rounds = [above.rate / below.rate for above, below in zip(found[of], found[to], strict=True)]
        noise = max(abs(one - ratio) / ratio for one in rounds)
        ratios.append(Ratio(of, to, int(ratio * 1_000), int(noise * 100) + 1))
    if record:
        RECORDED.write_bytes(msgspec.json.format(msgspec.json.encode(ratios)) + b"\n")
    fallen = False
    for now, kept in zip(ratios, msgspec.json.decode(RECORDED.read_bytes(), type=list[Ratio]), strict=True):
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
