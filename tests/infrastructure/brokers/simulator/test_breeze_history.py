"""Breeze history: the cut to 1,000 rows, IST behind a Z, and the row shapes of both versions."""

import json
from typing import Any

import pytest

from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER
from simulators import Simulator, body_of, breeze_headers

NIFTY = {"stock_code": "NIFTY", "exch_code": "NSE", "product_type": "cash"}
CALL = {
    "stock_code": "NIFTY",
    "exch_code": "NFO",
    "product_type": "options",
    "expiry_date": "2026-11-23T07:00:00.000Z",
    "right": "call",
    "strike_price": "29000",
}


def version_two(simulator: Simulator, **query: str) -> dict[str, Any]:
    return body_of(
        simulator.http.get(
            "/api/v2/historicalcharts",
            headers={
                "X-SessionToken": simulator.breeze_session_token(),
                "apikey": BREEZE_USER.app_key,
            },
            params={"interval": "1minute"} | query,
        )
    )


def version_one(simulator: Simulator, **body: str) -> dict[str, Any]:
    text = json.dumps({"interval": "minute"} | body, separators=(",", ":"))
    headers = breeze_headers(text, simulator.breeze_session_token(), now=simulator.clock.now())
    url = "/breezeapi/api/v1/historicalcharts"
    return body_of(simulator.http.request("GET", url, content=text, headers=headers))


def window(start: str, end: str) -> dict[str, str]:
    return {"from_date": f"{start}:00.000Z", "to_date": f"{end}:00.000Z"}


def test_times_are_ist_whatever_the_z_says_and_both_ends_count(simulator: Simulator) -> None:
    answer = version_two(simulator, **NIFTY, **window("2026-11-19T09:20", "2026-11-19T09:22"))

    assert (answer["Status"], answer["Error"]) == (200, None)
    assert [row["datetime"] for row in answer["Success"]] == [
        "2026-11-19 09:20:00",
        "2026-11-19 09:21:00",
        "2026-11-19 09:22:00",
    ]


def test_too_long_a_range_loses_its_oldest_rows(simulator: Simulator) -> None:
    answer = version_two(simulator, **NIFTY, **window("2026-11-16T00:00", "2026-11-19T23:59"))

    rows = answer["Success"]
    assert len(rows) == 1000
    assert rows[-1]["datetime"] == "2026-11-19 15:29:00"
    # Four days are 1,500 minutes: the first 500 are gone, without a word.
    assert rows[0]["datetime"] == "2026-11-17 11:20:00"


def test_version_two_rows_are_numbers_and_cash_rows_have_no_contract_fields(
    simulator: Simulator,
) -> None:
    minute = window("2026-11-19T09:20", "2026-11-19T09:20")

    [cash] = version_two(simulator, **NIFTY, **minute)["Success"]
    [option] = version_two(simulator, **CALL, **minute)["Success"]

    assert set(cash) == {
        "datetime", "stock_code", "exchange_code", "open", "high", "low", "close", "volume",
    }  # fmt: skip
    assert set(option) - set(cash) == {
        "product_type", "expiry_date", "open_interest", "right", "strike_price",
    }  # fmt: skip
    assert isinstance(cash["open"], float)
    assert option["expiry_date"] == "23-NOV-2026"
    assert (option["product_type"], option["right"]) == ("Options", "Call")
    assert option["strike_price"] == 29000.0


def test_version_one_rows_are_text_with_a_whole_count(simulator: Simulator) -> None:
    body = dict(CALL)
    body["exchange_code"] = body.pop("exch_code")

    answer = version_one(simulator, **body, **window("2026-11-19T09:20", "2026-11-19T09:22"))

    rows = answer["Success"]
    assert [row["datetime"][-8:] for row in rows] == ["09:21:00", "09:22:00"]
    assert rows[0]["expiry_date"] == "23-NOV-26"
    assert isinstance(rows[0]["open"], str)
    assert isinstance(rows[0]["count"], int)


def test_both_brokers_daily_bars_come_by_date(simulator: Simulator) -> None:
    answer = version_two(
        simulator,
        **NIFTY,
        **window("2026-11-18T07:00", "2026-11-19T07:00"),
        interval="1day",
    )

    assert [row["datetime"] for row in answer["Success"]] == [
        "2026-11-18 00:00:00",
        "2026-11-19 00:00:00",
    ]


def test_expired_contracts_are_served(simulator: Simulator) -> None:
    expired = CALL | {"expiry_date": "2025-02-06T07:00:00.000Z", "strike_price": "22000"}

    answer = version_two(simulator, **expired, **window("2025-02-06T09:15", "2025-02-06T15:29"))

    assert len(answer["Success"]) == 375


@pytest.mark.parametrize(
    "wrong",
    [
        {"expiry_date": "2026-11-25T07:00:00.000Z"},
        {"strike_price": "29010"},
        {"stock_code": "NOSUCH"},
        {"right": "sideways"},
    ],
)
def test_contracts_that_never_were_have_no_rows(
    simulator: Simulator, wrong: dict[str, str]
) -> None:
    answer = version_two(
        simulator, **(CALL | wrong), **window("2026-11-19T09:20", "2026-11-19T09:22")
    )

    assert answer == {"Success": [], "Status": 200, "Error": "No Data Found"}


def test_version_two_reads_exch_code_and_not_exchange_code(simulator: Simulator) -> None:
    wrong = {"stock_code": "NIFTY", "exchange_code": "NSE", "product_type": "cash"}

    answer = version_two(simulator, **wrong, **window("2026-11-19T09:20", "2026-11-19T09:22"))

    assert answer == {"Success": None, "Status": 400, "Error": "Exchange-Code cannot be empty"}


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"apikey": "other"}, "Public Key does not exist."),
        ({"X-SessionToken": "QQ=="}, "Invalid session."),
    ],
)
def test_version_two_needs_the_key_and_the_session(
    simulator: Simulator, headers: dict[str, str], error: str
) -> None:
    good = {"X-SessionToken": simulator.breeze_session_token(), "apikey": BREEZE_USER.app_key}

    answer = simulator.http.get("/api/v2/historicalcharts", headers=good | headers)

    assert body_of(answer)["Error"] == error


def test_wrong_interval_and_wrong_date_are_told(simulator: Simulator) -> None:
    day = window("2026-11-19T09:20", "2026-11-19T09:22")

    interval = version_two(simulator, **NIFTY, **day, interval="7minute")
    when = version_two(simulator, **NIFTY, **(day | {"from_date": "19-11-2026"}))

    assert interval["Error"].startswith("Interval should be either '1minute'")
    assert when["Error"].startswith("from_date")
