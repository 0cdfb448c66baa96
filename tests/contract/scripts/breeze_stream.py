"""Drives the official Breeze SDK's sockets against the address it is given; prints JSON.

Runs in the SDK's own environment: `breeze_stream.py URL APP_KEY SECRET API_SESSION FUTURE`. The
future is named by the exchange's token.
"""

import json
import os
import runpy
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

point_at = runpy.run_path(str(Path(__file__).with_name("breeze_sdk.py")))["point_at"]

SHARE = "4.1!2885"
DEPTH = "4.2!2885"
PATIENCE_SECONDS = 60


def tell(url: str, path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(  # noqa: S310
        f"{url}/_simulator/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


def main(url: str, app_key: str, secret: str, api_session: str, token: str) -> dict[str, Any]:
    point_at(url)
    from breeze_connect import BreezeConnect  # noqa: PLC0415 - after its config

    breeze = BreezeConnect(api_key=app_key)
    breeze.generate_session(api_secret=secret, session_token=api_session)
    ticks: list[dict[str, Any]] = []
    breeze.on_ticks = ticks.append
    breeze.ws_connect()
    future = f"4.1!{token}"
    for room in ([SHARE, DEPTH], future):
        breeze.subscribe_feeds(stock_token=room)
    breeze.subscribe_feeds(stock_token=SHARE, interval="1minute")

    def wait_for(count: int, symbols: set[str]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while {tick.get("symbol", "bar") for tick in ticks[count:]} < symbols:
            if time.monotonic() > deadline:
                raise SystemExit(f"only {ticks[count:]} came")
            time.sleep(0.05)

    wait_for(0, {SHARE, DEPTH, future, "bar"})
    before = len(ticks)
    tell(
        url, "faults", {"kind": "drop", "service": "breeze", "endpoint_class": "ticker", "count": 2}
    )
    wait_for(before, {SHARE, DEPTH, future, "bar"})
    return {"ticks": ticks, "before": before}


if __name__ == "__main__":
    told = main(*sys.argv[1:])
    sys.stdout.write(json.dumps(told, default=str))
    sys.stdout.flush()
    # The SDK's threads go on for ever.
    os._exit(0)
