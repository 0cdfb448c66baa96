"""Breeze's signed calls: signatures, quotes, chains, funds, the security master."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from clocks import FakeClock
from simulators import Simulator, body_of, breeze_headers

V1 = "/breezeapi/api/v1"


def call(
    simulator: Simulator,
    path: str,
    body: dict[str, str] | None = None,
    *,
    session: str | None = None,
    **headers: str,
) -> httpx.Response:
    text = json.dumps(body or {}, separators=(",", ":"))
    signed = breeze_headers(
        text, session or simulator.breeze_session_token(), now=simulator.clock.now()
    )
    return simulator.http.request("GET", f"{V1}/{path}", content=text, headers=signed | headers)


def test_documented_signature_vectors_hold() -> None:
    at = datetime(2026, 11, 20, 4, 15, tzinfo=UTC)
    body = '{"stock_code":"NIFTY","exchange_code":"NFO"}'

    signed = [breeze_headers(text, "", now=at, secret="breezesecret") for text in ("{}", body)]

    assert [headers["X-Checksum"] for headers in signed] == [
        "token 7fe8d9003ca464ca9c7feee7495fc3d30aa4fd167fd0e18b48728465fdf87c69",
        "token ab48c4dcb7193503003f540f0402e7576e91ada9b2b9c5ba2e79183c27db2b68",
    ]


def test_funds_mix_numbers_and_text_as_the_samples_do(simulator: Simulator) -> None:
    answer = call(simulator, "funds")

    success = body_of(answer)["Success"]
    assert answer.headers["content-type"] == "application/json"
    assert isinstance(success["total_bank_balance"], float)
    assert isinstance(success["unallocated_balance"], str)


@pytest.mark.parametrize(
    ("headers", "http", "status", "error"),
    [
        ({"X-Checksum": "token 00"}, 401, 5, "Authentication Fail :: Invalid Checksum."),
        ({"X-Checksum": "é"}, 401, 5, "Authentication Fail :: Invalid Checksum."),
        ({"X-Timestamp": "yesterday"}, 401, 5, "Authentication Fail :: Invalid Timestamp."),
        ({"X-AppKey": "other"}, 200, 500, "Public Key does not exist."),
        ({"X-SessionToken": "QUIxMjM0NTY6OTk4ODc3NjY="}, 200, 500, "Invalid session."),
        ({"X-SessionToken": "nonsense"}, 200, 500, "Invalid session."),
    ],
)
def test_each_wrong_header_has_its_text(
    simulator: Simulator, headers: dict[str, str], http: int, status: int, error: str
) -> None:
    encoded: Any = {name: value.encode() for name, value in headers.items()}

    answer = call(simulator, "funds", **encoded)

    assert answer.status_code == http
    assert body_of(answer) == {"Success": None, "Status": status, "Error": error}


def test_signature_covers_the_exact_body(simulator: Simulator) -> None:
    headers = breeze_headers("{}", simulator.breeze_session_token(), now=simulator.clock.now())

    answer = simulator.http.request("GET", f"{V1}/funds", content="{ }", headers=headers)

    assert body_of(answer)["Error"] == "Authentication Fail :: Invalid Checksum."


@pytest.mark.parametrize(("seconds", "accepted"), [(60, True), (61, False), (-61, False)])
def test_timestamp_may_be_a_minute_off(
    simulator: Simulator, seconds: int, *, accepted: bool
) -> None:
    headers = breeze_headers(
        "{}",
        simulator.breeze_session_token(),
        now=simulator.clock.now() - timedelta(seconds=seconds),
    )

    answer = simulator.http.request("GET", f"{V1}/funds", content="{}", headers=headers)

    assert (body_of(answer)["Status"] == 200) is accepted


def test_signed_calls_die_with_the_session_at_midnight(
    simulator: Simulator, simulated_clock: FakeClock
) -> None:
    session = simulator.breeze_session_token()

    simulated_clock.advance(timedelta(hours=14))
    answer = call(simulator, "funds", session=session)

    assert body_of(answer)["Error"] == "Resource not available."


def test_share_quote_has_a_row_for_each_exchange(simulator: Simulator) -> None:
    asked = {"stock_code": "RELIND", "exchange_code": "NSE", "product_type": "cash"}

    rows = body_of(call(simulator, "quotes", asked))["Success"]

    assert [row["exchange_code"] for row in rows] == ["NSE", "BSE"]
    assert rows[0]["ltt"] == "20-Nov-2026 10:30:00"
    assert isinstance(rows[0]["ltp"], float)
    assert isinstance(rows[0]["total_quantity_traded"], str)


def test_future_quote_names_its_contract_and_spot(simulator: Simulator) -> None:
    asked = {
        "stock_code": "NIFTY",
        "exchange_code": "NFO",
        "product_type": "futures",
        "expiry_date": "2026-11-23T06:00:00.000Z",
        "right": "others",
        "strike_price": "0",
    }

    [row] = body_of(call(simulator, "quotes", asked))["Success"]

    assert row["expiry_date"] == "23-Nov-2026"
    assert (row["product_type"], row["right"], row["strike_price"]) == ("Future", "*", 0.0)
    assert abs(float(row["spot_price"]) / row["ltp"] - 1) < 0.01


def test_option_chain_needs_two_filters(simulator: Simulator) -> None:
    asked = {"stock_code": "NIFTY", "exchange_code": "NFO", "product_type": "options"}

    refused = call(simulator, "optionchain", asked | {"right": "call"})

    assert body_of(refused)["Status"] == 400
    assert body_of(refused)["Success"] is None


def test_option_chain_lists_one_side_of_one_expiry(simulator: Simulator) -> None:
    asked = {
        "stock_code": "CNXBAN",
        "exchange_code": "NFO",
        "product_type": "options",
        "right": "put",
        "expiry_date": "2026-11-23T06:00:00.000Z",
    }

    rows = body_of(call(simulator, "optionchain", asked))["Success"]

    strikes = [row["strike_price"] for row in rows]
    assert len(strikes) == 81
    assert strikes == sorted(strikes)
    assert {(row["right"], row["stock_code"]) for row in rows} == {("Put", "CNXBAN")}
    prices = [row["ltp"] for row in rows]
    assert prices == sorted(prices)
    assert "chnge_oi" in rows[0]


def test_what_breeze_does_not_list_is_empty(simulator: Simulator) -> None:
    answer = body_of(call(simulator, "quotes", {"stock_code": "NOSUCH", "exchange_code": "NSE"}))

    assert answer == {"Success": [], "Status": 200, "Error": "No Data Found"}


def test_holdings_and_positions_answer(simulator: Simulator) -> None:
    holdings = body_of(call(simulator, "dematholdings"))
    positions = body_of(call(simulator, "portfoliopositions"))

    assert [row["stock_code"] for row in holdings["Success"]] == ["RELIND", "INFTEC"]
    assert positions["Success"] == []


def test_unknown_endpoint_is_404_in_the_envelope(simulator: Simulator) -> None:
    answer = simulator.http.get(f"{V1}/unheard")

    assert answer.status_code == 404
    assert body_of(answer)["Success"] is None


@pytest.mark.parametrize("folder", ["MotherAppMaster", "NewSecurityMaster"])
def test_security_master_is_a_zip_of_quoted_files_with_spaced_headers(
    simulator: Simulator, folder: str
) -> None:
    answer = simulator.http.get(f"/{folder}/SecurityMaster.zip")

    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    shares = archive.read("NSEScripMaster.txt").decode()
    contracts = list(csv.reader(io.StringIO(archive.read("FONSEScripMaster.txt").decode())))
    assert shares.startswith('"Token", "ShortName", "Series", "CompanyName"')
    assert '"2885","RELIND","EQ"' in shares
    assert shares.splitlines()[1].endswith('"RELIANCE"')
    future = next(row for row in contracts if row[1] == "FUTIDX" and row[2] == "NIFTY")
    assert future[3:7] == ["FUTURE", "23-Nov-2026", "0", "XX"]
    assert future[26:29] == ["65", "65", "0.05"]
    assert {len(row) for row in contracts} == {31}
