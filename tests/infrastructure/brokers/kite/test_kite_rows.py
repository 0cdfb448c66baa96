"""Kite's candles, quotes and instrument dump, read from what it sends."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.market.sessions import Segment
from munshi.errors import BrokerUnavailableError, DateRangeInvalidError, MasterRefusedError
from munshi.infrastructure.brokers.answer import Answer
from munshi.infrastructure.brokers.http import Reply
from munshi.infrastructure.brokers.kite.candles import read_candles, window_text
from munshi.infrastructure.brokers.kite.envelope import read_data
from munshi.infrastructure.brokers.kite.instruments import COLUMNS, read_instruments
from munshi.infrastructure.brokers.kite.quotes import read_last_prices, read_ohlc, read_quotes


def data(value: object) -> Answer:
    body = json.dumps({"status": "success", "data": value}).encode()
    return read_data(Reply(broker="Kite", status=200, content_type="application/json", body=body))


def dump(*rows: str) -> str:
    return "\n".join([",".join(COLUMNS), *rows]) + "\n"


def test_a_candle_is_stamped_in_utc_and_priced_in_ten_thousandths() -> None:
    rows = {"candles": [["2024-01-15T09:15:00+0530", 21727.75, 21730, 21720.1, 21725.05, 120]]}

    [candle] = read_candles(data(rows))

    assert candle == Candle(
        opens=datetime(2024, 1, 15, 3, 45, tzinfo=UTC),
        open=217277500,
        high=217300000,
        low=217201000,
        close=217250500,
        volume=120,
        oi=None,
    )


def test_a_seventh_value_is_open_interest() -> None:
    rows = {"candles": [["2024-01-15T09:15:00+0530", 1, 1, 1, 1, 0, 17543475]]}

    assert read_candles(data(rows))[0].oi == 17543475


@pytest.mark.parametrize(
    "row",
    [
        ["2024-01-15T09:15:00+0530", 1, 1, 1, 1],
        ["2024-01-15T09:15:00", 1, 1, 1, 1, 1],
        ["yesterday", 1, 1, 1, 1, 1],
        ["2024-01-15T09:15:00+0530", None, 1, 1, 1, 1],
        ["2024-01-15T09:15:00+0530", "1e999999", 1, 1, 1, 1],
        ["2024-01-15T09:15:00+0530", 1, 1, 1, 1, "many"],
        ["2024-01-15T09:15:00+0530", 1, 1, 1, 1, 2**62],
        ["2024-01-15T09:15:00+0530", 1, 1, 1, 1, 1, 10**15],
        {"open": 1},
        None,
    ],
    ids=str,
)
def test_a_row_that_is_no_candle_means_that_kite_answered_nonsense(row: object) -> None:
    with pytest.raises(BrokerUnavailableError):
        read_candles(data({"candles": [row]}))


def test_a_window_is_written_in_indian_wall_time() -> None:
    assert window_text(datetime(2024, 1, 15, 3, 45, tzinfo=UTC)) == "2024-01-15 09:15:00"


def test_a_window_without_a_zone_is_refused() -> None:
    naive = datetime(2024, 1, 15, 9, 15)  # noqa: DTZ001 - the point of the test

    with pytest.raises(DateRangeInvalidError):
        window_text(naive)


def test_a_full_quote_is_read_with_the_best_price_of_each_side() -> None:
    level = {"price": 0, "quantity": 0, "orders": 0}
    row = {
        "instrument_token": 408065,
        "timestamp": "2026-11-20 10:30:00",
        "last_trade_time": "2026-11-20 10:29:58",
        "last_price": 1520.05,
        "volume": 1200,
        "oi": 0,
        "lower_circuit_limit": 1368.1,
        "upper_circuit_limit": 1672.0,
        "ohlc": {"open": 1500.0, "high": 1525, "low": 1499.9, "close": 1498.4},
        "depth": {"buy": [{**level, "price": 1520.0}, level], "sell": [level, level]},
    }

    quote = read_quotes(data({"NSE:INFY": row}))["NSE:INFY"]

    assert quote.last_price == Decimal("1520.05")
    assert quote.close == Decimal("1498.4")
    assert quote.traded_at == datetime(2026, 11, 20, 4, 59, 58, tzinfo=UTC)
    assert (quote.best_bid, quote.best_offer) == (Decimal(1520), None)
    assert (quote.volume, quote.upper_circuit) == (1200, Decimal("1672.0"))


def test_an_index_has_no_depth_volume_or_trades() -> None:
    row = {"last_price": 1, "ohlc": {"open": 1, "high": 1, "low": 1, "close": 1}}

    quote = read_quotes(data({"NSE:NIFTY 50": row}))["NSE:NIFTY 50"]

    assert (quote.best_bid, quote.volume, quote.traded_at) == (None, None, None)


def test_the_smaller_quotes_are_read_by_name() -> None:
    row = {"last_price": 2.5, "ohlc": {"open": 1, "high": 3, "low": 1, "close": 2}}

    assert read_ohlc(data({"NSE:INFY": row}))["NSE:INFY"].high == 3
    assert read_last_prices(data({"NSE:INFY": row})) == {"NSE:INFY": Decimal("2.5")}


def test_a_time_that_is_none_means_that_kite_answered_nonsense() -> None:
    row = {
        "last_price": 1,
        "last_trade_time": "soon",
        "ohlc": {"open": 1, "high": 1, "low": 1, "close": 1},
    }

    with pytest.raises(BrokerUnavailableError, match="not a time"):
        read_quotes(data({"NSE:INFY": row}))


def test_each_kind_of_instrument_is_read_from_its_row() -> None:
    text = dump(
        "256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE",
        "408065,1594,INFY,INFOSYS,0,,,0.05,1,EQ,NSE,NSE",
        "9372674,36612,NIFTY26NOVFUT,NIFTY,0,2026-11-24,0,0.1,65,FUT,NFO-FUT,NFO",
        "12073986,47164,NIFTY26N2424000CE,NIFTY,0,2026-11-24,24000.0,0.05,65,CE,NFO-OPT,NFO",
    )

    index, share, future, call = read_instruments(text)

    assert (index.name, index.kind, index.breeze_code) == ("NIFTY", InstrumentKind.INDEX, "NIFTY")
    assert (share.kind, share.segment, share.strike) == (
        InstrumentKind.EQUITY,
        Segment.CASH,
        None,
    )
    assert (future.kind, future.expiry, future.lot_size) == (
        InstrumentKind.FUTURE,
        date(2026, 11, 24),
        65,
    )
    assert (call.kind, call.strike, call.underlying, call.segment) == (
        InstrumentKind.CALL,
        Decimal("24000.0"),
        "NIFTY",
        Segment.FNO,
    )
    assert call.kite_token == 12073986


def test_exchanges_and_types_we_do_not_trade_are_passed_over() -> None:
    text = dump(
        "1,1,GOLD26DECFUT,GOLD,0,2026-12-04,0,1,1,FUT,MCX-FUT,MCX",
        "2,2,SOMETHING,NEW,0,,0,0.05,1,ETFX,NSE,NSE",
    )

    assert list(read_instruments(text)) == []


@pytest.mark.parametrize("text", ["", "a,b,c\n1,2,3\n"])
def test_other_columns_are_refused_at_once(text: str) -> None:
    with pytest.raises(BrokerUnavailableError, match="unexpected columns"):
        read_instruments(text)


def test_missing_columns_are_named() -> None:
    head = ",".join(column for column in COLUMNS if column not in {"expiry", "lot_size"})

    with pytest.raises(MasterRefusedError, match=r"lacks expiry, lot_size\."):
        read_instruments(f"{head}\n")


@pytest.mark.parametrize(
    "last",
    [
        "408065,1594,INFY,INFOSYS,0,,,0.05,1,EQ,NSE,NS",
        "408065,1594,INFY,INFOSYS,0,,,0.05,1,EQ,NSE",
        "408065,1594,INF",
        "408065,1594,INFY,INFOSYS,0,,,0.05,1,EQ,NSE,NSE,408",
        "1,1,NIFTY26NOVFUT,NIFTY,0,2026-11-24,0,0.1,65,FUT,NFO-FUT,NFO",
    ],
)
def test_a_list_of_one_exchange_that_is_cut_off_is_refused(last: str) -> None:
    whole = "408065,1594,INFY,INFOSYS,0,,,0.05,1,EQ,NSE,NSE"

    with pytest.raises(MasterRefusedError, match=r"line 3 .* as if cut off"):
        list(read_instruments(dump(whole, last), exchange="NSE"))


def test_a_day_with_a_zone_is_refused() -> None:
    row = "1,1,NIFTY26NOVFUT,NIFTY,0,2026-11-23T18:30:00Z,0,0.1,65,FUT,NFO-FUT,NFO"

    with pytest.raises(MasterRefusedError, match="is no plain day"):
        list(read_instruments(dump(row)))


@pytest.mark.parametrize(
    "row",
    [
        "x,1594,INFY,INFOSYS,0,,,0.05,1,EQ,NSE,NSE",
        "408065,1594,INFY,INFOSYS,0,,,tiny,1,EQ,NSE,NSE",
        "1,1,NIFTY26NOVFUT,NIFTY,0,24-Nov-2026,0,0.1,65,FUT,NFO-FUT,NFO",
    ],
)
def test_an_unreadable_row_is_refused_by_its_line(row: str) -> None:
    with pytest.raises(BrokerUnavailableError, match="line 2"):
        list(read_instruments(dump(row)))


def test_ist_and_other_zones_name_the_same_window() -> None:
    ist = timezone(timedelta(hours=5, minutes=30))

    assert window_text(datetime(2024, 1, 15, 9, 15, tzinfo=ist)) == "2024-01-15 09:15:00"
