"""Breeze's candles and quotes, read from what it sends, and its names for contracts."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import Instrument, InstrumentKind, well_known_indices
from munshi.domain.market.intervals import Interval
from munshi.domain.market.sessions import Segment
from munshi.errors import (
    BrokerRequestError,
    BrokerUnavailableError,
    DateRangeInvalidError,
    InstrumentUnknownError,
)
from munshi.infrastructure.brokers.answer import Answer
from munshi.infrastructure.brokers.breeze.candles import read_candles, window_text
from munshi.infrastructure.brokers.breeze.contracts import BreezeContract
from munshi.infrastructure.brokers.breeze.envelope import read_success
from munshi.infrastructure.brokers.breeze.quotes import read_quote
from munshi.infrastructure.brokers.http import Reply

BAR = {
    "datetime": "2025-02-03 09:21:00",
    "stock_code": "NIFTY",
    "exchange_code": "NFO",
    "product_type": "Futures",
    "expiry_date": "27-FEB-2025",
    "open": 23350.0,
    "high": 23352.15,
    "low": 23345.05,
    "close": 23349.0,
    "open_interest": 17543475,
    "volume": 88800,
}
QUOTE = {
    "exchange_code": "NSE",
    "stock_code": "RELIND",
    "ltp": 1270.5,
    "ltt": "05-Feb-2025 09:36:56",
    "best_bid_price": 1270.45,
    "best_bid_quantity": "12",
    "best_offer_price": 0.0,
    "best_offer_quantity": "0",
    "open": 1260.0,
    "high": 1271.0,
    "low": 1259.0,
    "previous_close": 1258.75,
    "upper_circuit": 1384.6,
    "lower_circuit": 1132.9,
    "total_quantity_traded": "998877",
    "spot_price": "",
}


def success(value: object) -> Answer:
    body = json.dumps({"Success": value, "Status": 200, "Error": None}).encode()
    reply = Reply(broker="Breeze", status=200, content_type="application/json", body=body)
    return read_success(reply, now=datetime(2026, 11, 20, tzinfo=UTC))


def test_a_candles_wall_time_is_indian() -> None:
    [candle] = read_candles(success([BAR]), interval=Interval.ONE_MINUTE)

    assert candle == Candle(
        opens=datetime(2025, 2, 3, 3, 51, tzinfo=UTC),
        open=233500000,
        high=233521500,
        low=233450500,
        close=233490000,
        volume=88800,
        oi=17543475,
    )


def test_a_share_has_no_open_interest() -> None:
    bar = {name: value for name, value in BAR.items() if name != "open_interest"}

    [candle] = read_candles(success([bar]), interval=Interval.ONE_MINUTE)

    assert candle.oi is None


@pytest.mark.parametrize("text", ["2025-02-03 00:00:00", "2025-02-03 15:30:00", "2025-02-03"])
def test_a_daily_bar_is_stamped_at_midnight_whatever_time_stands_beside_it(text: str) -> None:
    [candle] = read_candles(success([BAR | {"datetime": text}]), interval=Interval.ONE_DAY)

    assert candle.opens == datetime(2025, 2, 2, 18, 30, tzinfo=UTC)


def test_no_data_are_no_candles() -> None:
    assert read_candles(success(None), interval=Interval.ONE_MINUTE) == []


def test_a_thousand_rows_are_a_cut_answer() -> None:
    rows = success([BAR] * 1000)

    with pytest.raises(BrokerRequestError, match="cuts history to 1000 rows"):
        read_candles(rows, interval=Interval.ONE_MINUTE)


@pytest.mark.parametrize(
    "change",
    [
        {"datetime": "soon"}, {"datetime": None}, {"close": None}, {"open": "x"},
        {"volume": 2**62}, {"open_interest": str(10**15)},
    ],
    ids=str,
)  # fmt: skip
def test_a_row_that_is_no_candle_means_that_breeze_answered_nonsense(
    change: dict[str, object],
) -> None:
    with pytest.raises(BrokerUnavailableError):
        read_candles(success([BAR | change]), interval=Interval.ONE_MINUTE)


def test_a_window_is_indian_wall_time_with_a_z_that_means_nothing() -> None:
    assert window_text(datetime(2024, 1, 15, 3, 45, tzinfo=UTC)) == "2024-01-15T09:15:00.000Z"


def test_a_window_without_a_zone_is_refused() -> None:
    naive = datetime(2024, 1, 15, 9, 15)  # noqa: DTZ001 - the point of the test

    with pytest.raises(DateRangeInvalidError):
        window_text(naive)


def test_the_quote_is_the_row_of_the_exchange_asked_for() -> None:
    rows = success([QUOTE, QUOTE | {"exchange_code": "BSE", "ltp": 1270.9}])

    nse = read_quote(rows, exchange_code="NSE")
    bse = read_quote(rows, exchange_code="BSE")

    assert nse is not None
    assert bse is not None
    assert (nse.last_price, bse.last_price) == (Decimal("1270.5"), Decimal("1270.9"))
    assert nse.traded_at == datetime(2025, 2, 5, 4, 6, 56, tzinfo=UTC)
    assert (nse.volume, nse.best_bid, nse.best_offer) == (998877, Decimal("1270.45"), None)


def test_a_quote_of_another_exchange_or_none_is_no_quote() -> None:
    assert read_quote(success([QUOTE]), exchange_code="BSE") is None
    assert read_quote(success(None), exchange_code="NSE") is None


def test_a_time_that_is_none_means_that_breeze_answered_nonsense() -> None:
    with pytest.raises(BrokerUnavailableError, match="not a time"):
        read_quote(success([QUOTE | {"ltt": "soon"}]), exchange_code="NSE")


def contract_of(kind: InstrumentKind, *, strike: Decimal | None) -> BreezeContract:
    return BreezeContract.of(
        Instrument(
            exchange="NFO",
            tradingsymbol="ANY",
            name="NIFTY",
            kind=kind,
            segment=Segment.FNO,
            lot_size=65,
            tick_size=Decimal("0.05"),
            expiry=date(2025, 2, 27),
            strike=strike,
            breeze_code="NIFTY",
        )
    )


@pytest.mark.parametrize(
    ("kind", "strike", "terms"),
    [
        (
            InstrumentKind.CALL,
            Decimal("23200.00"),
            {"product_type": "options", "right": "call", "strike_price": "23200"},
        ),
        (
            InstrumentKind.PUT,
            Decimal("127.50"),
            {"product_type": "options", "right": "put", "strike_price": "127.5"},
        ),
        (
            InstrumentKind.FUTURE,
            None,
            {"product_type": "futures", "right": "others", "strike_price": "0"},
        ),
    ],
)
def test_a_contract_is_named_by_its_terms(
    kind: InstrumentKind, strike: Decimal | None, terms: dict[str, str]
) -> None:
    contract = contract_of(kind, strike=strike)

    assert contract.terms() == terms | {"expiry_date": "2025-02-27T07:00:00.000Z"}


def test_an_index_is_asked_for_as_cash() -> None:
    bank_nifty = next(index for index in well_known_indices() if index.name == "BANKNIFTY")

    contract = BreezeContract.of(bank_nifty)

    assert (contract.stock_code, contract.exchange_code) == ("CNXBAN", "NSE")
    assert contract.terms() == {"product_type": "cash"}


def test_an_instrument_icici_does_not_know_is_named() -> None:
    vix = next(index for index in well_known_indices() if index.breeze_code is None)

    with pytest.raises(InstrumentUnknownError, match="ICICI's code for NSE:"):
        BreezeContract.of(vix)
