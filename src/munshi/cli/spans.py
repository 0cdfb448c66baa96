"""Lengths of time as people write and read them."""

import re
from datetime import timedelta

from munshi.errors import RequestInvalidError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(\d{1,8})([smhd])", re.ASCII)


def read_span(text: str) -> timedelta:
    """`90s`, `30m`, `2h` or `7d`. Raises RequestInvalidError."""
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise RequestInvalidError(
            f"{text[:40]!r} is no length of time.", hint="Write it as 90s, 30m, 2h or 7d."
        )
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def show_span(span: timedelta) -> str:
    """`4 s`, `12 min`, `3 h 20 min` or `2 d 5 h`; less than nothing is nothing."""
    seconds = max(0, round(span.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{seconds} s"
