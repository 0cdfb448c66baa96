"""`munshi data`: collect candles, import files, and look at what is held."""

from pathlib import Path
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_instant

data_app = typer.Typer(
    help="Market data: collect, import, list, show.",
    no_args_is_help=True,
)
Named = Annotated[
    str, typer.Argument(metavar="INSTRUMENT", help="NIFTY, BANKNIFTY, or such as NSE:RELIANCE.")
]
IntervalOption = Annotated[str, typer.Option("--interval", help="1minute, 5minute, 1day, …")]
SourceOption = Annotated[
    str | None, typer.Option("--source", help="kite, breeze or import; the first that has any.")
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First day, IST.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day, IST.")]


@data_app.command()
def collect(
    instruments: Annotated[
        list[str] | None, typer.Argument(metavar="[INSTRUMENT…]", help="NIFTY, NSE:RELIANCE, …")
    ] = None,
    *,
    chain: Annotated[
        str | None,
        typer.Option(metavar="UNDERLYING", help="Options on it, around the spot of each day."),
    ] = None,
    expiries: Annotated[
        str | None,
        typer.Option(metavar="nearest|N|DATES", help="Of the chain: so many of the nearest."),
    ] = None,
    strikes: Annotated[
        int | None, typer.Option(help="Of the chain: so many on each side of the spot; 10.")
    ] = None,
    broker: str = typer.Option("kite", help="kite or breeze."),
    interval: IntervalOption = "5minute",
    start: FromOption = None,
    end: ToOption = None,
    wait: bool | None = typer.Option(
        None,
        "--wait/--no-wait",
        help="Work here until it has ended, or only ask. "
        "Without either it works here if no worker takes it.",
    ),
    plan: bool = typer.Option(
        False, "--plan", help="Only say what would be asked for; no broker is asked."
    ),
    as_json: JsonFlag = False,
) -> None:
    """Collect candles from a broker: what is missing of the last 20 trading days."""
    from munshi.cli.data_collect import (
        ask,
        chain_of,
        collection_of,
        print_collection,
        print_plan,
        see_through,
    )
    from munshi.cli.desk import open_desk
    from munshi.domain.jobs import JobState

    with open_desk(brokers=plan or wait is not False) as services:
        wanted = collection_of(
            services,
            instruments or [],
            broker=broker,
            interval=interval,
            start=start,
            end=end,
            chain=chain_of(chain, expiries=expiries, strikes=strikes),
        )
        if plan:
            print_plan(services.collection.plan(wanted), as_json=as_json)
            return
        asked = ask(services, wanted)
        job = asked if wait is False else see_through(services, asked, here=wait is True)
        mode = services.settings.brokers.value
        outlook = services.collection_outlook.of_job(job)
    print_collection(job, mode=mode, outlook=outlook, as_json=as_json)
    if outlook is not None and outlook.waits_for_login:
        raise typer.Exit(1)
    if job.state.is_final and job.state is not JobState.SUCCEEDED:
        raise typer.Exit(1)
    if job.state in {JobState.PAUSED, JobState.HELD}:
        raise typer.Exit(1)


@data_app.command()
def verify(
    instruments: Annotated[
        list[str] | None, typer.Argument(metavar="[INSTRUMENT…]", help="Only these.")
    ] = None,
    *,
    repair: bool = typer.Option(
        False, "--repair", help="Ask the broker again for the months of damaged files."
    ),
    as_json: JsonFlag = False,
) -> None:
    """Hash the candle files against the manifest; exit code 1 where one is damaged."""
    from munshi.cli.data_collect import print_job_state, see_through
    from munshi.cli.data_verify import ask, print_verification
    from munshi.cli.desk import open_desk
    from munshi.cli.job_output import job_document

    with open_desk(brokers=repair) as services:
        job = see_through(services, ask(services, instruments or [], repair=repair), here=True)
    result = job.result_data
    if as_json:
        print_json(job_document(job))
    elif result is None:
        print_job_state(job)
    else:
        print_verification(dict(result))
    if result is None or result["damaged"]:
        raise typer.Exit(1)


@data_app.command()
def quality(
    instruments: Annotated[
        list[str] | None, typer.Argument(metavar="[INSTRUMENT…]", help="Only these.")
    ] = None,
    *,
    interval: Annotated[
        str | None, typer.Option("--interval", help="Only bars of this length.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Only what is from kite, breeze or import.")
    ] = None,
    start: FromOption = None,
    end: ToOption = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the page there, too.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Judge what is held: what is missing and why, and what is wrong; exit code 1 if anything is.

    Without days all that is held is judged, from its first bar to its last.
    """
    from munshi.cli.data_quality import judge, print_quality, write_page
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        document = judge(
            services, instruments or [], interval=interval, source=source, start=start, end=end
        )
    if html is not None:
        write_page(html, document)
    if as_json:
        print_json(document)
    else:
        print_quality(document, page=html)
    if not document["summary"]["is_clean"]:
        raise typer.Exit(1)


@data_app.command()
def compare(
    instrument: Named,
    first: Annotated[
        str | None, typer.Argument(metavar="[A]", help="A source, such as kite.")
    ] = None,
    second: Annotated[
        str | None, typer.Argument(metavar="[B]", help="Another one, such as breeze.")
    ] = None,
    *,
    interval: IntervalOption = "5minute",
    start: FromOption = None,
    end: ToOption = None,
    price: Annotated[
        float, typer.Option("--price-tolerance", help="Percent that prices may be apart.")
    ] = 0.05,
    volume: Annotated[
        float, typer.Option("--volume-tolerance", help="Percent that volumes may be apart.")
    ] = 1.0,
    as_json: JsonFlag = False,
) -> None:
    """Compare what two sources hold of an instrument; exit code 1 where they differ.

    Without days those are compared that both have.
    """
    from munshi.cli.data_compare import compare_sources, print_comparison
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        found = compare_sources(
            services,
            instrument,
            sources=(first, second),
            interval=interval,
            days=(start, end),
            tolerances=(price, volume),
        )
    if as_json:
        print_json(found)
    else:
        print_comparison(found)
    if not found["is_alike"]:
        raise typer.Exit(1)


@data_app.command()
def refetch(
    instrument: Named,
    *,
    broker: str = typer.Option("kite", help="kite or breeze."),
    interval: IntervalOption = "5minute",
    start: FromOption = None,
    end: ToOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Ask a broker again for whole months that are held: its bars win, wrong ones go."""
    from munshi.cli.data_collect import collection_of
    from munshi.cli.data_refetch import print_refetch, refetch_months
    from munshi.cli.desk import open_desk

    with open_desk(brokers=True) as services:
        wanted = collection_of(
            services, [instrument], broker=broker, interval=interval, start=start, end=end
        )
        report = refetch_months(services, wanted)
    if as_json:
        print_json(report)
    else:
        print_refetch(report)


@data_app.command()
def show(
    instrument: Named,
    *,
    interval: IntervalOption = "5minute",
    source: SourceOption = None,
    start: FromOption = None,
    end: ToOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Draw what is held of an instrument: its coverage, and a chart of the last bars."""
    from munshi.cli.data_show import look_at
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        seen = look_at(services, instrument, interval=interval, source=source, start=start, end=end)
    if as_json:
        print_json(seen.document())
    else:
        seen.draw()


@data_app.command()
def coverage(
    instrument: Annotated[
        str | None, typer.Argument(metavar="[INSTRUMENT]", help="Only this one.")
    ] = None,
    *,
    as_json: JsonFlag = False,
) -> None:
    """List which candles are held, from whom and of when."""
    from munshi.cli.data_show import series_document
    from munshi.cli.desk import open_desk
    from munshi.domain.market.instruments import InstrumentRef

    ref = InstrumentRef.parse(instrument) if instrument else None
    with open_desk() as services:
        found = services.candles.coverage(ref)
        mode = services.settings.brokers.value
    if as_json:
        print_json({"mode": mode, "series": [series_document(one) for one in found]})
        return
    print_mode(mode)
    print_table(
        "Candles held",
        ("instrument", "interval", "source", "prices", "first bar", "last bar", "bars", "files"),
        [
            (
                f"{one.key.exchange}:{one.key.instrument}",
                one.key.interval,
                one.key.source,
                one.label,
                show_instant(one.first_open),
                show_instant(one.last_open),
                f"{one.rows:,}",
                one.files,
            )
            for one in found
        ],
        empty="none yet. Collect some: munshi data collect NIFTY",
    )


@data_app.command()
def instruments(
    broker: Annotated[
        str | None,
        typer.Argument(metavar="[BROKER]", help="With --refresh: only kite's or breeze's lists."),
    ] = None,
    *,
    refresh: bool = typer.Option(False, "--refresh", help="Load the brokers' lists of today."),
    query: str | None = typer.Option(None, help="Part of a symbol."),
    exchange: str | None = typer.Option(None, help="NSE, BSE, NFO or BFO."),
    underlying: str | None = typer.Option(None, help="Contracts on this, such as NIFTY."),
    limit: int = typer.Option(50, min=1, max=1000, help="How many, by exchange and symbol."),
    as_json: JsonFlag = False,
) -> None:
    """List instruments, or load the brokers' lists."""
    from munshi.cli.data_instruments import list_instruments, refresh_lists
    from munshi.cli.desk import open_desk
    from munshi.errors import RequestInvalidError

    if broker is not None and not refresh:
        raise RequestInvalidError(
            f"{broker!r} is understood only with --refresh.", hint=f"Look for it: --query {broker}"
        )
    with open_desk(brokers=refresh) as services:
        if refresh:
            refresh_lists(services, broker, as_json=as_json)
        else:
            list_instruments(
                services,
                query=query,
                exchange=exchange,
                underlying=underlying,
                limit=limit,
                as_json=as_json,
            )


@data_app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, also gzipped, or Parquet.")],
    *,
    instrument: str | None = typer.Option(None, help="What it holds, if the file does not say."),
    interval: str | None = typer.Option(None, help="How long its bars are, if rows do not show."),
    as_json: JsonFlag = False,
) -> None:
    """Take real candles from a file; from minutes, longer bars are derived."""
    from munshi.cli.data_import import import_showing_progress, print_import
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        report = import_showing_progress(services, file, instrument=instrument, interval=interval)
    if as_json:
        print_json(report.to_json())
    else:
        print_import(report)
    if all(series.quality.accepted.is_empty() for series in report.series):
        raise typer.Exit(1)


@data_app.command()
def candles(
    instrument: Named,
    *,
    interval: IntervalOption = "5minute",
    source: SourceOption = None,
    start: FromOption = None,
    end: ToOption = None,
    limit: int | None = typer.Option(None, min=1, help="At most this many bars, oldest first."),
    as_csv: bool = typer.Option(False, "--csv", help="Print CSV instead of a table."),
    as_json: JsonFlag = False,
) -> None:
    """Print bars, oldest first."""
    from munshi.cli.data_show import print_bars, read_bars
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        bars = read_bars(
            services, instrument, interval=interval, source=source, start=start, end=end
        )
    print_bars(bars, limit=limit, as_csv=as_csv, as_json=as_json)
