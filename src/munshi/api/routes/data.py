"""Market data: instruments, what is stored, and candles as JSON or CSV."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.answers import (
    MODE_LABELS,
    JsonAnswer,
    ModeShown,
    Shown,
    price_text,
    utc_text,
)
from munshi.api.instants import Day
from munshi.api.roles import Role, allows
from munshi.bootstrap import Services
from munshi.clock import IST
from munshi.domain.market.instruments import InstrumentKind, InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.domain.market.sessions import Segment
from munshi.market.candles import CandlePage
from munshi.settings import BrokerMode

_PRICES = ("open", "high", "low", "close")
_CSV_COLUMNS = ("opens", "opens_ist", *_PRICES, "volume", "oi", "mode", "label")
_Text = Annotated[str | None, Query(max_length=200)]
_Format = Annotated[Literal["json", "csv"] | None, Query(description="Or by the Accept header.")]


class InstrumentShown(Shown):
    exchange: str
    tradingsymbol: str
    name: str
    kind: InstrumentKind
    segment: Segment
    lot_size: int
    tick_size: Decimal
    expiry: date | None
    strike: Decimal | None
    underlying: str | None
    kite_token: int | None
    breeze_code: str | None


class InstrumentsAnswer(ModeShown):
    instruments: list[InstrumentShown]
    next_cursor: str | None


class SeriesShown(ModeShown):
    source: str
    instrument: str
    interval: Interval
    first_open: datetime
    last_open: datetime
    rows: int
    bytes: int
    files: int
    fetched_at: datetime


class CoverageAnswer(ModeShown):
    series: list[SeriesShown]


class CandleShown(Shown):
    """Prices are rupees, exact, as text."""

    opens: datetime
    open: str
    high: str
    low: str
    close: str
    volume: int
    oi: int | None


class CandlesAnswer(ModeShown):
    instrument: str
    interval: Interval
    source: str
    candles: list[CandleShown]
    next_cursor: str | None


class DataRoutes:
    """Reading only; jobs and imports write."""

    def __init__(self, services: Services) -> None:
        self._services = services
        mode = services.settings.brokers
        self._shown_mode: dict[str, Any] = {"mode": mode, "label": MODE_LABELS[mode]}

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["market data"]}
        router.add_api_route("/data/instruments", self.instruments, **options)
        router.add_api_route("/data/coverage", self.coverage, **options)
        router.add_api_route("/data/candles", self.candles, response_model=CandlesAnswer, **options)

    @allows(Role.VIEWER)
    def instruments(
        self,
        *,
        query: _Text = None,
        exchange: _Text = None,
        kind: InstrumentKind | None = None,
        underlying: _Text = None,
        cursor: Annotated[str | None, Query(max_length=500)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> InstrumentsAnswer:
        """Instruments of the loaded lists, by exchange and symbol."""
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
    def coverage(self, instrument: _Text = None) -> CoverageAnswer:
        """Which candles are stored, of everything or of one instrument."""
        ref = InstrumentRef.parse(instrument) if instrument else None
        series = [
            SeriesShown(
                mode=found.key.mode,
                label=found.label,
                source=found.key.source,
                instrument=f"{found.key.exchange}:{found.key.instrument}",
                interval=found.key.interval,
                first_open=found.first_open,
                last_open=found.last_open,
                rows=found.rows,
                bytes=found.bytes,
                files=found.files,
                fetched_at=found.fetched_at,
            )
            for found in self._services.candles.coverage(ref)
        ]
        return CoverageAnswer(series=series, **self._shown_mode)

    @allows(Role.VIEWER)
    def candles(
        self,
        *,
        request: Request,
        instrument: Annotated[str, Query(min_length=1, max_length=200)],
        interval: Annotated[str, Query(min_length=1, max_length=20)],
        start: Annotated[Day | None, Query(alias="from", description="First day, IST.")] = None,
        end: Annotated[Day | None, Query(alias="to", description="Last day, IST.")] = None,
        source: _Text = None,
        cursor: _Text = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
        format: _Format = None,  # noqa: A002
    ) -> Response:
        """Bars of one series, oldest first. As CSV, `X-Next-Cursor` asks for the next page."""
        page = self._services.candles.page(
            InstrumentRef.parse(instrument),
            Interval.parse(interval),
            start=start,
            end=end,
            source=source,
            cursor=cursor,
            limit=limit,
        )
        if (format or _accepted(request)) == "csv":
            return _as_csv(page)
        return JsonAnswer(
            {
                "mode": page.key.mode,
                "label": page.label,
                "instrument": f"{page.key.exchange}:{page.key.instrument}",
                "interval": page.key.interval,
                "source": page.key.source,
                "candles": [_candle(row) for row in page.frame.iter_rows(named=True)],
                "next_cursor": page.next_cursor,
            }
        )


def _accepted(request: Request) -> str:
    return "csv" if "text/csv" in request.headers.get("accept", "") else "json"


def _candle(row: dict[str, Any]) -> dict[str, object]:
    return {
        "opens": utc_text(row["opens"]),
        **{name: price_text(row[name]) for name in _PRICES},
        "volume": row["volume"],
        "oi": row["oi"],
    }


def _as_csv(page: CandlePage) -> Response:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_COLUMNS)
    writer.writerows(_csv_rows(page))
    headers = {"X-Munshi-Mode": page.key.mode.value}
    if page.next_cursor:
        headers["X-Next-Cursor"] = page.next_cursor
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _csv_rows(page: CandlePage) -> Iterable[list[object]]:
    mode: BrokerMode = page.key.mode
    for row in page.frame.iter_rows(named=True):
        opens: datetime = row["opens"].astimezone(UTC)
        yield [
            utc_text(opens),
            opens.astimezone(IST).strftime("%Y-%m-%d %H:%M:%S"),
            *(price_text(row[name]) for name in _PRICES),
            row["volume"],
            "" if row["oi"] is None else row["oi"],
            mode.value,
            page.label,
        ]
