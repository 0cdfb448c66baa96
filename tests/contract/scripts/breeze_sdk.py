"""Drives the official Breeze SDK against the address it is given; prints JSON.

The SDK takes no address, so its `config` module is loaded first and pointed at ours. It signs by
the machine's clock, so it is told the simulated broker's time too. Nothing else is changed. Runs
in the SDK's own environment: `breeze_sdk.py URL APP_KEY SECRET API_SESSION NOW EXPIRY`.
"""

import importlib.util
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Self


def point_at(url: str) -> None:
    """Put the SDK's own `config` into place with our address, before the SDK looks for it."""
    found = importlib.util.find_spec("breeze_connect")
    if found is None or found.origin is None:
        raise SystemExit("breeze_connect is not installed here")
    spec = importlib.util.spec_from_file_location(
        "config", Path(found.origin).with_name("config.py")
    )
    if spec is None or spec.loader is None:
        raise SystemExit("breeze_connect has no config module")
    config: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(config)
    config.API_URL = f"{url}/breezeapi/api/v1/"
    config.BREEZE_NEW_URL = f"{url}/api/v2/"
    config.SECURITY_MASTER_URL = f"{url}/MotherAppMaster/SecurityMaster.zip"
    for name in ("LIVE_FEEDS_URL", "LIVE_STREAM_URL", "LIVE_OHLC_STREAM_URL"):
        setattr(config, name, url)
    sys.modules["config"] = config


def main(
    url: str, app_key: str, secret: str, api_session: str, *, now: str, expiry: str
) -> dict[str, Any]:
    point_at(url)
    from breeze_connect import BreezeConnect, breeze_connect  # noqa: PLC0415 - after its config

    class BrokersTime(datetime):
        @classmethod
        def utcnow(cls) -> Self:
            return cls.fromisoformat(now)

    breeze_connect.datetime = BrokersTime
    breeze = BreezeConnect(api_key=app_key)
    try:
        breeze.generate_session(api_secret=secret, session_token="11111111")
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing narrower
        refused = str(error)
    breeze.generate_session(api_secret=secret, session_token=api_session)
    window = {"from_date": "2026-11-19T09:15:00.000Z", "to_date": "2026-11-19T15:30:00.000Z"}
    future = {
        "stock_code": "NIFTY",
        "exchange_code": "NFO",
        "product_type": "futures",
        "expiry_date": f"{expiry}T07:00:00.000Z",
        "right": "others",
        "strike_price": "0",
    }
    return {
        "refused": refused,
        "user_id": breeze.user_id,
        "customer": breeze.get_customer_details(api_session),
        "quote": breeze.get_quotes(stock_code="RELIND", exchange_code="NSE", product_type="cash"),
        "candles": breeze.get_historical_data_v2(
            interval="5minute",
            stock_code="NIFTY",
            exchange_code="NSE",
            product_type="cash",
            **window,
        ),
        "future": breeze.get_historical_data_v2(interval="1minute", **window, **future),
        "codes": breeze.stock_script_dict_list[1],
        "contracts": breeze.stock_script_dict_list[4],
    }


if __name__ == "__main__":
    *given, its_now, its_expiry = sys.argv[1:]
    sys.stdout.write(json.dumps(main(*given, now=its_now, expiry=its_expiry)))
