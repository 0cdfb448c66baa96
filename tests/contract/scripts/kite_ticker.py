"""Drives the official Kite ticker, unchanged, against the address it is given; prints JSON.

Runs in the SDK's own environment: `kite_ticker.py URL API_KEY ACCESS_TOKEN`.
"""

import json
import sys
import urllib.request
from typing import Any

from kiteconnect import KiteTicker

INDEX, SHARE, OTHER = 256265, 408065, 738561


def tell(url: str, path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(  # noqa: S310
        f"{url}/_simulator/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


def main(url: str, api_key: str, token: str) -> dict[str, Any]:
    told: dict[str, Any] = {"ticks": [], "orders": [], "connects": 0}
    ticker = KiteTicker(api_key, token, root=url.replace("http", "ws", 1))

    def on_connect(socket: KiteTicker, _: object) -> None:
        told["connects"] += 1
        if told["connects"] == 1:  # after a reconnect the ticker asks again by itself
            socket.subscribe([INDEX, SHARE, OTHER])
            socket.set_mode(socket.MODE_FULL, [INDEX, SHARE])
            socket.set_mode(socket.MODE_LTP, [OTHER])

    def on_ticks(socket: KiteTicker, ticks: list[dict[str, Any]]) -> None:
        told["ticks"] += ticks
        seen = {tick["instrument_token"]: tick["mode"] for tick in told["ticks"]}
        if told["connects"] == 2:
            socket.stop()
        elif seen == {INDEX: "full", SHARE: "full", OTHER: "ltp"} and not told["orders"]:
            tell(url, "ticker", {"type": "order", "data": {"order_id": "1", "status": "OPEN"}})

    def on_order_update(_: object, order: dict[str, Any]) -> None:
        told["orders"].append(order)
        tell(url, "faults", {"kind": "drop", "endpoint_class": "ticker", "count": 1})

    ticker.on_connect, ticker.on_ticks = on_connect, on_ticks
    ticker.on_order_update = on_order_update
    ticker.on_close = lambda _socket, code, reason: told.setdefault("closed", [code, reason])
    ticker.connect()
    return told


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:]), default=str))
