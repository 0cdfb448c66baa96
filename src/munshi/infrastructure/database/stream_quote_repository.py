"""SQL for StreamQuotes: one quote of a source's instrument and minute, the first that was seen."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.domain.market.kept_quotes import (
    HeldQuotes,
    KeptQuote,
    QuoteSpan,
    minute_of,
)
from munshi.errors import StreamQuotesConflictError
from munshi.infrastructure.database.models import stream_quotes
from munshi.settings import BrokerMode

_rows = stream_quotes.c
_KEY = ("mode", "exchange", "instrument", "minute", "source")
_SIDES = ("bid", "bid_quantity", "offer", "offer_quantity")
_new = {each.name: bindparam(f"new_{each.name}", type_=each.type) for each in _rows}
# One statement in every dialect; it may still lose to another writer who has not committed yet.
_INSERT = (
    insert(stream_quotes)
    .from_select(
        [each.name for each in _rows],
        select(*_new.values()).where(
            ~exists().where(*(_rows[name] == bindparam(f"new_{name}") for name in _KEY))
        ),
    )
    .execution_options(preserve_rowcount=True)
)
_of_instrument = (
    _rows.mode == bindparam("of_mode"),
    _rows.exchange == bindparam("of_exchange"),
    _rows.instrument == bindparam("of_instrument"),
)
_between = (
    _rows.minute >= bindparam("first_minute"),
    _rows.minute <= bindparam("last"),
    _rows.at >= bindparam("first"),
    _rows.at <= bindparam("last"),
)
_LIST = (
    select(stream_quotes)
    .where(*_of_instrument, *_between)
    .order_by(_rows.minute, _rows.source)
    .limit(bindparam("most"))
)
_COLUMNS = (
    select(_rows.at, *(_rows[name] for name in _SIDES))
    .where(*_of_instrument, *_between, _rows.source == bindparam("of_source"))
    .order_by(_rows.minute)
)
_SOURCES = (
    select(
        _rows.source,
        func.count().label("quotes"),
        func.min(_rows.at).label("first"),
        func.max(_rows.at).label("last"),
    )
    .where(*_of_instrument, *_between)
    .group_by(_rows.source)
    .order_by(_rows.source)
)
# Two looks at the ends of the key's range; both in one query would read all of it.
_ENDS = select(
    select(func.min(_rows.minute)).where(*_of_instrument).scalar_subquery().label("first"),
    select(func.max(_rows.minute)).where(*_of_instrument).scalar_subquery().label("last"),
)
_PRUNE = delete(stream_quotes).where(*_of_instrument, _rows.minute < bindparam("before"))


_series = (_rows.mode, _rows.exchange, _rows.instrument)
_NEXT_SERIES = select(*_series).order_by(*_series).limit(1)


# From one instrument to the next by the key, however many quotes each has.
_NEXT = (
    _NEXT_SERIES.where(*_of_instrument[:2], _rows.instrument > bindparam("of_instrument")),
    _NEXT_SERIES.where(_of_instrument[0], _rows.exchange > bindparam("of_exchange")),
    _NEXT_SERIES.where(_rows.mode > bindparam("of_mode")),
)


class StreamQuoteRepository:
    """Quotes over time. The first of a minute stays; nothing replaces it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save_quotes(self, quotes: Sequence[KeptQuote]) -> int:
        """Store what nothing is held of yet: how many those were.

        Raises StreamQuotesConflictError if another writer stored one of the minutes meanwhile.
        """
        if not quotes:
            return 0
        rows = sorted(map(_row, quotes), key=lambda row: [row[f"new_{name}"] for name in _KEY])
        try:
            stored = self._connection.execute(_INSERT, rows).rowcount
        except IntegrityError:
            raise StreamQuotesConflictError(
                "Another stream stored a quote of the same minute first."
            ) from None
        # Not every driver counts what many rows came to.
        return stored if stored >= 0 else len(quotes)

    def list_quotes(
        self,
        instrument: InstrumentRef,
        *,
        mode: BrokerMode,
        first: datetime,
        last: datetime,
        limit: int,
    ) -> list[KeptQuote]:
        """The quotes of all sources from `first` to `last`, by minute and source."""
        chosen = {**_chosen(instrument, mode, first, last), "most": limit}
        return [_quote(row) for row in self._connection.execute(_LIST, chosen)]

    def list_rows(
        self,
        instrument: InstrumentRef,
        source: str,
        *,
        mode: BrokerMode,
        first: datetime,
        last: datetime,
    ) -> list[tuple[datetime, int, int, int, int]]:
        """When, bid, its quantity, offer, its quantity: a row a quote of one source, in order."""
        chosen = {**_chosen(instrument, mode, first, last), "of_source": source}
        return [tuple(row) for row in self._connection.execute(_COLUMNS, chosen)]

    def list_sources(
        self, instrument: InstrumentRef, *, mode: BrokerMode, first: datetime, last: datetime
    ) -> list[HeldQuotes]:
        """What each source has of an instrument from `first` to `last`, by source."""
        found = self._connection.execute(_SOURCES, _chosen(instrument, mode, first, last))
        return [
            HeldQuotes(
                instrument=str(instrument),
                source=row.source,
                quotes=row.quotes,
                first=row.first,
                last=row.last,
            )
            for row in found
        ]

    def list_spans(self) -> list[QuoteSpan]:
        """From when to when there are quotes of each instrument, in order; counts nothing."""
        return list(self._spans())

    def _spans(self) -> Iterator[QuoteSpan]:
        place = self._after("", "", "")
        while place is not None:
            mode, exchange, name = place
            instrument = InstrumentRef(exchange, name)
            ends = self._connection.execute(_ENDS, _named(instrument, BrokerMode(mode))).one()
            yield QuoteSpan(
                mode=BrokerMode(mode), instrument=instrument, first=ends.first, last=ends.last
            )
            place = self._after(*place)

    def prune(self, instrument: InstrumentRef, *, mode: BrokerMode, before: datetime) -> int:
        """Forget an instrument's quotes of minutes before `before`; how many those were."""
        chosen = {**_named(instrument, mode), "before": before}
        return self._connection.execute(_PRUNE, chosen).rowcount

    def _after(self, mode: str, exchange: str, instrument: str) -> tuple[str, str, str] | None:
        chosen = {"of_mode": mode, "of_exchange": exchange, "of_instrument": instrument}
        for statement in _NEXT:
            row = self._connection.execute(statement, chosen).one_or_none()
            if row is not None:
                return row.mode, row.exchange, row.instrument
        return None


def _named(instrument: InstrumentRef, mode: BrokerMode) -> dict[str, Any]:
    return {
        "of_mode": mode,
        "of_exchange": instrument.exchange,
        "of_instrument": instrument.tradingsymbol,
    }


def _chosen(
    instrument: InstrumentRef, mode: BrokerMode, first: datetime, last: datetime
) -> dict[str, Any]:
    return {
        **_named(instrument, mode),
        "first_minute": minute_of(first),
        "first": first,
        "last": last,
    }


def _row(quote: KeptQuote) -> dict[str, Any]:
    return {
        "new_mode": quote.key.mode,
        "new_exchange": quote.key.exchange,
        "new_instrument": quote.key.instrument,
        "new_minute": minute_of(quote.at),
        "new_source": quote.key.source,
        "new_at": quote.at,
        **{f"new_{name}": getattr(quote, name) for name in _SIDES},
    }


def _quote(row: Row[Any]) -> KeptQuote:
    return KeptQuote(
        key=CandleKey(
            mode=BrokerMode(row.mode),
            source=row.source,
            exchange=row.exchange,
            instrument=row.instrument,
            interval=Interval.ONE_MINUTE,
        ),
        at=row.at,
        **{name: getattr(row, name) for name in _SIDES},
    )
