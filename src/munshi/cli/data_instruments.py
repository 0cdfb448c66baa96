"""The brokers' lists, loaded and listed."""

import typer

from munshi.bootstrap import Services
from munshi.cli.output import print_json, print_mode, print_table, show_instant
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument


def refresh_lists(services: Services, broker: str | None, *, as_json: bool) -> None:
    """Load one broker's lists, or both. Raises ServiceUnknownError, LoginNeededError."""
    chosen = [services.logins.of(broker).service] if broker else list(Service)
    counts = {
        service.value: services.instruments.refresh(service, actor=COMMAND_LINE)
        for service in chosen
    }
    mode = services.settings.brokers.value
    if as_json:
        print_json({"mode": mode, "loaded": counts})
        return
    print_mode(mode)
    print_table(
        "Instruments loaded",
        ("broker", "exchange", "instruments"),
        [
            (service, exchange, f"{count:,}")
            for service, found in counts.items()
            for exchange, count in found.items()
        ],
    )


def list_instruments(
    services: Services,
    *,
    query: str | None,
    exchange: str | None,
    underlying: str | None,
    limit: int,
    as_json: bool,
) -> None:
    page = services.instruments.list(
        query=query,
        exchange=exchange.upper() if exchange else None,
        underlying=underlying.upper() if underlying else None,
        limit=limit,
    )
    loaded = services.instruments.loaded_at()
    mode = services.settings.brokers.value
    if as_json:
        print_json(
            {
                "mode": mode,
                "loaded_at": {service.value: at for service, at in loaded.items()},
                "instruments": [instrument_document(one) for one in page.instruments],
                "more": page.next_cursor is not None,
            }
        )
        return
    print_mode(mode)
    print_table(
        "Instruments",
        ("instrument", "name", "kind", "expiry", "strike", "lot", "kite token", "icici code"),
        [_row(one) for one in page.instruments],
        empty="none found."
        if any(loaded.values())
        else "no list was loaded yet. Load them: munshi data instruments --refresh",
    )
    if page.next_cursor is not None:
        typer.echo("There are more: narrow it with --query, --exchange or --underlying.")
    for service, at in loaded.items():
        if at is not None:
            typer.echo(f"{service.capitalize()}'s lists are of {show_instant(at)}.")


def _row(one: Instrument) -> tuple[object, ...]:
    strike = None if one.strike is None else f"{one.strike.normalize():f}"
    return (
        one.ref,
        one.name,
        one.kind,
        one.expiry,
        strike,
        one.lot_size,
        one.kite_token,
        one.breeze_code,
    )


def instrument_document(one: Instrument) -> dict[str, object]:
    return {
        "exchange": one.exchange,
        "tradingsymbol": one.tradingsymbol,
        "name": one.name,
        "kind": one.kind.value,
        "segment": one.segment.value,
        "lot_size": one.lot_size,
        "tick_size": str(one.tick_size),
        "expiry": one.expiry,
        "strike": None if one.strike is None else str(one.strike),
        "underlying": one.underlying,
        "kite_token": one.kite_token,
        "breeze_code": one.breeze_code,
    }
