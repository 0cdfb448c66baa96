"""The official Kite SDK against our simulator, and our client beside it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker_clients import OpenGate, no_transaction_open
from munshi.domain.market.candles import to_price
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.simulator.seed import KITE_USER
from sdk_environments import run_script
from simulators import Simulator

Told = dict[str, Any]


@pytest.fixture
def told(simulator: Simulator, tmp_path: Path) -> Told:
    """What the SDK said about one whole day with the broker."""
    return run_script(
        "kite",
        [
            simulator.url,
            KITE_USER.app_key,
            KITE_USER.app_secret,
            simulator.kite_request_token(),
        ],
        folder=tmp_path,
    )


def test_the_kite_sdk_logs_in_reads_and_logs_out_unchanged(
    told: Told, http: httpx.Client, simulator: Simulator
) -> None:
    # Without pacing, which would move the broker's clock and with it the prices.
    kite_client = KiteClient(
        http=http,
        endpoints=KiteEndpoints.at(simulator.url),
        gate=OpenGate(),
        guard=no_transaction_open,
    )
    access = KiteAccess(api_key=KITE_USER.app_key, access_token=simulator.kite_access_token())

    assert told["session"]["user_id"] == KITE_USER.user_id
    assert told["profile"]["user_name"] == kite_client.profile(access).user_name
    assert set(told["margins"]) == set(kite_client.margins(access))
    assert told["refusals"]["unknown"].startswith("TokenException")
    assert told["refusals"]["spent"].startswith("TokenException")
    assert told["refusals"]["ended"].startswith("TokenException")
    assert told["refusals"]["too_long"] == "InputException: interval exceeds max limit: 60 days"
    _same_instruments(told, kite_client, access)
    _same_prices(told, kite_client, access)
    _same_candles(told, kite_client, access)


def _same_instruments(told: Told, client: KiteClient, access: KiteAccess) -> None:
    ours = {i.kite_token: i.tradingsymbol for i in client.instruments(access, exchange="NSE")}

    theirs = {row["instrument_token"]: row["tradingsymbol"] for row in told["instruments"]}
    assert theirs == ours
    assert told["contracts"] == len(list(client.instruments(access, exchange="NFO"))) > 0


def _same_prices(told: Told, client: KiteClient, access: KiteAccess) -> None:
    ours = client.quotes(access, instruments=["NSE:NIFTY 50", "NSE:INFY", "NSE:NOSUCH"])

    assert set(told["quote"]) == set(ours) == {"NSE:NIFTY 50", "NSE:INFY"}
    for name, row in told["quote"].items():
        assert to_price(row["last_price"]) == to_price(ours[name].last_price)
        assert to_price(row["ohlc"]["close"]) == to_price(ours[name].close)
    ltp = client.ltp(access, instruments=["NSE:INFY"])["NSE:INFY"]
    assert to_price(told["ltp"]["NSE:INFY"]["last_price"]) == to_price(ltp)
    ohlc = client.ohlc(access, instruments=["NSE:INFY"])["NSE:INFY"]
    assert to_price(told["ohlc"]["NSE:INFY"]["ohlc"]["high"]) == to_price(ohlc.high)


def _same_candles(told: Told, client: KiteClient, access: KiteAccess) -> None:
    ours = client.historical(
        access,
        token=256265,
        interval=Interval.FIVE_MINUTES,
        start=datetime(2026, 11, 19, 3, 45, tzinfo=UTC),
        end=datetime(2026, 11, 19, 10, 0, tzinfo=UTC),
    )

    theirs = [
        (
            datetime.fromisoformat(row["date"]),
            *(to_price(row[name]) for name in ("open", "high", "low", "close")),
            row["volume"],
        )
        for row in told["candles"]
    ]
    assert len(theirs) == 75
    assert theirs == [(c.opens, c.open, c.high, c.low, c.close, c.volume) for c in ours]
