"""What a broker's JSON of bars costs, from the bytes of the answer to a frame."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
from data_made import IST

from munshi.domain.market.intervals import Interval
from munshi.infrastructure.brokers.breeze.candles import read_candles as read_breeze
from munshi.infrastructure.brokers.breeze.envelope import read_success
from munshi.infrastructure.brokers.http import Reply
from munshi.infrastructure.brokers.kite.candles import read_candles as read_kite
from munshi.infrastructure.brokers.kite.envelope import read_data
from munshi.infrastructure.candles.frames import to_frame

# The most that each broker answers of minutes: sixty days, and a thousand rows less one.
KITE_ROWS, BREEZE_ROWS = 40 * 375, 999
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def kite_work(frame: pl.DataFrame) -> Callable[[], object]:
    clock = pl.col("opens").dt.convert_time_zone(IST.key).dt.strftime("%Y-%m-%dT%H:%M:%S+0530")
    rows = [list(row) for row in _rupees(frame.head(KITE_ROWS), clock).drop("oi").iter_rows()]
    reply = _reply("Kite", {"status": "success", "data": {"candles": rows}})
    return lambda: to_frame(read_kite(read_data(reply)))


def breeze_work(frame: pl.DataFrame) -> Callable[[], object]:
    clock = pl.col("opens").dt.convert_time_zone(IST.key).dt.strftime("%Y-%m-%d %H:%M:%S")
    named = _rupees(frame.head(BREEZE_ROWS), clock).drop("oi").rename({"opens": "datetime"})
    rows = [
        row | {"exchange_code": "NSE", "stock_code": "NIFTY"} for row in named.iter_rows(named=True)
    ]
    reply = _reply("Breeze", {"Success": rows, "Status": 200, "Error": None})
    minute = Interval.ONE_MINUTE
    return lambda: to_frame(read_breeze(read_success(reply, now=NOW), interval=minute))


def _rupees(frame: pl.DataFrame, clock: pl.Expr) -> pl.DataFrame:
    prices = (pl.col("open", "high", "low", "close") / 10_000).round(2)
    return frame.with_columns(clock.alias("opens"), prices)


def _reply(broker: str, body: object) -> Reply:
    content = json.dumps(body).encode()
    return Reply(broker=broker, status=200, content_type="application/json", body=content)
