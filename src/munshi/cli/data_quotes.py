"""`munshi data quotes`: what streams kept of an instrument's best bid and offer."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_instant

_SIDES = ("bid", "bid_quantity", "offer", "offer_quantity")


def kept_quotes(
    instrument: Annotated[
        str | None,
        typer.Argument(metavar="[INSTRUMENT]", help="NSE:RELIANCE, …; without one, what there is."),
    ] = None,
    *,
    day: Annotated[
        str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="IST; today if none.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the quotes of a day that streams kept: the first of each minute with both sides."""
    if instrument is None:
        if day is not None:
            raise typer.BadParameter("name an instrument, too", param_hint="--day")
        _show_spans(as_json=as_json)
        return
    from munshi.cli.days import read_day
    from munshi.cli.desk import open_desk
    from munshi.domain.market.candles import to_rupees
    from munshi.domain.market.instruments import InstrumentRef

    ref, chosen = InstrumentRef.parse(instrument), read_day(day)
    with open_desk() as services:
        mode = services.settings.brokers.value
        quotes = services.kept_quotes.list(ref, day=chosen)
    if as_json:
        rows = [
            {
                "at": each.at,
                "bid": to_rupees(each.bid),
                "bid_quantity": each.bid_quantity,
                "offer": to_rupees(each.offer),
                "offer_quantity": each.offer_quantity,
                "source": each.key.source,
            }
            for each in quotes
        ]
        print_json({"mode": mode, "instrument": str(ref), "quotes": rows})
        return
    print_mode(mode)
    print_table(
        f"{ref} quotes, {mode}",
        ("at", *_SIDES, "spread", "from"),
        [
            (
                show_instant(each.at),
                f"{to_rupees(each.bid):.2f}",
                each.bid_quantity,
                f"{to_rupees(each.offer):.2f}",
                each.offer_quantity,
                f"{to_rupees(each.offer - each.bid):.2f}",
                each.key.source,
            )
            for each in quotes
        ],
        empty="no stream kept any of that day; see munshi stream --help.",
    )


def _show_spans(*, as_json: bool) -> None:
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        mode = services.settings.brokers.value
        spans = services.kept_quotes.spans()
    if as_json:
        rows = [
            {"instrument": str(each.instrument), "first": each.first, "last": each.last}
            for each in spans
        ]
        print_json({"mode": mode, "instruments": rows})
        return
    print_mode(mode)
    print_table(
        f"Quotes that streams kept, {mode}",
        ("instrument", "first", "last"),
        [
            (str(each.instrument), show_instant(each.first), show_instant(each.last))
            for each in spans
        ],
        empty="none; see munshi stream --help.",
    )
