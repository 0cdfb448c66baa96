"""Two sources of one instrument, compared and told as tables."""

from typing import Any

import typer

from munshi.bootstrap import Services
from munshi.cli.days import read_day
from munshi.cli.output import print_mode, print_table
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.market.comparing import Tolerance
from munshi.market.comparison import ComparisonAsked


def compare_sources(
    services: Services,
    instrument: str,
    *,
    sources: tuple[str | None, str | None],
    interval: str,
    days: tuple[str | None, str | None],
    tolerances: tuple[float, float],
) -> dict[str, Any]:
    """`tolerances` of prices and volumes are percent. Raises what ComparisonService does."""
    return services.comparison.compare(
        ComparisonAsked(
            instrument=InstrumentRef.parse(instrument),
            interval=Interval.parse(interval),
            first=sources[0],
            second=sources[1],
            start=read_day(days[0]),
            end=read_day(days[1]),
            tolerance=Tolerance(price=tolerances[0] / 100, volume=tolerances[1] / 100),
        )
    )


def print_comparison(found: dict[str, Any]) -> None:
    print_mode(found["mode"])
    first, second = found["first"]["source"], found["second"]["source"]
    print_table(
        f"{found['instrument']} {found['interval']}, {found['from']} to {found['to']}",
        ("bars", "how many"),
        [
            ("in both", f"{found['bars_in_both']:,}"),
            (f"only from {first}", f"{found['bars_only_in_first']:,}"),
            (f"only from {second}", f"{found['bars_only_in_second']:,}"),
            (f"prices over {found['price_tolerance_percent']:g} % apart", _count(found, "prices")),
            (
                f"volumes over {found['volume_tolerance_percent']:g} % apart",
                _count(found, "volumes"),
            ),
        ],
    )
    if found["is_alike"]:
        typer.echo(f"They agree on all of {found['days']:,} days.")
        return
    print_table(
        f"The worst of {found['days_unlike']:,} days that differ",
        ("day", "in both", f"only {first}", f"only {second}", "prices", "volumes", "farthest",
         f"{first} closed", f"{second} closed"),
        [
            (
                day["day"],
                day["bars_in_both"],
                day["bars_only_in_first"],
                day["bars_only_in_second"],
                day["prices_differ"],
                day["volumes_differ"],
                f"{day['farthest_percent']:.2f} %",
                day["first_close"] or "",
                day["second_close"] or "",
            )
            for day in found["worst_days"]
        ],
    )  # fmt: skip


def _count(found: dict[str, Any], what: str) -> str:
    return f"{found[f'{what}_differ']:,}"
