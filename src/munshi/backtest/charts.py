"""Charts as inline SVG, drawn from numbers alone: no script, no font, no other host."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 960, 240
_LEFT, _PAD = 84, 10
_MOST_POINTS = 1200
Mark = tuple[int, float, str, str]


def line_chart(values: Sequence[float], *, label: str, ticks: Sequence[str], css: str) -> str:
    """`values` from left to right; `ticks` are the words at the top and the bottom."""
    if not values:
        return ""
    step = -(-len(values) // _MOST_POINTS)
    shown = [*values[::step], values[-1]]
    low, high = _span(shown)
    points = " ".join(
        f"{_x(place, len(shown)):.1f},{_y(value, low, high):.1f}"
        for place, value in enumerate(shown)
    )
    return _svg(label, ticks, f'<polyline class="{css}" points="{points}"/>')


def candle_chart(
    bars: Sequence[tuple[float, float, float, float]],
    marks: Sequence[Mark],
    *,
    label: str,
    ticks: Sequence[str],
) -> str:
    """`bars` are open, high, low, close; a mark is its bar, its price, its class and its title."""
    if not bars:
        return ""
    low, high = _span([price for bar in bars for price in bar])
    wide = max(1.0, (WIDTH - _LEFT - 2 * _PAD) / len(bars) * 0.6)
    parts = []
    for place, (opened, top, bottom, closed) in enumerate(bars):
        x, css = _x(place, len(bars)), "up" if closed >= opened else "down"
        body_top, body_bottom = (_y(f(opened, closed), low, high) for f in (max, min))
        parts.append(
            f'<path class="{css}" d="M{x:.1f} {_y(top, low, high):.1f}'
            f'V{_y(bottom, low, high):.1f}"/>'
            f'<rect class="{css}" x="{x - wide / 2:.1f}" y="{body_top:.1f}" width="{wide:.1f}" '
            f'height="{max(body_bottom - body_top, 0.5):.1f}"/>'
        )
    for place, price, css, title in marks:
        x, y = _x(place, len(bars)), _y(price, low, high)
        tip = 7 if css == "buy" else -7
        parts.append(
            f'<path class="{css}" d="M{x:.1f} {y:.1f}l-4 {tip}h8z">'
            f"<title>{escape(title)}</title></path>"
        )
    return _svg(label, ticks, "".join(parts))


def _svg(label: str, ticks: Sequence[str], inner: str) -> str:
    top, bottom = escape(ticks[0]), escape(ticks[1])
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" aria-label="{escape(label)}">'
        f'<text x="0" y="{_PAD + 8}">{top}</text><text x="0" y="{HEIGHT - _PAD}">{bottom}</text>'
        f"{inner}</svg>"
    )


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 1, high + 1)


def _x(place: int, count: int) -> float:
    return _LEFT + _PAD + (WIDTH - _LEFT - 2 * _PAD) * (place + 0.5) / count


def _y(value: float, low: float, high: float) -> float:
    return _PAD + (HEIGHT - 2 * _PAD) * (1 - (value - low) / (high - low))
