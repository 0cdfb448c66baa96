"""Longer bars from minutes, and how much of a day has happened by now."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from munshi.domain.market.candles import Candle

MINUTE = timedelta(minutes=1)


def until(minutes: Sequence[Candle], *, now: datetime) -> Sequence[Candle]:
    """The bars that have begun; the one still open shows what it would show by `now`."""
    if not minutes or minutes[-1].opens + MINUTE <= now:
        return minutes
    begun = [bar for bar in minutes if bar.opens <= now]
    if begun and begun[-1].opens + MINUTE > now:
        begun[-1] = _forming(begun[-1], share=(now - begun[-1].opens) / MINUTE)
    return begun


def merge(minutes: Sequence[Candle], *, opens: datetime) -> Candle:
    """One bar from at least one minute."""
    return Candle(
        opens=opens,
        open=minutes[0].open,
        high=max(bar.high for bar in minutes),
        low=min(bar.low for bar in minutes),
        close=minutes[-1].close,
        volume=sum(bar.volume for bar in minutes),
        oi=minutes[-1].oi,
    )


def aggregate(
    minutes: Sequence[Candle], *, span: timedelta, session_opens: Sequence[datetime]
) -> Iterator[Candle]:
    """Bars of `span` counted from the opening of the session they are in.

    Minutes before the first known opening, and those of days without one, count from the first
    minute there is.
    """
    if not minutes:
        return
    anchors = sorted(session_opens)
    if not anchors or minutes[0].opens < anchors[0]:
        anchors.insert(0, minutes[0].opens)

    def stamp(bar: Candle) -> datetime:
        anchor = max(opens for opens in anchors if opens <= bar.opens)
        return anchor + (bar.opens - anchor) // span * span

    for opens, members in groupby(minutes, key=stamp):
        yield merge(list(members), opens=opens)


def _forming(bar: Candle, *, share: float) -> Candle:
    """Opened as the whole bar did, and on its way to the rest of it."""
    tick = 500
    close = bar.open + round((bar.close - bar.open) * share / tick) * tick
    high, low = max(bar.open, close), min(bar.open, close)
    return Candle(
        opens=bar.opens,
        open=bar.open,
        high=high + round((bar.high - high) * share / tick) * tick,
        low=low - round((low - bar.low) * share / tick) * tick,
        close=close,
        volume=int(bar.volume * share),
        oi=bar.oi,
    )
