"""The official Kite ticker against our simulator."""

from pathlib import Path

from munshi.infrastructure.brokers.simulator.seed import KITE_USER
from sdk_environments import run_script
from simulators import Simulator, body_of, kite_headers

INDEX, SHARE = 256265, 408065


def test_the_kite_ticker_reads_our_stream_and_reconnects_unchanged(
    simulator: Simulator, tmp_path: Path
) -> None:
    token = simulator.kite_access_token()
    quotes = body_of(
        simulator.http.get(
            "/quote", params={"i": ["NSE:INFY", "NSE:NIFTY 50"]}, headers=kite_headers(token)
        )
    )["data"]

    told = run_script(
        "kite", [simulator.url, KITE_USER.app_key, token], folder=tmp_path, script="kite_ticker"
    )

    assert told["orders"] == [{"order_id": "1", "status": "OPEN"}]
    assert told["connects"] == 2
    full = {tick["instrument_token"]: tick for tick in told["ticks"] if tick["mode"] == "full"}
    share, index = full[SHARE], full[INDEX]
    assert share["last_price"] == quotes["NSE:INFY"]["last_price"]
    assert share["volume_traded"] == quotes["NSE:INFY"]["volume"]
    assert share["ohlc"] == quotes["NSE:INFY"]["ohlc"]
    assert (len(share["depth"]["buy"]), share["tradable"]) == (5, True)
    assert index["last_price"] == quotes["NSE:NIFTY 50"]["last_price"]
    assert index["ohlc"] == quotes["NSE:NIFTY 50"]["ohlc"]
    assert index["tradable"] is False
