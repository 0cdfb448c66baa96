"""Kite's instrument dump, quotes and history."""

import csv
import gzip
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from io import StringIO
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from munshi.clock import IST
from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.brokers.simulator.kite_replies import input_refused, success
from munshi.infrastructure.brokers.simulator.kite_session import check_access
from munshi.infrastructure.brokers.simulator.market import Market, Snapshot
from munshi.infrastructure.brokers.simulator.parts import Parts

COLUMNS = (
    "instrument_token", "exchange_token", "tradingsymbol", "name", "last_price", "expiry",
    "strike", "tick_size", "lot_size", "instrument_type", "segment", "exchange",
)  # fmt: skip
# Kite's word for an interval, ours, and the most days one request may span.
INTERVALS = {
    "minute": (Interval.ONE_MINUTE, 60),
    "3minute": (Interval.THREE_MINUTES, 100),
    "5minute": (Interval.FIVE_MINUTES, 100),
    "10minute": (Interval.TEN_MINUTES, 100),
    "15minute": (Interval.FIFTEEN_MINUTES, 200),
    "30minute": (Interval.THIRTY_MINUTES, 200),
    "60minute": (Interval.ONE_HOUR, 400),
    "day": (Interval.ONE_DAY, 2000),
}
QUOTE_CAPS = {"/quote": 500, "/quote/ohlc": 1000, "/quote/ltp": 1000}
STAMP = "%Y-%m-%d %H:%M:%S"
DATE_LENGTH = len("2026-11-20")


class KiteMarket:
    """Prices as numbers, times in IST, keys without data left out."""

    def __init__(self, parts: Parts, market: Market) -> None:
        self._parts = parts
        self._market = market

    def routes(self) -> list[Route]:
        return [
            Route("/instruments", self.instruments, methods=["GET"]),
            Route("/instruments/{exchange}", self.instruments, methods=["GET"]),
            Route("/instruments/historical/{token}/{interval}", self.history, methods=["GET"]),
            *(Route(path, self.quote, methods=["GET"]) for path in QUOTE_CAPS),
        ]

    async def instruments(self, request: Request) -> Response:
        check_access(request, self._parts)
        exchange = request.path_params.get("exchange")
        dump = await run_in_threadpool(self._dump, exchange)
        headers = {}
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            dump, headers = gzip.compress(dump, compresslevel=1), {"Content-Encoding": "gzip"}
        return Response(dump, media_type="text/csv", headers=headers)

    async def quote(self, request: Request) -> JSONResponse:
        check_access(request, self._parts)
        asked = request.query_params.getlist("i")
        most = QUOTE_CAPS[request.url.path]
        if not asked:
            raise input_refused("Missing or empty field `i`.")
        if len(asked) > most:
            raise input_refused(f"Maximum {most} instruments are allowed.")
        return success(await run_in_threadpool(self._quotes, asked, request.url.path))

    async def history(self, request: Request) -> JSONResponse:
        check_access(request, self._parts)
        if request.path_params["interval"] not in INTERVALS:
            raise input_refused("invalid interval")
        interval, most = INTERVALS[request.path_params["interval"]]
        token = request.path_params["token"]
        listed = await run_in_threadpool(self._market.listing)
        instrument = listed.by_token.get(int(token) if token.isdecimal() else 0)
        if instrument is None:
            raise input_refused("invalid token")
        start, end = _window(request)
        if end - start > timedelta(days=most):
            raise input_refused(f"interval exceeds max limit: {most} days")
        if request.query_params.get("continuous") == "1" and not interval.is_daily:
            raise input_refused("invalid interval for continuous data")
        bars = await run_in_threadpool(
            self._market.bars, instrument, interval, start=start, end=end
        )
        with_oi = request.query_params.get("oi") == "1"
        return success({"candles": [_candle(bar, with_oi=with_oi) for bar in bars]})

    def _dump(self, exchange: str | None) -> bytes:
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(
            _row(instrument)
            for instrument in self._market.listing().instruments
            if exchange is None or instrument.exchange == exchange
        )
        return text.getvalue().encode()

    def _quotes(self, asked: Sequence[str], path: str) -> dict[str, Any]:
        listing = self._market.listing()
        found: dict[str, Any] = {}
        for key in asked:
            instrument = (
                listing.by_token.get(int(key)) if key.isdecimal() else listing.by_symbol.get(key)
            )
            snapshot = self._market.snapshot(instrument) if instrument else None
            if instrument is not None and snapshot is not None:
                found[key] = self._quote(instrument, snapshot, path)
        return found

    def _quote(self, instrument: Instrument, snapshot: Snapshot, path: str) -> dict[str, Any]:
        last, before = snapshot.last.close, snapshot.previous_close
        found: dict[str, Any] = {
            "instrument_token": instrument.kite_token,
            "last_price": _rupees(last),
        }
        if path == "/quote/ltp":
            return found
        found["ohlc"] = {
            "open": _rupees(snapshot.day.open),
            "high": _rupees(snapshot.day.high),
            "low": _rupees(snapshot.day.low),
            "close": _rupees(before),
        }
        if path == "/quote/ohlc":
            return found
        now = self._parts.state.now().astimezone(IST)
        found |= {"timestamp": now.strftime(STAMP), "net_change": _rupees(last - before)}
        if instrument.kind is InstrumentKind.INDEX:
            return found
        return found | _trading(instrument, snapshot)


def _trading(instrument: Instrument, snapshot: Snapshot) -> dict[str, Any]:
    """The part of a quote an index lacks."""
    last, size = snapshot.last.close, instrument.lot_size
    day = snapshot.day
    return {
        "last_trade_time": snapshot.last.opens.astimezone(IST).strftime(STAMP),
        "last_quantity": size,
        "average_price": _rupees((day.high + day.low + 2 * day.close) // 4),
        "volume": day.volume,
        "buy_quantity": size * 500,
        "sell_quantity": size * 520,
        "oi": snapshot.last.oi or 0,
        "oi_day_high": snapshot.oi_high,
        "oi_day_low": snapshot.oi_low,
        "lower_circuit_limit": _rupees(max(snapshot.previous_close * 9 // 10, 500)),
        "upper_circuit_limit": _rupees(snapshot.previous_close * 11 // 10),
        "depth": {
            side: [
                {
                    "price": _rupees(max(last + sign * 500 * level, 500)),
                    "quantity": size * (6 - level),
                    "orders": level,
                }
                for level in range(1, 6)
            ]
            for side, sign in (("buy", -1), ("sell", 1))
        },
    }


def _row(instrument: Instrument) -> tuple[object, ...]:
    is_index = instrument.kind is InstrumentKind.INDEX
    suffix = "FUT" if instrument.kind is InstrumentKind.FUTURE else "OPT"
    segment = f"NFO-{suffix}" if instrument.kind.is_derivative else instrument.exchange
    return (
        instrument.kite_token,
        (instrument.kite_token or 0) // 256,
        instrument.tradingsymbol,
        instrument.tradingsymbol if is_index else instrument.name,
        0,
        instrument.expiry or "",
        0 if instrument.strike is None else f"{instrument.strike:f}",
        instrument.tick_size,
        instrument.lot_size,
        "EQ" if is_index else instrument.kind.value,
        "INDICES" if is_index else segment,
        instrument.exchange,
    )


def _candle(bar: Candle, *, with_oi: bool) -> list[object]:
    prices = (_rupees(bar.open), _rupees(bar.high), _rupees(bar.low), _rupees(bar.close))
    stamp = bar.opens.astimezone(IST).strftime("%Y-%m-%dT%H:%M:%S%z")
    return [stamp, *prices, bar.volume, *([bar.oi or 0] if with_oi else [])]


def _window(request: Request) -> tuple[datetime, datetime]:
    """Both ends included; a bare date in `to` means the whole day."""
    start = _instant(request, "from", bare=time())
    end = _instant(request, "to", bare=time(23, 59, 59))
    if end < start:
        raise input_refused("from date cannot be after to date")
    return start, end


def _instant(request: Request, name: str, *, bare: time) -> datetime:
    text = request.query_params.get(name, "")
    try:
        wall = datetime.strptime(text, STAMP if len(text) > DATE_LENGTH else "%Y-%m-%d")  # noqa: DTZ007
    except ValueError:
        raise input_refused(f"invalid {name} date") from None
    if len(text) == DATE_LENGTH:
        wall = datetime.combine(wall.date(), bare)
    return wall.replace(tzinfo=IST).astimezone(UTC)


def _rupees(price: int) -> float:
    return price / PRICE_SCALE
