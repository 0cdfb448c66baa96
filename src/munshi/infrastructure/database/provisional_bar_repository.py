"""SQL for ProvisionalBars: what a stream showed of a minute, until history has it."""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval
from munshi.domain.market.provisional_bars import KeptBar
from munshi.errors import ProvisionalBarsConflictError
from munshi.infrastructure.database.models import provisional_bars
from munshi.settings import BrokerMode

_rows = provisional_bars.c
_PRICES = ("open", "high", "low", "close", "volume", "oi")
_series = (
    _rows.mode == bindparam("of_mode"),
    _rows.source == bindparam("of_source"),
    _rows.exchange == bindparam("of_exchange"),
    _rows.instrument == bindparam("of_instrument"),
)
_between = (_rows.opens >= bindparam("first"), _rows.opens <= bindparam("last"))
_HELD = select(_rows.bar_id, _rows.exchange, _rows.instrument, _rows.opens, _rows.is_whole).where(
    _rows.mode == bindparam("of_mode"), _rows.source == bindparam("of_source"), *_between
)
_OF_SERIES = select(provisional_bars).where(*_series, *_between).order_by(_rows.opens)
_OF_INSTRUMENT = (
    select(provisional_bars)
    .where(
        _rows.mode == bindparam("of_mode"),
        _rows.exchange == bindparam("of_exchange"),
        _rows.instrument == bindparam("of_instrument"),
        *_between,
    )
    .order_by(_rows.opens, _rows.source)
    .limit(bindparam("most"))
)
_INSERT = insert(provisional_bars)
_UPDATE = (
    update(provisional_bars)
    .where(_rows.bar_id == bindparam("row"))
    .values({name: bindparam(f"new_{name}") for name in (*_PRICES, "is_whole", "stored_at")})
)
_DELETE = delete(provisional_bars).where(_rows.bar_id == bindparam("row"))
_PRUNE = delete(provisional_bars).where(_rows.opens < bindparam("before"))


class ProvisionalBarRepository:
    """Bars of one minute. Nothing that reads candles reads these."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save_bars(self, bars: Sequence[KeptBar], *, now: datetime) -> None:
        """Store bars of one source, or put them in place of what is held of their minutes.

        A bar that is not whole never replaces one that is. Raises ProvisionalBarsConflictError if
        another writer stored one of the minutes first.
        """
        if not bars:
            return
        held = self._held(bars)
        new, better = [], []
        for bar in bars:
            known = held.get((bar.key.exchange, bar.key.instrument, bar.candle.opens))
            if known is None:
                new.append(_row(bar, now=now))
            elif bar.is_whole or not known[1]:
                better.append({"row": known[0], **_changed(bar, now=now)})
        if better:
            self._connection.execute(_UPDATE, better)
        try:
            if new:
                self._connection.execute(_INSERT, new)
        except IntegrityError:
            raise ProvisionalBarsConflictError(
                "Another stream stored a bar of the same minute first."
            ) from None

    def list_bars(
        self,
        exchange: str,
        instrument: str,
        *,
        mode: BrokerMode,
        first: datetime,
        last: datetime,
        limit: int,
    ) -> list[KeptBar]:
        """The bars of an instrument from all sources that open from `first` to `last`, in order."""
        chosen = {
            "of_mode": mode,
            "of_exchange": exchange,
            "of_instrument": instrument,
            "first": first,
            "last": last,
            "most": limit,
        }
        return [_bar(row) for row in self._connection.execute(_OF_INSTRUMENT, chosen)]

    def list_confirmed(
        self, key: CandleKey, confirmed: Container[datetime], *, first: datetime, last: datetime
    ) -> list[KeptBar]:
        """The bars of a series that are held although history has their minutes.

        `confirmed` are history's, the first and the last among them.
        """
        return [_bar(row) for row in self._confirmed(key, confirmed, first=first, last=last)]

    def confirm(
        self, key: CandleKey, confirmed: Container[datetime], *, first: datetime, last: datetime
    ) -> list[KeptBar]:
        """Forget what `list_confirmed` lists, and list it."""
        rows = self._confirmed(key, confirmed, first=first, last=last)
        if rows:
            self._connection.execute(_DELETE, [{"row": row.bar_id} for row in rows])
        return [_bar(row) for row in rows]

    def prune(self, *, before: datetime) -> int:
        """Forget what history never confirmed; how many bars that were."""
        return self._connection.execute(_PRUNE, {"before": before}).rowcount

    def _confirmed(
        self, key: CandleKey, confirmed: Container[datetime], *, first: datetime, last: datetime
    ) -> list[Row[Any]]:
        if key.interval is not Interval.ONE_MINUTE:
            return []
        chosen = {
            "of_mode": key.mode,
            "of_source": key.source,
            "of_exchange": key.exchange,
            "of_instrument": key.instrument,
            "first": first,
            "last": last,
        }
        found = self._connection.execute(_OF_SERIES, chosen)
        return [row for row in found if row.opens in confirmed]

    def _held(
        self, bars: Iterable[KeptBar]
    ) -> Mapping[tuple[str, str, datetime], tuple[UUID, bool]]:
        stamps = [bar.candle.opens for bar in bars]
        [key] = {(bar.key.mode, bar.key.source) for bar in bars}
        chosen = {
            "of_mode": key[0],
            "of_source": key[1],
            "first": min(stamps),
            "last": max(stamps),
        }
        return {
            (row.exchange, row.instrument, row.opens): (row.bar_id, row.is_whole)
            for row in self._connection.execute(_HELD, chosen)
        }


def _row(bar: KeptBar, *, now: datetime) -> dict[str, Any]:
    return {
        "bar_id": uuid4(),
        "mode": bar.key.mode,
        "source": bar.key.source,
        "exchange": bar.key.exchange,
        "instrument": bar.key.instrument,
        "opens": bar.candle.opens,
        **{name: getattr(bar.candle, name) for name in _PRICES},
        "is_whole": bar.is_whole,
        "stored_at": now,
    }


def _changed(bar: KeptBar, *, now: datetime) -> dict[str, Any]:
    found = {f"new_{name}": getattr(bar.candle, name) for name in _PRICES}
    return {**found, "new_is_whole": bar.is_whole, "new_stored_at": now}


def _bar(row: Row[Any]) -> KeptBar:
    return KeptBar(
        key=CandleKey(
            mode=BrokerMode(row.mode),
            source=row.source,
            exchange=row.exchange,
            instrument=row.instrument,
            interval=Interval.ONE_MINUTE,
        ),
        candle=Candle(opens=row.opens, **{name: getattr(row, name) for name in _PRICES}),
        is_whole=row.is_whole,
        stored_at=row.stored_at,
    )
