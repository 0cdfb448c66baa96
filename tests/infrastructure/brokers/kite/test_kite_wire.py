"""The bytes Kite is sent, against its documentation."""

import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from broker_clients import OpenGate, no_transaction_open
from munshi.domain.market.intervals import Interval
from munshi.errors import AppError, BrokerRequestError, DateRangeInvalidError
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from raw_server import RawServer, http_reply

ACCESS = KiteAccess(api_key="kitekey", access_token="acc")
OPENS = datetime(2024, 1, 15, 3, 45, tzinfo=UTC)
CLOSES = datetime(2024, 1, 15, 10, 0, tzinfo=UTC)


@pytest.fixture
def client(raw_server: RawServer, http: httpx.Client) -> KiteClient:
    raw_server.replies = [http_reply('{"status": "success", "data": {}}')]
    return KiteClient(
        http=http,
        endpoints=KiteEndpoints.at(raw_server.url),
        gate=OpenGate(),
        guard=no_transaction_open,
    )


def target(server: RawServer) -> tuple[str, str, list[tuple[str, str]]]:
    """Method, path and query of the first request."""
    method, address, _ = server.lines[0].split(" ")
    parts = urlsplit(address)
    return method, parts.path, parse_qsl(parts.query, keep_blank_values=True)


def test_the_request_token_is_exchanged_by_a_form_without_a_login(
    client: KiteClient, raw_server: RawServer
) -> None:
    with pytest.raises(AppError):
        client.exchange_request_token("reqtok123", api_key="kitekey", api_secret="kitesecret")

    assert target(raw_server) == ("POST", "/session/token", [])
    assert raw_server.header("Content-Type") == "application/x-www-form-urlencoded"
    assert raw_server.header("X-Kite-Version") == "3"
    assert raw_server.header("Authorization") is None
    assert raw_server.body == (
        b"api_key=kitekey&request_token=reqtok123&checksum="
        b"0b9ec475219ad7afc4cb29353f02d038d77f355885410ac8fad92c906da357f1"
    )


def test_logging_out_names_the_token_in_the_query(
    client: KiteClient, raw_server: RawServer
) -> None:
    client.invalidate(ACCESS)

    assert target(raw_server) == (
        "DELETE",
        "/session/token",
        [("api_key", "kitekey"), ("access_token", "acc")],
    )


@pytest.mark.parametrize(
    ("call", "path", "query"),
    [
        (lambda c: c.profile(ACCESS), "/user/profile", []),
        (lambda c: c.margins(ACCESS), "/user/margins", []),
        (lambda c: c.instruments(ACCESS), "/instruments", []),
        (lambda c: c.instruments(ACCESS, exchange="NFO"), "/instruments/NFO", []),
        (
            lambda c: c.quotes(ACCESS, instruments=["NSE:NIFTY 50", "NSE:TCS"]),
            "/quote",
            [("i", "NSE:NIFTY 50"), ("i", "NSE:TCS")],
        ),
        (lambda c: c.ohlc(ACCESS, instruments=["NSE:TCS"]), "/quote/ohlc", [("i", "NSE:TCS")]),
        (lambda c: c.ltp(ACCESS, instruments=["NSE:TCS"]), "/quote/ltp", [("i", "NSE:TCS")]),
        (
            lambda c: c.historical(
                ACCESS, token=256265, interval=Interval.FIVE_MINUTES, start=OPENS, end=CLOSES
            ),
            "/instruments/historical/256265/5minute",
            [
                ("from", "2024-01-15 09:15:00"),
                ("to", "2024-01-15 15:30:00"),
                ("continuous", "0"),
                ("oi", "0"),
            ],
        ),
        (
            lambda c: c.historical(
                ACCESS,
                token=1,
                interval=Interval.ONE_DAY,
                start=OPENS,
                end=CLOSES,
                oi=True,
                continuous=True,
            ),
            "/instruments/historical/1/day",
            [
                ("from", "2024-01-15 09:15:00"),
                ("to", "2024-01-15 15:30:00"),
                ("continuous", "1"),
                ("oi", "1"),
            ],
        ),
    ],
)
def test_a_read_is_a_get_with_version_login_and_query(
    client: KiteClient,
    raw_server: RawServer,
    call: Callable[[KiteClient], object],
    path: str,
    query: list[tuple[str, str]],
) -> None:
    # The canned answer is nonsense to some calls; what was sent is the point.
    with suppress(AppError):
        call(client)

    assert target(raw_server) == ("GET", path, query)
    assert raw_server.header("X-Kite-Version") == "3"
    assert raw_server.header("Authorization") == "token kitekey:acc"
    assert raw_server.body == b""


@pytest.mark.parametrize("count", [0, 501])
def test_more_quotes_than_kite_takes_are_not_asked_for(
    client: KiteClient, raw_server: RawServer, count: int
) -> None:
    with pytest.raises(BrokerRequestError, match="1 to 500"):
        client.quotes(ACCESS, instruments=[f"NSE:S{n}" for n in range(count)])

    assert raw_server.requests == []


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (CLOSES, OPENS, "ends before it starts"),
        (OPENS, datetime(2024, 4, 30, tzinfo=UTC), "at most 100 days of 5minute"),
    ],
)
def test_a_window_kite_would_refuse_is_not_asked_for(
    client: KiteClient, raw_server: RawServer, start: datetime, end: datetime, said: str
) -> None:
    with pytest.raises(DateRangeInvalidError, match=said):
        client.historical(ACCESS, token=1, interval=Interval.FIVE_MINUTES, start=start, end=end)

    assert raw_server.requests == []


def test_a_key_that_fits_no_header_is_a_request_to_fix_and_is_not_repeated(
    client: KiteClient, raw_server: RawServer
) -> None:
    broken = KiteAccess(api_key="k€y", access_token="acc€ss")

    with pytest.raises(BrokerRequestError, match="munshi connect kite") as refusal:
        client.profile(broken)

    assert broken.access_token not in "".join(traceback.format_exception(refusal.value))
    assert raw_server.requests == []
