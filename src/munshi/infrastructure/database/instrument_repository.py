"""SQL for Instruments: the newest lists, where a row of each broker is one instrument."""

from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, or_, select

from munshi.domain.market.instruments import Instrument, InstrumentKind, InstrumentRef
from munshi.infrastructure.database.listing_repository import ListingRepository
from munshi.infrastructure.database.listing_rows import joined, latest_on, to_listings
from munshi.infrastructure.database.models import instruments
from munshi.settings import BrokerMode

_rows = instruments.c
_IS_CURRENT = _rows.last_seen.is_(None)


class InstrumentRepository:
    """What can be asked for. An instrument both brokers list is one Instrument with both codes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._listings = ListingRepository(connection)

    def get_instrument(
        self, ref: InstrumentRef, *, mode: BrokerMode, day: date | None = None
    ) -> Instrument | None:
        """As it was listed on `day`, else as it is, else as it was last."""
        found = latest_on(self._listings.list_of_symbol(ref, mode=mode), day)
        return joined(found) if found else None

    def list_instruments(
        self,
        *,
        mode: BrokerMode,
        exchange: str | None = None,
        kind: InstrumentKind | None = None,
        underlying: str | None = None,
        text: str | None = None,
        after: InstrumentRef | None = None,
        limit: int,
    ) -> list[Instrument]:
        """By exchange and symbol, from behind `after`; `text` is any part of the symbol."""
        given: dict[str, Any] = {
            "of_exchange": exchange,
            "of_kind": kind,
            "of_underlying": underlying,
            "of_text": None if text is None else f"%{_escaped(text.upper())}%",
        }
        given = {name: value for name, value in given.items() if value is not None}
        statement = _listing(frozenset(given), after=after is not None)
        chosen = {**given, "of_mode": mode, "most": limit}
        if after is not None:
            chosen |= {"after_exchange": after.exchange, "after_symbol": after.tradingsymbol}
        rows = self._connection.execute(statement, chosen)
        by_ref = groupby(rows, key=lambda row: (row.exchange, row.tradingsymbol))
        return [joined(to_listings(list(same))) for _, same in by_ref]


@lru_cache
def _listing(given: frozenset[str], *, after: bool) -> Select[Any]:
    conditions = {
        "of_exchange": _rows.exchange == bindparam("of_exchange"),
        "of_kind": _rows.kind == bindparam("of_kind"),
        "of_underlying": _rows.underlying == bindparam("of_underlying"),
        "of_text": _rows.tradingsymbol.like(bindparam("of_text"), escape="\\"),
    }
    refs = (
        select(_rows.exchange, _rows.tradingsymbol)
        .distinct()
        .where(
            _rows.mode == bindparam("of_mode"),
            _IS_CURRENT,
            *(conditions[name] for name in sorted(given)),
        )
        .order_by(_rows.exchange, _rows.tradingsymbol)
        .limit(bindparam("most"))
    )
    if after:
        same_exchange = _rows.exchange == bindparam("after_exchange")
        refs = refs.where(
            or_(
                _rows.exchange > bindparam("after_exchange"),
                and_(same_exchange, _rows.tradingsymbol > bindparam("after_symbol")),
            )
        )
    page = refs.subquery()
    return (
        select(instruments)
        .join(
            page,
            and_(_rows.exchange == page.c.exchange, _rows.tradingsymbol == page.c.tradingsymbol),
        )
        .where(_rows.mode == bindparam("of_mode"), _IS_CURRENT)
        .order_by(_rows.exchange, _rows.tradingsymbol)
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
