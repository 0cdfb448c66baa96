"""SQL for the history in Instruments: as of a day, and what a new list changes."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Connection,
    Select,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from munshi.domain.enums import Service
from munshi.domain.market.instruments import InstrumentKind, InstrumentRef
from munshi.domain.market.listing_history import Difference
from munshi.domain.market.listings import Listing, Unmapped
from munshi.infrastructure.database.listing_rows import plain, to_listing, to_row
from munshi.infrastructure.database.models import instruments
from munshi.settings import BrokerMode

_BATCH = 5_000
_rows = instruments.c
_OF_MODE = _rows.mode == bindparam("of_mode")
_HOLDS = (_rows.first_day <= bindparam("of_day"), _rows.last_day >= bindparam("of_day"))
_CURRENT = select(instruments).where(
    _OF_MODE, _rows.service_type == bindparam("of_service"), _rows.last_seen.is_(None)
)
_ENDED_SINCE = select(instruments).where(
    _OF_MODE,
    _rows.service_type == bindparam("of_service"),
    _rows.last_seen >= bindparam("since"),
)
_OF_SYMBOL = select(instruments).where(
    _OF_MODE,
    _rows.exchange == bindparam("of_exchange"),
    _rows.tradingsymbol == bindparam("of_symbol"),
)
_OF_TOKEN = select(instruments).where(
    _OF_MODE, _rows.token == bindparam("of_token"), _rows.service_type == bindparam("of_service")
)
_OF_LINEAGE = select(instruments).where(
    _rows.lineage_id.in_(
        select(_rows.lineage_id).where(
            _OF_MODE,
            _rows.exchange == bindparam("of_exchange"),
            _rows.tradingsymbol == bindparam("of_symbol"),
        )
    )
)
_EXPIRIES = (
    select(_rows.expiry, func.min(_rows.first_day), func.max(_rows.last_day))
    .where(
        _OF_MODE,
        _rows.underlying == bindparam("of_underlying"),
        _rows.expiry >= bindparam("since"),
        or_(*(_rows.kind == kind for kind in InstrumentKind if kind.is_option)),
    )
    .group_by(_rows.expiry)
    .order_by(_rows.expiry)
)
# A statement that fails takes its whole transaction with it. SQLite, told so, keeps no way back for
# each of a hundred thousand statements, which is two fifths of what they cost beside a trigger.
_INSERT = insert(instruments).prefix_with("OR FAIL", dialect="sqlite")
_SET_DAYS = (
    update(instruments)
    .prefix_with("OR FAIL", dialect="sqlite")
    .where(_rows.instrument_id == bindparam("of_id"))
    .values(last_day=bindparam("new_last_day"), last_seen=bindparam("new_last_seen"))
)
_SET_UNMAPPED = (
    update(instruments)
    .prefix_with("OR FAIL", dialect="sqlite")
    .where(_rows.instrument_id == bindparam("of_id"))
    .values(unmapped=bindparam("new_unmapped"))
)
_DELETE = delete(instruments).where(_rows.instrument_id == bindparam("of_id"))
_DATED = or_(*(_rows.kind == kind for kind in InstrumentKind if kind.is_derivative))
# Only contracts, and only those that expired: what a share was called is never forgotten.
_CLEANUP = delete(instruments).where(
    _rows.last_seen < bindparam("before"), _rows.last_day < bindparam("before"), _DATED
)


class ListingRepository:
    """Listings with their days. None commits; days are those of the exchange, IST."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_current(self, service: Service, *, mode: BrokerMode) -> list[Listing]:
        """What the broker's newest lists name."""
        return self._list(_CURRENT, of_mode=mode, of_service=service)

    def list_ended(self, service: Service, *, since: date, mode: BrokerMode) -> list[Listing]:
        """What was last seen on `since` or later and is in the newest lists no more."""
        return self._list(_ENDED_SINCE, of_mode=mode, of_service=service, since=since)

    def list_of_symbol(self, ref: InstrumentRef, *, mode: BrokerMode) -> list[Listing]:
        """Every listing under that symbol, whatever it named."""
        return self._list(
            _OF_SYMBOL, of_mode=mode, of_exchange=ref.exchange, of_symbol=ref.tradingsymbol
        )

    def list_of_lineage(self, ref: InstrumentRef, *, mode: BrokerMode) -> list[Listing]:
        """Those of the instruments that ever had that symbol, under their other names too."""
        return self._list(
            _OF_LINEAGE, of_mode=mode, of_exchange=ref.exchange, of_symbol=ref.tradingsymbol
        )

    def list_of_token(self, service: Service, token: str, *, mode: BrokerMode) -> list[Listing]:
        """Every listing that ever had the broker's token."""
        return self._list(_OF_TOKEN, of_mode=mode, of_service=service, of_token=token)

    def list_contracts(
        self,
        underlying: str,
        *,
        day: date | None = None,
        expiry: date | None = None,
        strike: Decimal | None = None,
        kind: InstrumentKind | None = None,
        mode: BrokerMode,
    ) -> list[Listing]:
        """Contracts of both brokers, of those terms that are given, as listed on `day` if given."""
        given = {
            "of_day": day,
            "of_expiry": expiry,
            "of_strike": None if strike is None else plain(strike),
            "of_kind": kind,
        }
        given = {name: value for name, value in given.items() if value is not None}
        statement = _contracts(frozenset(given))
        return self._list(statement, of_mode=mode, of_underlying=underlying, **given)

    def list_expiries(
        self, underlying: str, *, since: date, mode: BrokerMode
    ) -> list[tuple[date, date, date]]:
        """Expiries of options on `since` or later, each with the first and last day listed."""
        given = {"of_mode": mode, "of_underlying": underlying, "since": since}
        found = self._connection.execute(_EXPIRIES, given)
        return [(expiry, first, last) for expiry, first, last in found]

    def list_unmapped(
        self,
        *,
        mode: BrokerMode,
        service: Service | None = None,
        exchange: str | None = None,
        why: Unmapped | None = None,
        after: tuple[str, str, str] | None = None,
        limit: int,
    ) -> list[Listing]:
        """Current listings without a counterpart, by exchange, symbol and broker."""
        given: dict[str, Any] = {"of_service": service, "of_exchange": exchange, "of_why": why}
        given = {name: value for name, value in given.items() if value is not None}
        statement = _unmapped(frozenset(given), after=after is not None)
        if after is not None:
            names = ("after_exchange", "after_symbol", "after_service")
            given |= dict(zip(names, after, strict=True))
        return self._list(statement, of_mode=mode, most=limit, **given)

    def save(self, difference: Difference, *, mode: BrokerMode, now: datetime) -> None:
        """Write what a list changed, and nothing else."""
        self._each(_DELETE, ({"of_id": key} for key in difference.never))
        self._each(
            _SET_DAYS,
            (
                {
                    "of_id": one.listing_id,
                    "new_last_day": one.last_day,
                    "new_last_seen": one.last_seen,
                }
                for one in (*difference.ended, *difference.resumed)
            ),
        )
        self._each(_INSERT, (to_row(one, mode=mode, now=now) for one in difference.begun))

    def save_unmapped(self, reasons: Mapping[UUID, Unmapped | None]) -> None:
        """Say of listings that are stored why they have no counterpart."""
        rows = ({"of_id": key, "new_unmapped": why} for key, why in reasons.items())
        self._each(_SET_UNMAPPED, rows)

    def cleanup_contracts(self, before: date) -> int:
        """Forget contracts that expired, and were last seen, before a day."""
        return self._connection.execute(_CLEANUP, {"before": before}).rowcount

    def _list(self, statement: Select[Any], **given: object) -> list[Listing]:
        return [to_listing(row) for row in self._connection.execute(statement, given)]

    def _each(self, statement: Any, rows: Iterable[dict[str, Any]]) -> None:  # noqa: ANN401
        for batch in _batches(rows):
            self._connection.execute(statement, batch)


@lru_cache
def _contracts(given: frozenset[str]) -> Select[Any]:
    conditions = {
        "of_expiry": _rows.expiry == bindparam("of_expiry"),
        "of_strike": _rows.strike == bindparam("of_strike"),
        "of_kind": _rows.kind == bindparam("of_kind"),
    }
    chosen = [condition for name, condition in conditions.items() if name in given]
    if "of_day" in given:
        chosen += _HOLDS
        # Lets the index on expiry leave out what had expired by then.
        chosen.append(_rows.expiry >= bindparam("of_day"))
    return select(instruments).where(
        _OF_MODE, _rows.underlying == bindparam("of_underlying"), *chosen
    )


@lru_cache
def _unmapped(given: frozenset[str], *, after: bool) -> Select[Any]:
    conditions = {
        "of_service": _rows.service_type == bindparam("of_service"),
        "of_exchange": _rows.exchange == bindparam("of_exchange"),
        "of_why": _rows.unmapped == bindparam("of_why"),
    }
    place = (_rows.exchange, _rows.tradingsymbol, _rows.service_type)
    chosen = [condition for name, condition in conditions.items() if name in given]
    if after:
        exchange: BindParameter[str] = bindparam("after_exchange")
        symbol: BindParameter[str] = bindparam("after_symbol")
        service: BindParameter[str] = bindparam("after_service")
        same = _rows.exchange == exchange
        chosen.append(
            or_(
                _rows.exchange > exchange,
                same & (_rows.tradingsymbol > symbol),
                same & (_rows.tradingsymbol == symbol) & (_rows.service_type > service),
            )
        )
    return (
        select(instruments)
        .where(_OF_MODE, _rows.unmapped.is_not(None), _rows.last_seen.is_(None), *chosen)
        .order_by(*place)
        .limit(bindparam("most"))
    )


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, _BATCH)):
        yield batch
