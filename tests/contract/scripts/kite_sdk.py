"""Drives the official Kite SDK, unchanged, against the address it is given; prints JSON.

Runs in the SDK's own environment: `kite_sdk.py URL API_KEY API_SECRET REQUEST_TOKEN`.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from kiteconnect import KiteConnect
from kiteconnect.exceptions import KiteException

TOKEN = 256265
INDEX = "NSE:NIFTY 50"
SHARE = "NSE:INFY"


def refusal(call: Callable[[], Any]) -> str:
    """The name of the SDK's exception, with what the broker said."""
    try:
        call()
    except KiteException as error:
        return f"{type(error).__name__}: {error}"
    return "nothing was refused"


def main(url: str, api_key: str, api_secret: str, request_token: str) -> dict[str, Any]:
    kite = KiteConnect(api_key=api_key, root=url)
    unknown = refusal(lambda: kite.generate_session("no-such-token", api_secret))
    session = kite.generate_session(request_token, api_secret)
    spent = refusal(lambda: kite.generate_session(request_token, api_secret))
    kite.set_access_token(session["access_token"])
    told = {
        "refusals": {
            "unknown": unknown,
            "spent": spent,
            "too_long": refusal(
                lambda: kite.historical_data(
                    TOKEN, "2026-01-01 00:00:00", "2026-11-20 00:00:00", "minute"
                )
            ),
        },
        "session": session,
        "profile": kite.profile(),
        "margins": kite.margins(),
        "instruments": kite.instruments("NSE"),
        "contracts": len(kite.instruments("NFO")),
        "quote": kite.quote([INDEX, SHARE, "NSE:NOSUCH"]),
        "ohlc": kite.ohlc([SHARE]),
        "ltp": kite.ltp(SHARE),
        "candles": kite.historical_data(
            TOKEN, "2026-11-19 09:15:00", "2026-11-19 15:30:00", "5minute"
        ),
    }
    kite.invalidate_access_token()
    told["refusals"]["ended"] = refusal(kite.profile)
    return told


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:]), default=str))
