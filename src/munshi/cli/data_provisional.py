"""`munshi data provisional`: minutes that a stream showed and history has not confirmed."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_instant

_PRICES = ("open", "high", "low", "close")


def provisional(
    instrument: Annotated[str, typer.Argument(metavar="INSTRUMENT", help="NIFTY, NSE:RELIANCE, …")],
    *,
    day: Annotated[
        str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="IST; today if none.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a day's minutes as a stream showed them. They are no candles until history has them."""
    from munshi.cli.days import read_day
    from munshi.cli.desk import open_desk
    from munshi.domain.market.candles import to_rupees
    from munshi.domain.market.instruments import InstrumentRef

    ref = InstrumentRef.parse(instrument)
    with open_desk() as services:
        mode = services.settings.brokers.value
        bars = services.provisional.list(ref, day=read_day(day))
    rows = [
        {
            "opens": bar.candle.opens,
            **{name: to_rupees(getattr(bar.candle, name)) for name in _PRICES},
            "volume": bar.candle.volume,
            "oi": bar.candle.oi,
            "source": bar.key.source,
            "is_provisional": True,
            "is_whole": bar.is_whole,
        }
        for bar in bars
    ]
    if as_json:
        print_json({"mode": mode, "instrument": str(ref), "interval": "1minute", "bars": rows})
        return
    print_mode(mode)
    print_table(
        f"{ref} 1minute, PROVISIONAL",
        ("opens", *_PRICES, "volume", "oi", "from", "whole"),
        [
            (
                show_instant(bar.candle.opens),
                *(f"{to_rupees(getattr(bar.candle, name)):.2f}" for name in _PRICES),
                bar.candle.volume,
                bar.candle.oi,
                bar.key.source,
                "yes" if bar.is_whole else "no: a gap",
            )
            for bar in bars
        ],
        empty="none that history has not confirmed.",
    )
