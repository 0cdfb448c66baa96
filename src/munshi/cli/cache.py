"""`munshi cache`: what is kept of what was looked up, how it is used, and emptying it."""

from typing import Annotated, Any

import typer

from munshi.cli.output import JsonFlag, print_json, print_table
from munshi.domain.cache import CacheStatus, CacheUse

cache_app = typer.Typer(help="Show and empty what is kept of what was looked up.")
_MB = 1_000_000


@cache_app.command("stats")
def show_stats(*, as_json: JsonFlag = False) -> None:
    """Show what the cache holds, and how often each shelf had the answer today."""
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        status = services.cache_service.status()
    if as_json:
        print_json(status_document(status))
        return
    print_table(
        f"Cache: {status.stored.entries} entries, {_mb(status.stored.bytes)} of "
        f"{_mb(status.most_bytes)}; today",
        (
            *("shelf", "entries", "size", "gets", "had it", "from process", "from database"),
            *("stale", "worked out", "ms each", "refused", "damaged", "evicted"),
        ),
        [
            (
                shelf.name,
                shelf.stored.entries,
                _mb(shelf.stored.bytes),
                shelf.today.gets,
                _percent(shelf.today),
                shelf.today.first_hits,
                shelf.today.second_hits,
                shelf.today.stale_hits,
                shelf.today.computed,
                _each_ms(shelf.today),
                shelf.today.refused,
                shelf.today.damaged,
                shelf.today.evicted,
            )
            for shelf in status.shelves
        ],
        empty="nothing was kept yet.",
    )


@cache_app.command("clear")
def clear(
    *,
    shelf: Annotated[
        str | None, typer.Option("--shelf", help="Only this one; stats lists them.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Have nothing that is kept used any more, in any process; it is looked up anew."""
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        deleted = services.cache_service.clear(shelf, actor=COMMAND_LINE)
    if as_json:
        print_json({"shelf": shelf, "deleted": deleted})
        return
    typer.echo(f"Cleared {shelf or 'all shelves'}: {deleted} entries.")


def status_document(status: CacheStatus) -> dict[str, Any]:
    """Everything that the API says of the cache, too."""
    from dataclasses import asdict

    document = asdict(status)
    for shown, shelf in zip(document["shelves"], status.shelves, strict=True):
        today = shown["today"]
        shown["today"] = {
            "gets": shelf.today.gets,
            "hit_rate": shelf.today.hit_rate,
            **{name: value for name, value in today.items() if name not in {"namespace", "day"}},
        }
    return document


def _mb(size: int) -> str:
    return f"{size / _MB:.1f} MB"


def _percent(use: CacheUse) -> str:
    return "" if use.hit_rate is None else f"{use.hit_rate:.1%}"


def _each_ms(use: CacheUse) -> str:
    return "" if not use.computed else f"{use.compute_seconds / use.computed * 1000:.1f}"
