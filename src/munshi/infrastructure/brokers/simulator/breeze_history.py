"""Breeze history: version 1 in strings, version 2 in numbers and cut to 1,000 rows."""

from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from munshi.clock import IST
from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.brokers.simulator.breeze_contracts import instrument_asked
from munshi.infrastructure.brokers.simulator.breeze_replies import (
    NO_DATA,
    UNKNOWN_KEY,
    BreezeRefusedError,
    success,
)
from munshi.infrastructure.brokers.simulator.breeze_session import BreezeAccess
from munshi.infrastructure.brokers.simulator.market import Market
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER

MAX_ROWS = 1000
V1_INTERVALS = {
    "minute": Interval.ONE_MINUTE,
    "5minute": Interval.FIVE_MINUTES,
    "30minute": Interval.THIRTY_MINUTES,
    "day": Interval.ONE_DAY,
}
V2_INTERVALS = {
    "1minute": Interval.ONE_MINUTE,
    "5minute": Interval.FIVE_MINUTES,
    "30minute": Interval.THIRTY_MINUTES,
    "1day": Interval.ONE_DAY,
}
PRODUCT_WORDS = {
    InstrumentKind.FUTURE: "Futures",
    InstrumentKind.CALL: "Options",
    InstrumentKind.PUT: "Options",
}
RIGHT_WORDS = {
    InstrumentKind.FUTURE: "Others",
    InstrumentKind.CALL: "Call",
    InstrumentKind.PUT: "Put",
}


class BreezeHistory:
    """Request clock times are IST whatever their Z says; stamps are the bars' opening times."""

    def __init__(self, access: BreezeAccess, market: Market) -> None:
        self._access = access
        self._market = market

    def routes(self) -> list[Route]:
        return [
            Route("/breezeapi/api/v1/historicalcharts", self.version_one, methods=["GET"]),
            Route("/api/v2/historicalcharts", self.version_two, methods=["GET"]),
        ]

    async def version_one(self, request: Request) -> JSONResponse:
        """The samples show no row at `from_date` itself, unlike version 2."""
        asked = await self._access.signed_body(request)
        instrument = instrument_asked(asked, self._market)
        interval = _interval(asked, V1_INTERVALS)
        bars = await self._bars(instrument, interval, asked)
        start = _wall(asked, "from_date")
        rows = [
            _row_v1(instrument, bar)
            for bar in bars
            if instrument and (interval.is_daily or bar.opens > start)
        ]
        return _answer(rows)

    async def version_two(self, request: Request) -> JSONResponse:
        """No checksum: an `apikey` header and the session. Too long a range loses its oldest rows.

        A parameter spelled `exchange_code` is not read.
        """
        if request.headers.get("apikey") != BREEZE_USER.app_key:
            raise BreezeRefusedError(500, UNKNOWN_KEY)
        self._access.check_session(request.headers.get("X-SessionToken", ""))
        asked = dict(request.query_params)
        instrument = instrument_asked(asked, self._market, exchange_key="exch_code")
        if asked.get("interval") == "1second":
            return _answer([])
        bars = await self._bars(instrument, _interval(asked, V2_INTERVALS), asked)
        exchange = asked["exch_code"].upper()
        rows = [_row_v2(instrument, bar, exchange) for bar in bars if instrument]
        return _answer(rows[-MAX_ROWS:])

    async def _bars(
        self, instrument: Instrument | None, interval: Interval, asked: Mapping[str, object]
    ) -> list[Candle]:
        start, end = _wall(asked, "from_date"), _wall(asked, "to_date")
        if instrument is None or end < start:
            return []
        return await run_in_threadpool(
            self._market.bars, instrument, interval, start=start, end=end
        )


def _answer(rows: list[dict[str, object]]) -> JSONResponse:
    if rows:
        return success(rows)
    return JSONResponse({"Success": [], "Status": 200, "Error": NO_DATA})


def _interval(asked: Mapping[str, object], known: Mapping[str, Interval]) -> Interval:
    interval = known.get(str(asked.get("interval", "")))
    if interval is None:
        words = ", ".join(f"'{word}'" for word in known)
        raise BreezeRefusedError(400, f"Interval should be either {words}", http=400)
    return interval


def _wall(asked: Mapping[str, object], name: str) -> datetime:
    """`2025-02-03T09:20:00.000Z` is 09:20 in India."""
    text = str(asked.get(name, ""))
    try:
        wall = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.000Z")  # noqa: DTZ007
    except ValueError:
        raise BreezeRefusedError(
            400, f"{name} should be in the form YYYY-MM-DDTHH:MM:SS.000Z", http=400
        ) from None
    return wall.replace(tzinfo=IST).astimezone(UTC)


def _stamp(bar: Candle) -> str:
    return bar.opens.astimezone(IST).strftime("%Y-%m-%d %H:%M:%S")


def _row_v1(instrument: Instrument, bar: Candle) -> dict[str, object]:
    kind, expiry = instrument.kind, instrument.expiry
    strike = instrument.strike or 0
    return {
        "datetime": _stamp(bar),
        "stock_code": instrument.breeze_code,
        "exchange_code": instrument.exchange,
        "product_type": PRODUCT_WORDS.get(kind),
        "expiry_date": f"{expiry:%d-%b-%y}".upper() if expiry else None,
        "right": RIGHT_WORDS.get(kind),
        "strike_price": f"{strike:f}" if expiry and strike else ("0" if expiry else None),
        "open": _text(bar.open),
        "high": _text(bar.high),
        "low": _text(bar.low),
        "close": _text(bar.close),
        "volume": str(bar.volume),
        "open_interest": str(bar.oi or 0) if expiry else None,
        "count": 6 + bar.opens.minute % 3,
    }


def _row_v2(instrument: Instrument, bar: Candle, exchange: str) -> dict[str, object]:
    """Cash rows lack the fields of contracts; futures lack right and strike."""
    row: dict[str, object] = {
        "close": bar.close / PRICE_SCALE,
        "datetime": _stamp(bar),
        "exchange_code": exchange,
    }
    if instrument.expiry is not None:
        row["expiry_date"] = f"{instrument.expiry:%d-%b-%Y}".upper()
    row |= {
        "high": bar.high / PRICE_SCALE,
        "low": bar.low / PRICE_SCALE,
        "open": bar.open / PRICE_SCALE,
    }
    if instrument.expiry is not None:
        row |= {"open_interest": bar.oi or 0, "product_type": PRODUCT_WORDS[instrument.kind]}
    if instrument.kind.is_option:
        row["right"] = RIGHT_WORDS[instrument.kind]
    row["stock_code"] = instrument.breeze_code
    if instrument.strike is not None:
        row["strike_price"] = float(instrument.strike)
    return row | {"volume": bar.volume}


def _text(price: int) -> str:
    """`23342`, `200.3`: as short as version 1 writes them."""
    return f"{price / PRICE_SCALE:.2f}".rstrip("0").rstrip(".")
