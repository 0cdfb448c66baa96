"""What goes wrong on the wire, and that no failure or log line repeats a secret."""

import logging
import traceback

import httpx
import pytest

from munshi.errors import BrokerUnavailableError
from munshi.infrastructure.brokers.http import Reply, exchange, open_http
from raw_server import RawServer, http_reply

SECRET = "s3cr3t-t0ken"


def send(server: RawServer, client: httpx.Client) -> Reply:
    request = client.build_request(
        "DELETE",
        f"{server.url}/session/token",
        params={"access_token": SECRET},
        headers={"Authorization": f"token key:{SECRET}"},
    )
    return exchange(client, request, broker="Kite")


def test_silence_is_waited_for_no_longer_than_the_time_limit(
    raw_server: RawServer, impatient_http: httpx.Client
) -> None:
    raw_server.replies = [None]

    with pytest.raises(BrokerUnavailableError, match="Kite did not answer in time") as failure:
        send(raw_server, impatient_http)

    assert SECRET not in "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"", "broke off its reply"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "broke off its reply"),
        (b"not http at all\r\n\r\n", "broke off its reply"),
        (
            http_reply(b"not gzip", headers=["Content-Encoding: gzip"]),
            "sent a reply that cannot be unpacked",
        ),
    ],
    ids=["closed", "truncated", "not-http", "bad-gzip"],
)
def test_each_broken_reply_means_that_the_broker_is_unavailable(
    raw_server: RawServer, http: httpx.Client, reply: bytes, said: str
) -> None:
    raw_server.replies = [reply]

    with pytest.raises(BrokerUnavailableError, match=f"Kite {said}") as failure:
        send(raw_server, http)

    assert SECRET not in "".join(traceback.format_exception(failure.value))


def test_nobody_listening_means_that_the_broker_is_unavailable(http: httpx.Client) -> None:
    request = http.build_request("GET", "http://127.0.0.1:9/?access_token=" + SECRET)

    with pytest.raises(BrokerUnavailableError, match="could not be reached") as failure:
        exchange(http, request, broker="Breeze")

    assert SECRET not in "".join(traceback.format_exception(failure.value))


def test_nothing_about_a_request_is_logged_even_at_debug(
    raw_server: RawServer, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    send(raw_server, http)

    assert SECRET not in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_a_redirect_is_handed_back_and_not_followed(
    raw_server: RawServer, http: httpx.Client
) -> None:
    raw_server.replies = [http_reply(status="302 Found", headers=["Location: /elsewhere"])]

    reply = send(raw_server, http)

    assert (reply.is_redirect, reply.location) == (True, "/elsewhere")
    assert len(raw_server.requests) == 1


def test_the_environments_proxy_is_not_used_for_what_stays_on_this_machine(
    raw_server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")

    with open_http(through_proxy=False) as client:
        reply = send(raw_server, client)

    assert reply.status == 200


def test_every_wait_has_an_end_by_default() -> None:
    with open_http(through_proxy=False) as client:
        limits = client.timeout.as_dict()

    assert set(limits) == {"connect", "read", "write", "pool"}
    assert all(seconds is not None and seconds <= 15 for seconds in limits.values())


def test_neither_a_reply_nor_its_address_shows_in_a_repr(
    raw_server: RawServer, http: httpx.Client
) -> None:
    raw_server.replies = [http_reply(f'{{"access_token": "{SECRET}"}}')]

    reply = send(raw_server, http)

    assert SECRET not in repr(reply)
