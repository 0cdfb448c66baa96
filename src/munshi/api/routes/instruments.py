"""Instruments: as they are listed, as they were on a day, and what has no counterpart."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from munshi.api.answers import MODE_LABELS, ModeShown
from munshi.api.instants import Day
from munshi.api.roles import Role, allows
from munshi.api.routes.data import InstrumentsAnswer, InstrumentShown
from munshi.bootstrap import Services
from munshi.clock import today_ist
from munshi.domain.enums import Service
from munshi.domain.market.instruments import InstrumentKind, InstrumentRef
from munshi.domain.market.listings import OPEN_END, Listing, Unmapped

_Text = Annotated[str | None, Query(max_length=200)]
_Name = Annotated[str, Query(min_length=1, max_length=200)]
_Limit = Annotated[int, Query(ge=1, le=1000)]
_Broker = Annotated[
    Service | None, Query(description="With it, `instrument` is a token of this broker's.")
]
_On = Annotated[Day | None, Query(description="As of this day, IST.")]


class OneAnswer(ModeShown):
    on: date | None
    instrument: InstrumentShown


class ContractsAnswer(ModeShown):
    """`known_since` has the day of each broker's first list: of days before nothing is known."""

    on: date
    known_since: dict[Service, date | None]
    contracts: list[InstrumentShown]


class ListingShown(InstrumentShown):
    """What one broker said, unchanged, from `first_day` to `last_day`, which may be open."""

    broker: Service
    breeze_token: str | None
    lineage_id: UUID
    first_day: date
    last_day: date | None
    last_seen: date | None
    change: str
    unmapped: Unmapped | None


class HistoryAnswer(ModeShown):
    listings: list[ListingShown]


class UnmappedAnswer(ModeShown):
    unmapped: list[ListingShown]
    next_cursor: str | None


class InstrumentRoutes:
    """Reading only; the job `instrument_load` writes."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._history = services.instrument_history
        mode = services.settings.brokers
        self._shown_mode: dict[str, Any] = {"mode": mode, "label": MODE_LABELS[mode]}

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["instruments"]}
        router.add_api_route("/instruments", self.list_instruments, **options)
        router.add_api_route("/instruments/show", self.show, **options)
        router.add_api_route("/instruments/history", self.history, **options)
        router.add_api_route("/instruments/unmapped", self.unmapped, **options)
        router.add_api_route("/instruments/contracts", self.contracts, **options)

    @allows(Role.VIEWER)
    def list_instruments(
        self,
        *,
        query: _Text = None,
        exchange: _Text = None,
        kind: InstrumentKind | None = None,
        underlying: _Text = None,
        cursor: Annotated[str | None, Query(max_length=500)] = None,
        limit: _Limit = 100,
    ) -> InstrumentsAnswer:
        """Instruments of the newest lists of both brokers, by exchange and symbol."""
        page = self._services.instruments.list(
            query=query,
            exchange=exchange.upper() if exchange else None,
            kind=kind,
            underlying=underlying.upper() if underlying else None,
            cursor=cursor,
            limit=limit,
        )
        return InstrumentsAnswer(
            instruments=[InstrumentShown.model_validate(each) for each in page.instruments],
            next_cursor=page.next_cursor,
            **self._shown_mode,
        )

    @allows(Role.VIEWER)
    def show(
        self,
        *,
        instrument: _Name,
        on: _On = None,
        broker: _Broker = None,
        exchange: _Text = None,
    ) -> OneAnswer:
        """One instrument with both brokers' codes, as of a day or as it is listed now."""
        if broker is not None:
            day = on or today_ist(self._services.clock)
            found = self._history.of_token(
                broker, instrument, day=day, exchange=exchange.upper() if exchange else None
            ).instrument
        elif on is None:
            found = self._services.instruments.find(instrument)
        else:
            found = self._history.of_symbol(InstrumentRef.parse(instrument), day=on)
        shown = InstrumentShown.model_validate(found)
        return OneAnswer(on=on, instrument=shown, **self._shown_mode)

    @allows(Role.VIEWER)
    def history(self, *, instrument: _Name, broker: _Broker = None) -> HistoryAnswer:
        """From which day to which it was listed so, under all its names; newest first."""
        if broker is None:
            found = self._history.history(InstrumentRef.parse(instrument))
        else:
            found = self._history.history_of_token(broker, instrument)
        return HistoryAnswer(listings=[_shown(one) for one in found], **self._shown_mode)

    @allows(Role.VIEWER)
    def unmapped(
        self,
        *,
        broker: Service | None = None,
        exchange: _Text = None,
        why: Unmapped | None = None,
        cursor: Annotated[str | None, Query(max_length=500)] = None,
        limit: _Limit = 100,
    ) -> UnmappedAnswer:
        """What one broker lists and the other does not, or not without doubt; and why."""
        page = self._history.unmapped(
            service=broker,
            exchange=exchange.upper() if exchange else None,
            why=why,
            cursor=cursor,
            limit=limit,
        )
        return UnmappedAnswer(
            unmapped=[_shown(one) for one in page.listings],
            next_cursor=page.next_cursor,
            **self._shown_mode,
        )

    @allows(Role.VIEWER)
    def contracts(
        self,
        *,
        underlying: _Name,
        on: _On = None,
        expiry: Day | None = None,
        kind: InstrumentKind | None = None,
    ) -> ContractsAnswer:
        """The contracts on an underlying that were listed on a day, with both brokers' codes."""
        day = on or today_ist(self._services.clock)
        found = self._history.contracts_on(
            day, underlying, expiry=expiry, kinds=() if kind is None else (kind,)
        )
        return ContractsAnswer(
            on=day,
            known_since={service: self._history.known_since(service) for service in Service},
            contracts=[InstrumentShown.model_validate(one) for one in found],
            **self._shown_mode,
        )


def _shown(one: Listing) -> ListingShown:
    terms = InstrumentShown.model_validate(one.instrument)
    return ListingShown(
        **terms.model_dump(),
        broker=one.service,
        breeze_token=one.instrument.breeze_token,
        lineage_id=one.lineage_id,
        first_day=one.first_day,
        last_day=None if one.last_day == OPEN_END else one.last_day,
        last_seen=one.last_seen,
        change=one.change,
        unmapped=one.unmapped,
    )
