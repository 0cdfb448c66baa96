"""What can be collected: both brokers' lists, loaded when asked, and the indices all know."""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from munshi.cache.cache import Cache
from munshi.cache.shelf import Shelf
from munshi.clock import Clock, today_ist
from munshi.config.service import ConfigService
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
from munshi.infrastructure.database.engine import Database
from munshi.market.listings import Listings, from_security_master
from munshi.market.master_load import Counts, MasterLoad
from munshi.settings import BrokerMode

CallingKite = Callable[[Callable[[KiteAccess], list[Instrument]]], list[Instrument]]
EXCHANGES = ("NSE", "BSE", "NFO", "BFO")
# Where the underlyings of an exchange's contracts are traded.
_CASH = {"NFO": "NSE", "BFO": "BSE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentPage:
    """Instruments by exchange and symbol; `next_cursor` asks for those behind."""

    instruments: tuple[Instrument, ...]
    next_cursor: str | None


_HOUR = 3600.0
# That a list does not name something is asked again after a minute, or when a list is loaded.
FOUND = Shelf[Instrument | None](
    name="instruments",
    holds=Instrument | None,
    fresh_seconds=6 * _HOUR,
    negative_seconds=60,
    tables=("Instruments",),
)
PAGES = Shelf[InstrumentPage](
    name="instrument_pages",
    holds=InstrumentPage,
    fresh_seconds=_HOUR,
    tables=("Instruments",),
)


class InstrumentService:
    """Finds and lists instruments. No transaction is open while a broker is asked."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        mode: BrokerMode,
        kite: KiteClient,
        calling_kite: CallingKite,
        breeze: BreezeClient,
        config: ConfigService,
        cache: Cache,
    ) -> None:
        self._database = database
        self._clock = clock
        self._mode = mode
        self._kite = kite
        self._calling_kite = calling_kite
        self._breeze = breeze
        self._master_load = MasterLoad(
            database, clock, mode=mode, config=config, download=self._download, cache=cache
        )
        self._found = cache.open(FOUND)
        self._pages = cache.open(PAGES)

    def find(self, text: str | InstrumentRef, *, day: date | None = None) -> Instrument:
        """The instrument by its name, from the loaded lists or among the well-known indices.

        As it was listed on `day`; else as it is listed now, or was last. Raises
        InstrumentUnknownError.
        """
        ref = text if isinstance(text, InstrumentRef) else InstrumentRef.parse(text)
        found = self._found.get_or_compute(
            f"{self._mode} {ref} {day or ''}".rstrip(), partial(self._look_up, ref, day)
        ) or well_known_index(ref)
        if found is None:
            raise InstrumentUnknownError(
                f"{ref} is in no list that was loaded.",
                hint="Load the lists of today: munshi data instruments --refresh",
            )
        return found

    def _look_up(self, ref: InstrumentRef, day: date | None) -> Instrument | None:
        with self._database.reading() as tx:
            found = tx.instruments.get_instrument(ref, mode=self._mode, day=day)
            if found is None or found.breeze_token or found.underlying is None:
                return found
            share = tx.instruments.get_instrument(
                InstrumentRef(_CASH[found.exchange], found.underlying), mode=self._mode, day=day
            )
        return replace(found, breeze_code=_code(found.underlying, share))

    def segment(self, ref: InstrumentRef) -> Segment:
        """Which trading hours apply; by its exchange for what is in no list any more."""
        try:
            return self.find(ref).segment
        except InstrumentUnknownError:
            return Segment.CASH if ref.exchange in {"NSE", "BSE"} else Segment.FNO

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
        asked = [self._mode, exchange, kind, underlying, query, cursor, limit]
        read = partial(
            self._read_page,
            mode=self._mode,
            exchange=exchange,
            kind=kind,
            underlying=underlying,
            text=query,
            after=after,
            limit=limit + 1,
        )
        return self._pages.get_or_compute(json.dumps(asked), read)

    def _read_page(self, *, limit: int, **asked: Any) -> InstrumentPage:  # noqa: ANN401 - as asked
        """One more than are shown says whether there are more."""
        with self._database.reading() as tx:
            found = tx.instruments.list_instruments(limit=limit, **asked)
        page = tuple(found[: limit - 1])
        more = len(found) == limit
        return InstrumentPage(instruments=page, next_cursor=_cursor(page[-1].ref) if more else None)

    def loaded_at(self) -> dict[Service, datetime | None]:
        """When each broker's lists were last loaded."""
        with self._database.reading() as tx:
            return {
                service: tx.instrument_lists.get_loaded_at(service, mode=self._mode)
                for service in Service
            }

    def refresh(
        self, service: Service, *, actor: Actor, accept_losses: bool = False
    ) -> dict[str, int]:
        """Load the broker's lists of the day in place of those held; rows by exchange.

        Raises what `MasterLoad.load` raises, and then nothing has changed.
        """
        counts = self.load(service, actor=actor, accept_losses=accept_losses)
        return {exchange: found["listed"] for exchange, found in counts.items()}

    def load(self, service: Service, *, actor: Actor, accept_losses: bool = False) -> Counts:
        """As `MasterLoad.load`."""
        return self._master_load.load(service, actor=actor, accept_losses=accept_losses)

    def is_loaded_today(self, service: Service) -> bool:
        """Whether the broker's lists of this day (IST) were loaded."""
        with self._database.reading() as tx:
            day = tx.instrument_lists.get_day(service, mode=self._mode)
        return day == today_ist(self._clock)

    def cleanup(self, *, actor: Actor) -> int:
        """Forget contracts that expired longer ago than the configuration says; how many."""
        return self._master_load.cleanup(actor=actor)

    def _download(self, service: Service) -> Listings:
        if service is Service.BREEZE:
            master = self._breeze.security_master()
            return {name: from_security_master(master.scrips(name)) for name in EXCHANGES}
        return {name: self._calling_kite(partial(_listed, self._kite, name)) for name in EXCHANGES}


def _code(underlying: str, share: Instrument | None) -> str | None:
    """ICICI names a contract by its underlying's code, which outlives every contract."""
    index = next((one for one in well_known_indices() if one.name == underlying), None)
    known = index or share
    return known.breeze_code if known else None


def _listed(kite: KiteClient, exchange: str, access: KiteAccess) -> list[Instrument]:
    return list(kite.instruments(access, exchange=exchange))


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
