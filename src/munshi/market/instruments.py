"""What can be collected: both brokers' lists, loaded when asked, and the indices all know."""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal

from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.market.instruments import (
    Instrument,
    InstrumentKind,
    InstrumentRef,
    well_known_index,
    well_known_indices,
)
from munshi.domain.market.sessions import Segment
from munshi.errors import CursorInvalidError, InstrumentUnknownError
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.results import BreezeScrip
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

DEFAULT_TICK = Decimal("0.05")
EXCHANGES = {
    Service.KITE: ("NSE", "BSE", "NFO", "BFO"),
    Service.BREEZE: ("NSE", "BSE", "NFO", "BFO"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentPage:
    """Instruments by exchange and symbol; `next_cursor` asks for those behind."""

    instruments: list[Instrument]
    next_cursor: str | None


class InstrumentService:
    """Finds and lists instruments. No transaction is open while a broker is asked."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        mode: BrokerMode,
        kite: KiteClient,
        using_kite: Callable[[], AbstractContextManager[KiteAccess]],
        breeze: BreezeClient,
    ) -> None:
        self._database = database
        self._clock = clock
        self._mode = mode
        self._kite = kite
        self._using_kite = using_kite
        self._breeze = breeze

    def find(self, text: str | InstrumentRef) -> Instrument:
        """The instrument by its name, from the loaded lists or among the well-known indices.

        Raises InstrumentUnknownError.
        """
        ref = text if isinstance(text, InstrumentRef) else InstrumentRef.parse(text)
        index = well_known_index(ref)
        if index is not None:
            return index
        with self._database.reading() as tx:
            found = tx.instruments.get_instrument(ref, mode=self._mode)
        if found is None:
            raise InstrumentUnknownError(
                f"{ref} is in no list that was loaded.",
                hint="Load the lists of today: munshi data instruments --refresh",
            )
        return found

    def list(
        self,
        *,
        query: str | None = None,
        exchange: str | None = None,
        kind: InstrumentKind | None = None,
        underlying: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> InstrumentPage:
        """Raises CursorInvalidError."""
        after = None if cursor is None else _read_cursor(cursor)
        with self._database.reading() as tx:
            found = tx.instruments.list_instruments(
                mode=self._mode,
                exchange=exchange,
                kind=kind,
                underlying=underlying,
                text=query,
                after=after,
                limit=limit + 1,
            )
        page = found[:limit]
        more = len(found) > limit
        return InstrumentPage(instruments=page, next_cursor=_cursor(page[-1].ref) if more else None)

    def refresh(self, service: Service, *, actor: Actor) -> dict[str, int]:
        """Load the broker's lists of the day; rows by exchange.

        Raises what the broker's client raises.
        """
        counts: dict[str, int] = {}
        for exchange in EXCHANGES[service]:
            listed = self._download(service, exchange)
            now = self._clock.now()
            with self._database.transaction() as tx:
                counts[exchange] = tx.instruments.save_instruments(
                    service, exchange, listed, mode=self._mode, now=now
                )
        now = self._clock.now()
        with self._database.transaction() as tx:
            tx.audit.log(
                "instruments",
                "refresh",
                entity_id=service,
                details=dict(counts),
                actor=actor,
                now=now,
            )
        return counts

    def _download(self, service: Service, exchange: str) -> Sequence[Instrument]:
        if service is Service.KITE:
            with self._using_kite() as access:
                return list(self._kite.instruments(access, exchange=exchange))
        master = self._breeze.security_master()
        return list(_known_by_breeze(master.scrips(exchange)))


def _known_by_breeze(scrips: Iterable[BreezeScrip]) -> Iterable[Instrument]:
    """Breeze's rows under the exchange's own names, so that both brokers' rows meet."""
    indices = {index.breeze_code: index for index in well_known_indices()}
    for scrip in scrips:
        derivative = scrip.kind.is_derivative
        index = indices.get(scrip.stock_code)
        symbol = _contract_name(scrip) if derivative else scrip.exchange_symbol
        yield Instrument(
            exchange=scrip.exchange,
            tradingsymbol=symbol,
            name=scrip.company or scrip.stock_code,
            kind=scrip.kind,
            segment=Segment.FNO if derivative else Segment.CASH,
            lot_size=scrip.lot_size or 1,
            tick_size=index.tick_size if index else DEFAULT_TICK,
            expiry=scrip.expiry,
            strike=scrip.strike,
            underlying=(index.name if index else scrip.stock_code) if derivative else None,
            breeze_code=scrip.stock_code,
        )


def _contract_name(scrip: BreezeScrip) -> str:
    """The security master names no trading symbol for contracts, so this is ours."""
    expiry = scrip.expiry.strftime("%d%b%y").upper() if scrip.expiry else ""
    strike = "" if scrip.strike is None or not scrip.kind.is_option else f"{scrip.strike:f}"
    if "." in strike:
        strike = strike.rstrip("0").rstrip(".")
    return f"{scrip.stock_code}{expiry}{strike}{scrip.kind}"


def _cursor(ref: InstrumentRef) -> str:
    return base64.urlsafe_b64encode(str(ref).encode()).decode().rstrip("=")


def _read_cursor(text: str) -> InstrumentRef:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        exchange, colon, symbol = raw.partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if not colon:
        raise CursorInvalidError(
            "The cursor is not one that was given out.", hint="Ask for the first page again."
        )
    return InstrumentRef(exchange, symbol)
