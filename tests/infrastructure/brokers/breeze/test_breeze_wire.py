"""The bytes Breeze is sent, against its documentation."""

import json
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from broker_clients import OpenGate, no_transaction_open
from clocks import FakeClock
from munshi.domain.market.intervals import Interval
from munshi.errors import (
    AppError,
    BrokerThrottledError,
    BrokerUnavailableError,
    DateRangeInvalidError,
    IntervalUnknownError,
)
from munshi.infrastructure.brokers.breeze.access import BreezeAccess, body_checksum
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.breeze.contracts import BreezeContract
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.line import Gate
from munshi.infrastructure.database.engine import Database
from quotas import open_gate
from raw_server import RawServer, http_reply

ACCESS = BreezeAccess(app_key="breezekey", secret_key="breezesecret", session_token="dG9rZW4=")
SIGNED_AT = datetime(2026, 11, 20, 4, 15, tzinfo=UTC)
OPENS = datetime(2025, 2, 3, 3, 50, tzinfo=UTC)
CLOSES = datetime(2025, 2, 3, 3, 52, tzinfo=UTC)
CALL = BreezeContract(
    stock_code="NIFTY",
    exchange_code="NFO",
    product_type="options",
    expiry=date(2025, 2, 6),
    right="call",
    strike=Decimal(23200),
)
SHARE = BreezeContract(stock_code="RELIND", exchange_code="NSE")
EMPTY = http_reply('{"Success": null, "Status": 200, "Error": null}')


def make_client(
    server: RawServer, http: httpx.Client, clock: FakeClock, *, gate: Gate | None = None
) -> BreezeClient:
    return BreezeClient(
        http=http,
        endpoints=BreezeEndpoints.at(server.url),
        clock=clock,
        gate=gate or OpenGate(),
        guard=no_transaction_open,
    )


@pytest.fixture
def client(raw_server: RawServer, http: httpx.Client) -> BreezeClient:
    raw_server.replies = [EMPTY]
    return make_client(raw_server, http, FakeClock(SIGNED_AT))


def target(server: RawServer) -> tuple[str, str, list[tuple[str, str]]]:
    """Method, path and query of the first request."""
    method, address, _ = server.lines[0].split(" ")
    parts = urlsplit(address)
    return method, parts.path, parse_qsl(parts.query, keep_blank_values=True)


def test_customer_details_are_a_get_with_an_unsigned_body(
    client: BreezeClient, raw_server: RawServer
) -> None:
    with suppress(AppError):
        client.customer_details("12345678", app_key="breezekey")

    assert target(raw_server) == ("GET", "/breezeapi/api/v1/customerdetails", [])
    assert raw_server.body == b'{"SessionToken":"12345678","AppKey":"breezekey"}'
    assert raw_server.header("Content-Type") == "application/json"
    assert raw_server.header("X-Checksum") is None


def test_a_quote_is_a_get_whose_compact_body_is_signed(
    client: BreezeClient, raw_server: RawServer
) -> None:
    client.quotes(ACCESS, contract=CALL)

    assert target(raw_server) == ("GET", "/breezeapi/api/v1/quotes", [])
    assert raw_server.body == (
        b'{"stock_code":"NIFTY","exchange_code":"NFO","product_type":"options",'
        b'"expiry_date":"2025-02-06T07:00:00.000Z","right":"call","strike_price":"23200"}'
    )
    expected = body_checksum(
        raw_server.body.decode(),
        timestamp="2026-11-20T04:15:00.000Z",
        secret_key="breezesecret",
    )
    assert raw_server.header("X-Checksum") == f"token {expected}"
    assert raw_server.header("X-Timestamp") == "2026-11-20T04:15:00.000Z"
    assert raw_server.header("X-AppKey") == "breezekey"
    assert raw_server.header("X-SessionToken") == "dG9rZW4="


@pytest.mark.parametrize(
    ("contract", "terms"),
    [
        (SHARE, [("product_type", "cash")]),
        (
            CALL,
            [
                ("product_type", "options"),
                ("expiry_date", "2025-02-06T07:00:00.000Z"),
                ("right", "call"),
                ("strike_price", "23200"),
            ],
        ),
    ],
    ids=["share", "option"],
)
def test_history_is_asked_by_query_with_the_app_key_and_no_signature(
    client: BreezeClient,
    raw_server: RawServer,
    contract: BreezeContract,
    terms: list[tuple[str, str]],
) -> None:
    client.historical(
        ACCESS, contract=contract, interval=Interval.ONE_MINUTE, start=OPENS, end=CLOSES
    )

    method, path, query = target(raw_server)
    assert (method, path) == ("GET", "/api/v2/historicalcharts")
    assert query == [
        ("interval", "1minute"),
        ("from_date", "2025-02-03T09:20:00.000Z"),
        ("to_date", "2025-02-03T09:22:00.000Z"),
        ("stock_code", contract.stock_code),
        ("exch_code", contract.exchange_code),
        *terms,
    ]
    assert raw_server.header("apikey") == "breezekey"
    assert raw_server.header("X-SessionToken") == "dG9rZW4="
    assert raw_server.header("X-Checksum") is None


def test_a_request_is_signed_anew_after_a_wait(
    raw_server: RawServer, http: httpx.Client, sqlite_database: Database
) -> None:
    limit = {"Success": None, "Status": 5, "Error": "Limit exceed: API call per minute:"}
    raw_server.replies = [http_reply(json.dumps(limit), status="401 Unauthorized"), EMPTY]
    clock = FakeClock(SIGNED_AT)

    with closing(open_gate(sqlite_database, clock)) as quotas:
        client = make_client(raw_server, http, clock, gate=quotas.permit)
        client.quotes(ACCESS, contract=SHARE)

    first, second = (
        next(line for line in sent.decode().split("\r\n") if line.lower().startswith("x-timestamp"))
        for sent in raw_server.requests
    )
    assert first.endswith("04:15:00.000Z")
    assert second.endswith("04:16:00.000Z")


def test_a_second_refusal_within_the_minute_goes_to_the_caller(
    raw_server: RawServer, http: httpx.Client
) -> None:
    limit = {"Success": None, "Status": 5, "Error": "Limit exceed: API call per minute:"}
    raw_server.replies = [http_reply(json.dumps(limit), status="401 Unauthorized")]
    client = make_client(raw_server, http, FakeClock(SIGNED_AT))

    with pytest.raises(BrokerThrottledError):
        client.quotes(ACCESS, contract=SHARE)

    assert len(raw_server.requests) == 2


@pytest.mark.parametrize("interval", [Interval.FIFTEEN_MINUTES, Interval.ONE_HOUR])
def test_bars_breeze_does_not_serve_are_not_asked_for(
    client: BreezeClient, raw_server: RawServer, interval: Interval
) -> None:
    with pytest.raises(IntervalUnknownError):
        client.historical(ACCESS, contract=SHARE, interval=interval, start=OPENS, end=CLOSES)

    assert raw_server.requests == []


def test_a_window_that_is_backwards_is_not_asked_for(
    client: BreezeClient, raw_server: RawServer
) -> None:
    with pytest.raises(DateRangeInvalidError):
        client.historical(
            ACCESS, contract=SHARE, interval=Interval.ONE_DAY, start=CLOSES, end=OPENS
        )

    assert raw_server.requests == []


@pytest.mark.parametrize("token", ["", "not base64!", "bm8gY29sb24=", "OmtleQ=="])
def test_a_session_token_that_names_no_user_is_nonsense(
    client: BreezeClient, raw_server: RawServer, token: str
) -> None:
    granted = {"session_token": token, "idirect_user_name": "SOMEBODY"}
    reply = json.dumps({"Success": granted, "Status": 200, "Error": None})
    raw_server.replies = [http_reply(reply)]

    with pytest.raises(BrokerUnavailableError):
        client.customer_details("12345678", app_key="breezekey")


def test_the_golden_session_token_names_its_user(
    client: BreezeClient, raw_server: RawServer
) -> None:
    granted = {"session_token": "QUIxMjM0NTY6OTk4ODc3NjY=", "idirect_user_name": "SOMEBODY"}
    reply = json.dumps({"Success": granted, "Status": 200, "Error": None})
    raw_server.replies = [http_reply(reply)]

    login = client.customer_details("12345678", app_key="breezekey")

    assert (login.user_id, login.user_name) == ("AB123456", "SOMEBODY")
    assert login.session_token == "QUIxMjM0NTY6OTk4ODc3NjY="
    assert login.access_token == "12345678"
    assert "99887766" not in repr(login)


@pytest.mark.parametrize(
    "reply",
    [
        http_reply("<html>moved</html>", content_type="text/html"),
        http_reply("", status="404 Not Found"),
        http_reply('{"Success": null, "Status": 200, "Error": null}'),
    ],
    ids=["page", "missing", "json"],
)
def test_what_is_no_zip_is_no_security_master(
    client: BreezeClient, raw_server: RawServer, reply: bytes
) -> None:
    raw_server.replies = [reply]

    with pytest.raises(BrokerUnavailableError):
        client.security_master()
