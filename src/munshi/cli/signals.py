"""`munshi signals`: which weekly signal held in each week, on stored bars, without trading."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_instant


def signals(
    instrument: Annotated[str, typer.Argument(help="Like NIFTY or NSE:INFY.")],
    *,
    start: Annotated[str, typer.Option("--from", help="The first day, like 2024-06-03.")],
    end: Annotated[str, typer.Option("--to", help="The last day.")],
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help='Of the signals, like trigger=edge, enabled=["S1"].'),
    ] = None,
    source: str = typer.Option("", help="Whose bars, where several sources have them."),
    as_json: JsonFlag = False,
) -> None:
    """Show the signals S1 to S8 on stored bars, week by week, without trading."""
    from munshi.cli.backtest_output import read_parameters
    from munshi.cli.days import read_day
    from munshi.cli.desk import open_desk
    from munshi.cli.signal_output import chart, report_document
    from munshi.domain.market.candles import to_rupees
    from munshi.domain.market.instruments import InstrumentRef
    from munshi.domain.signals.parameters import SignalParameters

    parameters = SignalParameters.from_json(read_parameters(param or []))
    ref, first, last = InstrumentRef.parse(instrument), read_day(start), read_day(end)
    with open_desk() as services:
        mode = services.settings.brokers.value
        report = services.signals.evaluate(
            ref, start=first, end=last, parameters=parameters, source=source or None
        )
    if as_json:
        print_json({"mode": mode, **report_document(report, parameters)})
        return
    print_mode(mode)
    typer.echo(f"Prices: {report.label}, hourly from {report.made_from} bars.")
    for line in chart(report):
        typer.echo(line)
    print_table(
        f"Weekly signals of {ref}",
        ("week of", "signal", "sells", "strike", "known (IST)", "close", "stop level", "why not"),
        [
            (
                week.monday,
                week.signal.name.value if week.signal else "-",
                week.signal.sells.value if week.signal else "",
                week.signal.strike if week.signal else "",
                show_instant(week.signal.known_at) if week.signal else "",
                f"{to_rupees(week.signal.close):,.2f}" if week.signal else "",
                f"{to_rupees(week.signal.stop_level):,.2f}" if week.signal else "",
                week.not_evaluated or "",
            )
            for week in report.weeks
        ],
        empty="no week of the range has a session.",
    )
    if report.missing_days:
        typer.echo(f"Without any bar: {', '.join(map(str, report.missing_days))}.")
    for day in report.partial_days:
        typer.echo(f"Only {day.present} of {day.expected} bars: {day.day}.")
