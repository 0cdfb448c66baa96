"""What `munshi instruments` prints."""

from collections.abc import Iterable

import typer

from munshi.bootstrap import Services
from munshi.cli.data_instruments import instrument_document
from munshi.cli.days import read_day
from munshi.cli.output import print_json, print_mode, print_table
from munshi.clock import today_ist
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument, InstrumentRef
from munshi.domain.market.listings import OPEN_END, Listing, Unmapped
from munshi.errors import BrokerUnavailableError, RequestInvalidError

_COUNTS = ("listed", "begun", "ended", "unmapped")


def load_lists(
    services: Services, broker: str | None, *, accept_losses: bool, as_json: bool
) -> None:
    """Load one broker's lists, or both; one that is refused does not keep the other from it.

    Raises ServiceUnknownError, LoginNeededError, BrokerUnavailableError.
    """
    chosen = [services.logins.of(broker).service] if broker else [Service.BREEZE, Service.KITE]
    loaded: dict[str, dict[str, dict[str, int]]] = {}
    refusal: BrokerUnavailableError | None = None
    for service in chosen:
        try:
            loaded[service.value] = services.instruments.load(
                service, actor=COMMAND_LINE, accept_losses=accept_losses
            )
        except BrokerUnavailableError as refused:
            refusal = refusal or refused
    mode = services.settings.brokers.value
    if as_json:
        print_json({"mode": mode, "loaded": loaded})
    else:
        print_mode(mode)
        print_table(
            "Lists loaded",
            ("broker", "exchange", *_COUNTS),
            [
                (service, exchange, *(f"{found[word]:,}" for word in _COUNTS))
                for service, of_service in loaded.items()
                for exchange, found in of_service.items()
            ],
            empty="none.",
        )
    if refusal is not None:
        raise refusal


def show_instrument(
    services: Services,
    name: str,
    *,
    on: str | None,
    broker: str | None,
    exchange: str | None,
    as_json: bool,
) -> None:
    """Raises InstrumentUnknownError, InstrumentAmbiguousError."""
    day = read_day(on)
    if broker is not None:
        service = services.logins.of(broker).service
        found = services.instrument_history.of_token(
            service,
            name,
            day=day or today_ist(services.clock),
            exchange=exchange.upper() if exchange else None,
        ).instrument
    elif day is None:
        found = services.instruments.find(name)
    else:
        found = services.instrument_history.of_symbol(InstrumentRef.parse(name), day=day)
    mode = services.settings.brokers.value
    if as_json:
        print_json({"mode": mode, "on": day, "instrument": instrument_document(found)})
        return
    print_mode(mode)
    rows = [(word, value) for word, value in _facts(found) if value is not None]
    print_table(str(found.ref), ("what", "is"), rows)


def show_history(services: Services, name: str, *, broker: str | None, as_json: bool) -> None:
    """Raises InstrumentUnknownError."""
    if broker is not None:
        service = services.logins.of(broker).service
        found = services.instrument_history.history_of_token(service, name)
    else:
        found = services.instrument_history.history(InstrumentRef.parse(name))
    mode = services.settings.brokers.value
    if as_json:
        print_json({"mode": mode, "listings": [listing_document(one) for one in found]})
        return
    print_mode(mode)
    print_table(
        f"{name}, newest first",
        (
            *("broker", "instrument", "from", "to", "what changed"),
            *("lot", "tick", "token", "icici code", "expiry"),
        ),
        [
            (
                one.service,
                one.instrument.ref,
                one.first_day,
                "" if one.last_day == OPEN_END else one.last_day,
                one.change,
                one.instrument.lot_size,
                f"{one.instrument.tick_size.normalize():f}",
                one.instrument.kite_token or one.instrument.breeze_token,
                one.instrument.breeze_code,
                one.instrument.expiry,
            )
            for one in found
        ],
    )


def show_unmapped(
    services: Services,
    *,
    broker: str | None,
    exchange: str | None,
    why: str | None,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    """Raises RequestInvalidError, CursorInvalidError, ServiceUnknownError."""
    if why is not None and why not in set(Unmapped):
        raise RequestInvalidError(f"{why!r} is no reason.", hint=f"Reasons: {', '.join(Unmapped)}.")
    page = services.instrument_history.unmapped(
        service=services.logins.of(broker).service if broker else None,
        exchange=exchange.upper() if exchange else None,
        why=Unmapped(why) if why else None,
        limit=limit,
        cursor=cursor,
    )
    mode = services.settings.brokers.value
    if as_json:
        print_json(
            {
                "mode": mode,
                "unmapped": [listing_document(one) for one in page.listings],
                "next_cursor": page.next_cursor,
            }
        )
        return
    print_mode(mode)
    print_table(
        "Without a counterpart",
        ("broker", "instrument", "name", "why"),
        [
            (one.service, one.instrument.ref, one.instrument.name, one.unmapped)
            for one in page.listings
        ],
        empty="nothing, or no list was loaded yet: munshi instruments load",
    )
    for reason in sorted({one.unmapped for one in page.listings if one.unmapped}):
        typer.echo(f"{reason}: {reason.sentence}")
    if page.next_cursor is not None:
        typer.echo(f"There are more: --cursor '{page.next_cursor}'")


def listing_document(one: Listing) -> dict[str, object]:
    """As the API says it, too."""
    return {
        "broker": one.service.value,
        **instrument_document(one.instrument),
        "breeze_token": one.instrument.breeze_token,
        "lineage_id": str(one.lineage_id),
        "first_day": one.first_day,
        "last_day": None if one.last_day == OPEN_END else one.last_day,
        "last_seen": one.last_seen,
        "change": one.change,
        "unmapped": None if one.unmapped is None else one.unmapped.value,
    }


def _facts(one: Instrument) -> Iterable[tuple[str, object]]:
    strike = None if one.strike is None else f"{one.strike.normalize():f}"
    return (
        ("name", one.name),
        ("kind", one.kind),
        ("underlying", one.underlying),
        ("expiry", one.expiry),
        ("strike", strike),
        ("lot", one.lot_size),
        ("tick", f"{one.tick_size.normalize():f}"),
        ("hours", one.segment),
        ("kite token", one.kite_token),
        ("icici code", one.breeze_code),
        ("icici token", one.breeze_token),
    )
