"""How a quote is told: a row for people, a document for programs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from munshi.cli.output import show_instant
from munshi.market.quotes import QuoteSeen

_MINUTE, _HOUR = 60.0, 3600.0


def quote_document(seen: QuoteSeen) -> dict[str, Any]:
    """What the API says of a quote, too."""
    quote = seen.quote
    names = ("last_price", "open", "high", "low", "close", "volume", "oi", "best_bid", "best_offer")
    return {
        "instrument": quote.instrument,
        "broker": quote.broker.value,
        "way": quote.way.value,
        "is_provisional": quote.is_provisional,
        "is_current": seen.is_current,
        "age_seconds": round(seen.age.total_seconds(), 3),
        **{name: getattr(quote, name) for name in names},
        "traded_at": quote.traded_at,
        "seen_at": quote.seen_at,
        "problem": seen.problem,
    }


def show_age(age: timedelta) -> str:
    """`3 s`, `12 min`, `5 h`, `2 d`."""
    seconds = age.total_seconds()
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    return f"{seconds // _HOUR:.0f} h" if seconds < 48 * _HOUR else f"{age.days} d"


def quote_row(seen: QuoteSeen) -> Sequence[object]:
    quote = seen.quote
    change = "" if quote.close in {None, 0} else f"{quote.last_price - quote.close:+.2f}"
    way = "stream, provisional" if quote.is_provisional else "call"
    return (
        quote.instrument,
        f"{quote.last_price:f}",
        change,
        quote.best_bid,
        quote.best_offer,
        quote.volume,
        show_instant(quote.traded_at),
        show_age(seen.age) + ("" if seen.is_current else ", old"),
        f"{quote.broker} {way}",
    )
