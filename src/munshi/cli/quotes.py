"""`munshi quotes`: the last prices that are to be had."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_instant

if TYPE_CHECKING:
    from munshi.market.quotes import QuoteSeen

_MINUTE, _HOUR = 60.0, 3600.0


def quotes(
    instruments: Annotated[
        list[str], typer.Argument(metavar="INSTRUMENT…", help="NIFTY, NSE:RELIANCE, …")
    ],
    *,
    broker: Annotated[str | None, typer.Option(help="kite or breeze; either if none.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show last quotes: of a stream that is on, else the broker is asked, within its limits."""
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        mode = services.settings.brokers.value
        service = None if broker is None else services.logins.of(broker).service
        seen = services.quotes.quotes(instruments, broker=service)
    if as_json:
        print_json({"mode": mode, "quotes": [quote_document(each) for each in seen]})
        return
    print_mode(mode)
    print_table(
        "Last quotes (rupees)",
        ("instrument", "last", "change", "bid", "offer", "volume", "traded", "age", "from"),
        [_row(each) for each in seen],
    )
    for problem in dict.fromkeys(each.problem for each in seen if each.problem):
        typer.echo(f"Some are not current: {problem}", err=True)


def quote_document(seen: "QuoteSeen") -> dict[str, Any]:
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


def _row(seen: "QuoteSeen") -> Sequence[object]:
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
