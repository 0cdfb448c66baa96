"""Kite's instrument dump, quotes and history on the wire."""

import csv
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import httpx
import pytest

from clocks import FakeClock
from simulators import Simulator, body_of, kite_headers

NIFTY_TOKEN = 256265
RELIANCE_TOKEN = 738561


def get(
    simulator: Simulator, path: str, params: Mapping[str, str | list[str]] | None = None
) -> httpx.Response:
    headers = kite_headers(simulator.kite_access_token())
    return simulator.http.get(f"{path}", headers=headers, params=params)


def candles(
    simulator: Simulator, interval: str, params: Mapping[str, str], *, token: int = NIFTY_TOKEN
) -> list[list[Any]]:
    answer = get(simulator, f"/instruments/historical/{token}/{interval}", params)
    assert answer.status_code == 200, answer.text
    found: list[list[Any]] = body_of(answer)["data"]["candles"]
    return found


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(answer.text)))


def test_instrument_dump_has_the_twelve_columns_in_order(simulator: Simulator) -> None:
    answer = get(simulator, "/instruments")

    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text.splitlines()[0] == (
        "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,"
        "lot_size,instrument_type,segment,exchange"
    )
    by_symbol = {(row["exchange"], row["tradingsymbol"]): row for row in rows(answer)}
    nifty = by_symbol["NSE", "NIFTY 50"]
    assert (nifty["instrument_token"], nifty["segment"]) == ("256265", "INDICES")
    assert by_symbol["BSE", "SENSEX"]["instrument_token"] == "265"
    assert by_symbol["NSE", "RELIANCE"]["strike"] == "0"


def test_contracts_carry_the_markets_expiries_and_lots(simulator: Simulator) -> None:
    listed = rows(get(simulator, "/instruments/NFO"))

    nifty = [row for row in listed if row["name"] == "NIFTY"]
    assert {row["exchange"] for row in listed} == {"NFO"}
    # Tuesday 24 Nov 2026 is a holiday, so that the monthly contracts end a day earlier.
    assert min(row["expiry"] for row in nifty) == "2026-11-23"
    assert {row["lot_size"] for row in nifty} == {"65"}
    assert {row["segment"] for row in nifty} == {"NFO-FUT", "NFO-OPT"}
    assert any(re.fullmatch(r"NIFTY26D01\d{5}CE", row["tradingsymbol"]) for row in nifty)
    assert "NIFTY26NOVFUT" in {row["tradingsymbol"] for row in nifty}
    tokens = [int(row["instrument_token"]) for row in listed]
    assert len(set(tokens)) == len(tokens)
    assert all(token < 2**32 and token & 0xFF == 2 for token in tokens)


def test_minutes_are_stamped_at_their_opening_in_ist_and_both_ends_count(
    simulator: Simulator,
) -> None:
    found = candles(
        simulator, "minute", {"from": "2026-11-19 09:15:00", "to": "2026-11-19 09:20:00"}
    )

    assert [row[0] for row in found] == [f"2026-11-19T09:{m}:00+0530" for m in range(15, 21)]
    assert all(len(row) == 6 for row in found)
    assert all(row[3] <= min(row[1], row[4]) <= max(row[1], row[4]) <= row[2] for row in found)


def test_open_interest_is_the_seventh_element_when_asked(simulator: Simulator) -> None:
    contract = rows(get(simulator, "/instruments/NFO"))[0]

    found = candles(
        simulator,
        "5minute",
        {"from": "2026-11-19", "to": "2026-11-19", "oi": "1"},
        token=int(contract["instrument_token"]),
    )

    assert len(found) == 77  # 385 minutes since the longer F&O session of August 2026
    assert all(len(row) == 7 and row[6] > 0 for row in found)


def test_date_only_range_means_whole_days(simulator: Simulator) -> None:
    found = candles(simulator, "60minute", {"from": "2026-11-18", "to": "2026-11-19"})

    assert len(found) == 14
    assert found[0][0] == "2026-11-18T09:15:00+0530"
    assert found[-1][0] == "2026-11-19T15:15:00+0530"


def test_daily_bar_is_the_days_minutes_at_midnight(simulator: Simulator) -> None:
    minutes = candles(simulator, "minute", {"from": "2026-11-19", "to": "2026-11-19"})

    [day] = candles(simulator, "day", {"from": "2026-11-19", "to": "2026-11-19"})

    assert day[0] == "2026-11-19T00:00:00+0530"
    assert day[1] == minutes[0][1]
    assert day[2] == max(row[2] for row in minutes)
    assert day[3] == min(row[3] for row in minutes)
    assert day[4] == minutes[-1][4]


def test_forming_bar_is_served_and_moves(simulator: Simulator, simulated_clock: FakeClock) -> None:
    today = {"from": "2026-11-20", "to": "2026-11-20"}

    early = candles(simulator, "5minute", today)
    simulated_clock.advance(timedelta(minutes=3))
    later = candles(simulator, "5minute", today)

    assert early[-1][0] == later[-1][0] == "2026-11-20T10:30:00+0530"
    assert early[-1] != later[-1]
    assert early[:-1] == later[:-1]


@pytest.mark.parametrize(
    ("interval", "days"), [("minute", 60), ("5minute", 100), ("30minute", 200), ("60minute", 400)]
)
def test_too_long_a_window_is_an_error_and_not_a_cut(
    simulator: Simulator, interval: str, days: int
) -> None:
    end = datetime(2015, 1, 30, 9, 15, tzinfo=UTC)  # before any candle, which keeps this quick
    path = f"/instruments/historical/{RELIANCE_TOKEN}/{interval}"
    window = {"to": f"{end:%Y-%m-%d %H:%M:%S}"}

    fits = {"from": f"{end - timedelta(days=days):%Y-%m-%d %H:%M:%S}"}
    allowed = get(simulator, path, window | fits)
    over = {"from": f"{end - timedelta(days=days, seconds=1):%Y-%m-%d %H:%M:%S}"}
    refused = get(simulator, path, window | over)

    assert allowed.status_code == 200
    assert refused.status_code == 400
    assert body_of(refused)["error_type"] == "InputException"
    assert body_of(refused)["message"] == f"interval exceeds max limit: {days} days"


@pytest.mark.parametrize(
    ("path", "params", "message"),
    [
        ("/instruments/historical/1/minute", {}, "invalid token"),
        (f"/instruments/historical/{NIFTY_TOKEN}/fortnight", {}, "invalid interval"),
        (f"/instruments/historical/{NIFTY_TOKEN}/day", {"from": "x"}, "invalid from date"),
        (
            f"/instruments/historical/{NIFTY_TOKEN}/day",
            {"from": "2026-11-20", "to": "2026-11-18"},
            "from date cannot be after to date",
        ),
    ],
)
def test_wrong_history_request_is_one_clear_text(
    simulator: Simulator, path: str, params: dict[str, str], message: str
) -> None:
    answer = get(simulator, path, {"from": "2026-11-19", "to": "2026-11-19"} | params)

    assert (answer.status_code, body_of(answer)["message"]) == (400, message)


def test_expired_contract_has_no_history(simulator: Simulator, simulated_clock: FakeClock) -> None:
    listed = rows(get(simulator, "/instruments/NFO"))
    token = next(row["instrument_token"] for row in listed if row["expiry"] == "2026-11-23")
    asked = {"from": "2026-11-19", "to": "2026-11-19"}
    before = get(simulator, f"/instruments/historical/{token}/day", asked)

    simulated_clock.advance(timedelta(days=5))
    after = get(simulator, f"/instruments/historical/{token}/day", asked)

    assert before.status_code == 200
    assert (after.status_code, body_of(after)["message"]) == (400, "invalid token")


def test_quotes_are_keyed_as_asked_and_unknown_keys_are_left_out(simulator: Simulator) -> None:
    asked = ["NSE:NIFTY 50", "NSE:RELIANCE", "NSE:NOSUCH", "738561"]

    answer = get(simulator, "/quote", {"i": asked})

    data = body_of(answer)["data"]
    assert set(data) == {"NSE:NIFTY 50", "NSE:RELIANCE", "738561"}
    assert data["NSE:RELIANCE"]["instrument_token"] == RELIANCE_TOKEN
    assert data["NSE:RELIANCE"]["timestamp"] == "2026-11-20 10:30:30"
    assert [len(side) for side in data["NSE:RELIANCE"]["depth"].values()] == [5, 5]
    assert "depth" not in data["NSE:NIFTY 50"]


def test_quote_agrees_with_history(simulator: Simulator) -> None:
    quote = body_of(get(simulator, "/quote/ohlc", {"i": "NSE:NIFTY 50"}))["data"]["NSE:NIFTY 50"]
    days = candles(simulator, "day", {"from": "2026-11-19", "to": "2026-11-20"})

    ohlc = quote["ohlc"]
    assert ohlc["close"] == days[0][4]
    assert [ohlc["open"], ohlc["high"], ohlc["low"], quote["last_price"]] == days[1][1:5]


def test_ltp_is_two_fields(simulator: Simulator) -> None:
    data = body_of(get(simulator, "/quote/ltp", {"i": "NSE:INFY"}))["data"]["NSE:INFY"]

    assert set(data) == {"instrument_token", "last_price"}


@pytest.mark.parametrize(("path", "most"), [("/quote", 500), ("/quote/ltp", 1000)])
def test_quotes_are_capped(simulator: Simulator, path: str, most: int) -> None:
    within = get(simulator, path, {"i": ["1"] * most})
    beyond = get(simulator, path, {"i": ["1"] * (most + 1)})

    assert body_of(within) == {"status": "success", "data": {}}
    assert beyond.status_code == 400


def test_quotes_on_a_sunday_are_fridays(simulator: Simulator, simulated_clock: FakeClock) -> None:
    simulated_clock.set(datetime(2026, 11, 22, 6, 0, tzinfo=UTC))

    quote = body_of(get(simulator, "/quote/ohlc", {"i": "NSE:NIFTY 50"}))["data"]["NSE:NIFTY 50"]
    [friday] = candles(simulator, "day", {"from": "2026-11-20", "to": "2026-11-22"})

    assert quote["last_price"] == friday[4]


def test_market_data_needs_a_live_token(simulator: Simulator) -> None:
    headers = kite_headers("stale")

    answers = [
        simulator.http.get(f"{path}", headers=headers)
        for path in ("/instruments", "/quote?i=NSE:INFY", "/instruments/historical/265/day")
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
