"""The official Breeze SDK against our simulator, and our client beside it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from munshi.clock import IST
from munshi.domain.market.candles import Candle, to_price
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.breeze.contracts import BreezeContract
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER
from sdk_environments import run_script
from simulators import Simulator

Told = dict[str, Any]
OPENS = datetime(2026, 11, 19, 3, 45, tzinfo=UTC)
CLOSES = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
NIFTY = BreezeContract(stock_code="NIFTY", exchange_code="NSE")


@pytest.fixture
def future(breeze_client: BreezeClient) -> BreezeContract:
    """The nearest NIFTY future of the day."""
    scrips = breeze_client.security_master().scrips("NFO")
    expiries = [
        scrip.expiry
        for scrip in scrips
        if scrip.kind is InstrumentKind.FUTURE and scrip.stock_code == "NIFTY" and scrip.expiry
    ]
    return BreezeContract(
        stock_code="NIFTY",
        exchange_code="NFO",
        product_type="futures",
        expiry=min(expiries),
        right="others",
        strike=Decimal(0),
    )


@pytest.fixture
def told(simulator: Simulator, future: BreezeContract, tmp_path: Path) -> Told:
    """What the SDK said about one whole day with the broker."""
    return run_script(
        "breeze",
        [
            simulator.url,
            BREEZE_USER.app_key,
            BREEZE_USER.app_secret,
            simulator.breeze_api_session(),
            simulator.clock.now().replace(tzinfo=None).isoformat(),
            str(future.expiry),
        ],
        folder=tmp_path,
    )


def test_the_breeze_sdk_logs_in_and_reads_with_only_its_addresses_changed(
    told: Told, breeze_client: BreezeClient, breeze_access: BreezeAccess, future: BreezeContract
) -> None:
    candles = history(breeze_client, breeze_access, NIFTY, Interval.FIVE_MINUTES)
    minutes = history(breeze_client, breeze_access, future, Interval.ONE_MINUTE)

    assert "Could not authenticate credentials" in told["refused"]
    assert told["user_id"] == BREEZE_USER.user_id
    assert told["customer"]["Success"]["idirect_user_name"] == BREEZE_USER.user_name
    assert len(candles) == 75
    assert len(minutes) > 300
    assert [key(row) for row in told["candles"]["Success"]] == [ohlcv(c) for c in candles]
    assert [key(row) for row in told["future"]["Success"]] == [ohlcv(c) for c in minutes]


def test_the_breeze_sdk_reads_the_same_quotes_and_security_master(
    told: Told, breeze_client: BreezeClient, breeze_access: BreezeAccess
) -> None:
    share = BreezeContract(stock_code="RELIND", exchange_code="NSE")
    quote = breeze_client.quotes(breeze_access, contract=share)
    master = breeze_client.security_master()

    nse = next(row for row in told["quote"]["Success"] if row["exchange_code"] == "NSE")
    assert quote is not None
    assert to_price(nse["ltp"]) == to_price(quote.last_price)
    codes = {scrip.stock_code: scrip.token for scrip in master.scrips("NSE")}
    assert codes.items() <= told["codes"].items()
    tokens = {scrip.token for scrip in master.scrips("NFO")}
    # The SDK takes the header for one more row.
    assert tokens == set(told["contracts"].values()) - {"Token"}


def history(
    client: BreezeClient, access: BreezeAccess, contract: BreezeContract, interval: Interval
) -> list[Candle]:
    return client.historical(access, contract=contract, interval=interval, start=OPENS, end=CLOSES)


def key(row: Mapping[str, Any]) -> tuple[datetime, int, int, int, int, int]:
    opens = datetime.fromisoformat(row["datetime"]).replace(tzinfo=IST)
    first, high, low, close = (to_price(row[name]) for name in ("open", "high", "low", "close"))
    return opens, first, high, low, close, row["volume"]


def ohlcv(candle: Candle) -> tuple[datetime, int, int, int, int, int]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    return candle.opens, *prices, candle.volume
