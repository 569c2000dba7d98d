"""Bars of what `make bench`, `bench-latency` and `bench-stages` have measured, as SVG: python -m bench.plot FOLDER."""

import statistics
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

import msgspec

from bench.check import Measured
from bench.compare import OUTPUT as RATES
from bench.latency import OUTPUT as LATENCIES
from bench.latency import Latency
from bench.stages import OUTPUT as STAGES
from bench.stages import Seen

_LEFT, _WIDTH, _BAR, _STEP, _TOP = 250, 480, 16, 24, 34
Bar = tuple[str, int, str]  # what, how much, in words


def svg(title: str, bars: Sequence[Bar]) -> str:
    """Draw horizontal bars, the longest over the whole width."""
    most = max((value for _, value, _ in bars), default=1) or 1
    height = _TOP + len(bars) * _STEP + 8
    size = f'width="{_LEFT + _WIDTH + 130}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<text x="4" y="18" font-weight="bold">{escape(title)}</text>',
    ]
    for index, (what, value, told) in enumerate(bars):
        top = _TOP + index * _STEP
        length = value * _WIDTH // most
        parts.append(f'<text x="4" y="{top + 12}">{escape(what)}</text>')
        parts.append(f'<rect x="{_LEFT}" y="{top}" width="{length}" height="{_BAR}" fill="#26c"/>')
        parts.append(f'<text x="{_LEFT + length + 6}" y="{top + 12}" fill="#666">{escape(told)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def main(folder: Path) -> None:
    """Draw each file that is there."""
    if RATES.exists():
        cases = msgspec.json.decode(RATES.read_bytes(), type=dict[str, Measured])
        middles = {name: int(statistics.median(case.events_per_second)) for name, case in cases.items()}
        bars = [(name, rate, f"{rate:,}") for name, rate in middles.items() if not name.startswith("echo")]
        (folder / "bench-rates.svg").write_text(svg("Events a second, medians; the echo left out", bars))
    if LATENCIES.exists():
        found = msgspec.json.decode(LATENCIES.read_bytes(), type=list[Latency])
        bars = [
            (f"{one.case}, {one.rate:,}/s: {name}", value, f"{value:,} ms")
            for one in found
            for name, value in (("half", one.p50), ("99 %", one.p99), ("longest", one.most))
        ]
        (folder / "bench-latency.svg").write_text(svg("From publication to a charge that can be read", bars))
    if STAGES.exists():
        seen = msgspec.json.decode(STAGES.read_bytes(), type=dict[str, Seen])
        for number, (name, one) in enumerate(seen.items(), 1):
            total = sum(one.stages.values())
            shares = sorted(one.stages.items(), key=lambda pair: -pair[1])
            bars = [(stage, count, f"{count * 100 // total} %") for stage, count in shares]
            (folder / f"bench-stages-{number}.svg").write_text(svg(f"Worker's processor time: {name}", bars))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
