"""SQL for Instruments: each broker's list, as of the day it was loaded."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby, islice
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, Select, and_, bindparam, delete, func, insert, or_, select

from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument, InstrumentKind, InstrumentRef
from munshi.domain.market.sessions import Segment
from munshi.infrastructure.database.models import instruments
from munshi.settings import BrokerMode

_BATCH = 5_000
_rows = instruments.c
_GET = select(instruments).where(
    _rows.mode == bindparam("of_mode"),
    _rows.exchange == bindparam("of_exchange"),
    _rows.tradingsymbol == bindparam("of_symbol"),
)
_FORGET = delete(instruments).where(
    _rows.mode == bindparam("of_mode"),
    _rows.service_type == bindparam("of_service"),
    _rows.exchange == bindparam("of_exchange"),
)
_INSERT = insert(instruments)
_LOADED_AT = select(func.max(_rows.loaded_at)).where(
    _rows.mode == bindparam("of_mode"), _rows.service_type == bindparam("of_service")
)


class InstrumentRepository:
    """What can be asked for. An instrument both brokers list is one Instrument with both codes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_instrument(self, ref: InstrumentRef, *, mode: BrokerMode) -> Instrument | None:
        found = self._connection.execute(
            _GET,
            {"of_mode": mode, "of_exchange": ref.exchange, "of_symbol": ref.tradingsymbol},
        ).all()
        return _joined(found) if found else None

    def save_instruments(
        self,
        service: Service,
        exchange: str,
        listed: Iterable[Instrument],
        *,
        mode: BrokerMode,
        now: datetime,
    ) -> int:
        """Replace a broker's list of one exchange; how many rows it has now."""
        self._connection.execute(
            _FORGET, {"of_mode": mode, "of_service": service, "of_exchange": exchange}
        )
        count = 0
        waiting = iter(listed)
        while batch := list(islice(waiting, _BATCH)):
            rows = [_row(found, service=service, mode=mode, now=now) for found in batch]
            self._connection.execute(_INSERT, rows)
            count += len(rows)
        return count

    def get_loaded_at(self, service: Service, *, mode: BrokerMode) -> datetime | None:
        """When the broker's list was last loaded."""
        loaded: datetime | None = self._connection.execute(
            _LOADED_AT, {"of_mode": mode, "of_service": service}
        ).scalar()
        return loaded

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
        return [_joined(list(same)) for _, same in by_ref]


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
        .where(_rows.mode == bindparam("of_mode"), *(conditions[name] for name in sorted(given)))
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
        .where(_rows.mode == bindparam("of_mode"))
        .order_by(_rows.exchange, _rows.tradingsymbol)
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _row(found: Instrument, *, service: Service, mode: BrokerMode, now: datetime) -> dict[str, Any]:
    return {
        "instrument_id": uuid4(),
        "mode": mode,
        "service_type": service,
        "exchange": found.exchange,
        "tradingsymbol": found.tradingsymbol,
        "name": found.name,
        "kind": found.kind,
        "segment": found.segment,
        "underlying": found.underlying,
        "expiry": found.expiry,
        "strike": found.strike,
        "lot_size": found.lot_size,
        "tick_size": found.tick_size,
        "token": None if found.kite_token is None else str(found.kite_token),
        "broker_code": found.breeze_code,
        "loaded_at": now,
    }


def _joined(rows: Sequence[Row[Any]]) -> Instrument:
    """Kite's words where both brokers list it, with either's code."""
    first = min(rows, key=lambda row: row.service_type != Service.KITE)
    tokens = [int(row.token) for row in rows if row.token]
    codes = [row.broker_code for row in rows if row.broker_code]
    return Instrument(
        exchange=first.exchange,
        tradingsymbol=first.tradingsymbol,
        name=first.name,
        kind=InstrumentKind(first.kind),
        segment=Segment(first.segment),
        lot_size=first.lot_size,
        tick_size=first.tick_size,
        expiry=first.expiry,
        strike=first.strike,
        underlying=first.underlying,
        kite_token=tokens[0] if tokens else None,
        breeze_code=codes[0] if codes else None,
    )
