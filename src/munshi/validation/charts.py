"""Small charts as SVG: a square from 0 to 1 with axes, points and lines.

Colours are classes, which the page's style fills for light and for dark.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_SIDE, _LEFT, _TOP, _BELOW = 260, 46, 28, 40
STYLE = """svg{max-width:100%;height:auto}svg text{fill:var(--ink)}
polyline,.frame{fill:none}.line{stroke:var(--line);stroke-width:1.5}
.guide{stroke:var(--guide);stroke-width:1.5}.mark{stroke:var(--ink);stroke-width:1.5}
.frame{stroke:var(--faint)}.dot,.bar{fill:var(--line)}"""
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_SMALLEST, _LARGEST = 2.5, 8.0
_BARS = 20


def calibration_chart(bins: Sequence[Mapping[str, Any]]) -> str:
    """What share came true against what was said; a point is larger the more it stands for."""
    known = [each for each in bins if each["count"]]
    most = max((each["count"] for each in known), default=1)
    points = [
        _dot(each["mean"], each["share"], _SMALLEST + _LARGEST * each["count"] / most)
        for each in known
    ]
    line = _path([(each["mean"], each["share"]) for each in known])
    diagonal = _path([(0.0, 0.0), (1.0, 1.0)], css="guide")
    return _chart("Calibration", "probability said", "share that won", diagonal, line, *points)


def precision_recall_chart(points: Sequence[tuple[float, float]], *, base: float) -> str:
    """Precision against recall; the grey line is what taking every trade has."""
    chance = _path([(0.0, base), (1.0, base)], css="guide")
    return _chart("Precision and recall", "recall", "precision", chance, _path(points))


def spread_chart(spread: Mapping[str, Any], *, headline: float | None) -> str:
    """How many purged splits have which AUC; the line is the headline's."""
    areas = [float(each) for each in spread["splits"]]
    counts = [0] * _BARS
    for area in areas:
        counts[min(int(area * _BARS), _BARS - 1)] += 1
    most = max(counts) or 1
    bars = [
        f'<rect x="{_x(number / _BARS):.1f}" y="{_y(count / most):.1f}" '
        f'width="{_SIDE / _BARS - 1:.1f}" height="{_SIDE * count / most:.1f}" class="bar"/>'
        for number, count in enumerate(counts)
        if count
    ]
    mark = [] if headline is None else [_path([(headline, 0.0), (headline, 1.0)], css="mark")]
    return _chart("AUC of the purged splits", "AUC", "how often", *bars, *mark)


def _chart(title: str, across: str, up: str, *marks: str) -> str:
    width, height = _SIDE + _LEFT + 14, _SIDE + _TOP + _BELOW
    ticks = "".join(
        f'<text x="{_x(tick):.1f}" y="{_TOP + _SIDE + 14}" text-anchor="middle">{tick:g}</text>'
        f'<text x="{_LEFT - 5}" y="{_y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>'
        for tick in _TICKS
    )
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" font-family="sans-serif" font-size="11">'
        f'<text x="{_LEFT}" y="16" font-size="13">{escape(title)}</text>'
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" class="frame"/>{ticks}'
        f'<text x="{_LEFT + _SIDE / 2}" y="{_TOP + _SIDE + 32}" text-anchor="middle">'
        f"{escape(across)}</text>"
        f'<text transform="translate(12 {_TOP + _SIDE / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(up)}</text>{''.join(marks)}</svg></figure>"
    )


def _path(points: Sequence[tuple[float, float]], *, css: str = "line") -> str:
    if not points:
        return ""
    corners = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline class="{css}" points="{corners}"/>'


def _dot(x: float, y: float, radius: float) -> str:
    return f'<circle cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="{radius:.1f}" class="dot"/>'


def _x(value: float) -> float:
    return _LEFT + _SIDE * value


def _y(value: float) -> float:
    return _TOP + _SIDE * (1 - value)
