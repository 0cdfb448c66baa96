"""Which reaction each of Breeze's answers calls for."""

import json
from datetime import UTC, datetime

import pytest

from munshi.errors import (
    AppError,
    BrokerClockError,
    BrokerLoginRefusedError,
    BrokerRequestError,
    BrokerSessionExpiredError,
    BrokerThrottledError,
    BrokerUnavailableError,
    BrokerUnclearError,
)
from munshi.infrastructure.brokers.breeze.envelope import read_success
from munshi.infrastructure.brokers.http import Reply

NOON_IST = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


def answered(body: str, *, http: int = 200, content_type: str = "application/json") -> Reply:
    return Reply(broker="Breeze", status=http, content_type=content_type, body=body.encode())


def enveloped(success: object, *, status: int = 200, error: str | None = None, http: int) -> Reply:
    return answered(json.dumps({"Success": success, "Status": status, "Error": error}), http=http)


def test_success_is_handed_over() -> None:
    reply = enveloped([{"close": 1}], http=200)

    assert read_success(reply, now=NOON_IST).value == [{"close": 1}]


@pytest.mark.parametrize("success", [None, [], ""])
@pytest.mark.parametrize("error", [None, "No Data Found", "No Data Found. "])
def test_no_data_is_an_answer_and_no_error(success: object, error: str | None) -> None:
    reply = enveloped(success, error=error, http=200)

    assert read_success(reply, now=NOON_IST).value is None


def test_nothing_with_an_error_status_is_never_taken_for_no_data() -> None:
    with pytest.raises(BrokerUnavailableError):
        read_success(enveloped(None, status=500, http=200), now=NOON_IST)


@pytest.mark.parametrize(
    ("error", "status", "http", "reaction"),
    [
        ("Limit exceed: API call per minute:Try after some time", 5, 401, "throttled"),
        ("Limit exceed: API call per day: ", 5, 401, "throttled"),
        ("Invalid session.", 401, 401, "expired"),
        ("Resource not available.", 500, 200, "expired"),
        ("Session expired", 401, 200, "expired"),
        ("Unauthorized", 401, 401, "expired"),
        ("Public Key does not exist.", 500, 200, "login"),
        ("Authentication Fail :: Invalid Checksum.", 401, 401, "login"),
        ("Authentication Fail :: Invalid Timestamp.", 401, 401, "clock"),
        ("Stock-Code cannot be empty", 400, 200, "request"),
        ("Something about this call", 401, 401, "request"),
        ("Service Unavailable", 503, 503, "unavailable"),
        ("Something went wrong", 500, 200, "unclear"),
    ],
)
def test_the_text_says_which_reaction_is_called_for(
    error: str, status: int, http: int, reaction: str
) -> None:
    expected: dict[str, type[AppError]] = {
        "expired": BrokerSessionExpiredError,
        "request": BrokerRequestError,
        "login": BrokerLoginRefusedError,
        "clock": BrokerClockError,
        "throttled": BrokerThrottledError,
        "unavailable": BrokerUnavailableError,
        "unclear": BrokerUnclearError,
    }

    with pytest.raises(AppError) as refusal:
        read_success(enveloped(None, status=status, error=error, http=http), now=NOON_IST)

    assert type(refusal.value) is expected[reaction]


def test_an_invalid_session_at_login_means_that_the_value_of_the_redirect_was_refused() -> None:
    with pytest.raises(BrokerLoginRefusedError):
        read_success(
            enveloped(None, status=500, error="Invalid session.", http=200),
            now=NOON_IST,
            at_login=True,
        )


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ("Limit exceed: API call per minute:Try after some time", 60.0),
        ("Limit exceed: API call per day: ", 12 * 3600.0),
    ],
)
def test_a_limit_says_when_it_ends(error: str, seconds: float) -> None:
    with pytest.raises(BrokerThrottledError) as refusal:
        read_success(enveloped(None, status=5, error=error, http=401), now=NOON_IST)

    assert refusal.value.retry_after == seconds


@pytest.mark.parametrize(
    "reply",
    [
        answered("<html>down</html>", http=503, content_type="text/html"),
        answered("<html>fine?</html>", content_type="text/html"),
        answered("{"),
        answered("[]"),
        answered('{"Success": []}'),
        answered('{"message": "no such route"}', http=404),
        answered("", http=502, content_type=""),
    ],
    ids=str,
)
def test_what_is_not_breezes_json_means_that_breeze_is_unavailable(reply: Reply) -> None:
    with pytest.raises(BrokerUnavailableError):
        read_success(reply, now=NOON_IST)


@pytest.mark.parametrize("content_type", ["text/html", "text/plain"])
def test_a_429_page_is_a_refusal_for_haste_too(content_type: str) -> None:
    with pytest.raises(BrokerThrottledError):
        read_success(answered("slow down", http=429, content_type=content_type), now=NOON_IST)
