"""Small multiples of a soak's series, as an SVG written by hand."""

from collections.abc import Sequence
from html import escape

from tests.soak.flat import Judged, Series

_WIDTH, _HEIGHT, _LEFT, _GAP = 760, 90, 170, 34


def svg(drawn: Sequence[tuple[Series, Judged]], events: Sequence[tuple[int, str]]) -> str:
    """Draw each series over the whole time; a line stands where a worker came or went."""
    end = max((series.points[-1][0] for series, _ in drawn if series.points), default=1) or 1
    height = len(drawn) * (_HEIGHT + _GAP) + _GAP
    size = f'width="{_LEFT + _WIDTH + 20}" height="{height}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">']
    for index, (series, judged) in enumerate(drawn):
        top = _GAP + index * (_HEIGHT + _GAP)
        most = max(judged.most, 1)
        parts.append(f'<rect x="{_LEFT}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#ccc"/>')
        for at, what in events:
            x = _LEFT + at * _WIDTH // end
            parts.append(
                f'<line x1="{x}" y1="{top}" x2="{x}" y2="{top + _HEIGHT}" stroke="#e8a"><title>{escape(what)}</title>'
                "</line>"
            )
        line = " ".join(
            f"{_LEFT + at * _WIDTH // end},{top + _HEIGHT - value * _HEIGHT // most}" for at, value in series.points
        )
        parts.append(f'<polyline points="{line}" fill="none" stroke="#26c"/>')
        mark = "flat" if judged.flat else "NOT FLAT"
        parts.append(f'<text x="4" y="{top + 14}">{escape(series.name)}</text>')
        parts.append(f'<text x="4" y="{top + 30}" fill="#666">most {judged.most} {escape(series.unit)}</text>')
        parts.append(f'<text x="4" y="{top + 46}" fill="#666">{judged.earlier} → {judged.later}: {mark}</text>')
    parts.append(f'<text x="{_LEFT}" y="{height - 8}" fill="#666">{end} seconds</text></svg>\n')
    return "\n".join(parts)
