"""Charts as inline SVG with words around them: no script, no font, no other host.

Lines and marks keep their width whatever the page's, and words are text of the page, so that a
chart can be read on a telephone as well as on a screen.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 1000, 240
_MOST_POINTS = 1200
_FEWEST_STEPS = 3
_DATES = 5
Shown = Callable[[float], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """At candle `place`, at `price`; `css` is its class and `title` what a pointer is told."""

    place: int
    price: float
    css: str
    title: str


def line_chart(
    values: Sequence[float], *, label: str, css: str, days: Sequence[str], shown: Shown
) -> str:
    """`values` from left to right; `days` has that of each value, `shown` writes a value."""
    if not values:
        return ""
    step = -(-len(values) // _MOST_POINTS)
    drawn = [*values[::step], values[-1]]
    ticks = _ticks(min(drawn), max(drawn))
    points = " ".join(
        f"{_x(place, len(drawn)):.1f},{_y(value, ticks):.1f}" for place, value in enumerate(drawn)
    )
    first, last = _x(0, len(drawn)), _x(len(drawn) - 1, len(drawn))
    base = _y(min(max(0.0, ticks[-1]), ticks[0]), ticks)
    area = f"{first:.1f},{base:.1f} {points} {last:.1f},{base:.1f}"
    inner = f'<polygon class="{css}" points="{area}"/><polyline class="{css}" points="{points}"/>'
    return _chart(label, [shown(each) for each in ticks], _dates(days), inner)


def candle_chart(
    bars: Sequence[tuple[float, float, float, float]],
    marks: Iterable[Mark],
    *,
    label: str,
    days: Sequence[str],
    shown: Shown,
) -> str:
    """`bars` are open, high, low, close; `days` has that of each."""
    if not bars:
        return ""
    ticks = _ticks(min(bar[2] for bar in bars), max(bar[1] for bar in bars))
    wide = WIDTH / len(bars) * 0.6
    parts = []
    for place, (opened, top, bottom, closed) in enumerate(bars):
        x, css = _x(place, len(bars)), "up" if closed >= opened else "down"
        body_top, body_bottom = (_y(f(opened, closed), ticks) for f in (max, min))
        parts.append(
            f'<path class="{css}" d="M{x:.1f} {_y(top, ticks):.1f}V{_y(bottom, ticks):.1f}"/>'
            f'<rect class="{css}" x="{x - wide / 2:.1f}" y="{body_top:.1f}" width="{wide:.1f}" '
            f'height="{max(body_bottom - body_top, 0.5):.1f}"/>'
        )
    parts += [
        f'<path class="{mark.css}" d="M{_x(mark.place, len(bars)):.1f} '
        f'{_y(mark.price, ticks):.1f}h0.01"><title>{escape(mark.title)}</title></path>'
        for mark in marks
    ]
    return _chart(label, [shown(each) for each in ticks], _dates(days), "".join(parts))


def _chart(label: str, ticks: Sequence[str], days: Sequence[str], inner: str) -> str:
    lines = "".join(
        f"M0 {HEIGHT * number / (len(ticks) - 1):.1f}H{WIDTH}" for number in range(len(ticks))
    )
    return (
        f'<figure class="chart"><div class="scale">{_spans(ticks)}</div>'
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" '
        f'aria-label="{escape(label)}"><path class="grid" d="{lines}"/>{inner}</svg>'
        f'<div class="days">{_spans(days)}</div></figure>'
    )


def _spans(words: Iterable[str]) -> str:
    return "".join(f"<span>{escape(word)}</span>" for word in words)


def _dates(days: Sequence[str]) -> list[str]:
    """Some of them, evenly spaced, the first and the last among them."""
    count = min(_DATES, len(days))
    if count < 2:  # noqa: PLR2004
        return list(days)
    return [days[(len(days) - 1) * number // (count - 1)] for number in range(count)]


def _ticks(low: float, high: float) -> list[float]:
    """Round values from above `high` down to below `low`, evenly spaced."""
    spread = (high - low) or max(abs(high), 1.0) * 0.01
    rough = spread / _FEWEST_STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    step = max(each * power for each in (1.0, 2.0, 2.5, 5.0) if each * power <= rough * (1 + 1e-9))
    first, last = math.floor(low / step), math.ceil(high / step)
    if first == last:
        last += 1
    return [number * step for number in range(last, first - 1, -1)]


def _x(place: int, count: int) -> float:
    return WIDTH * (place + 0.5) / count


def _y(value: float, ticks: Sequence[float]) -> float:
    return HEIGHT * (ticks[0] - value) / (ticks[0] - ticks[-1])
