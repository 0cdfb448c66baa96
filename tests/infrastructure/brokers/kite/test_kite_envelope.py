"""Which reaction each of Kite's answers calls for."""

import json

import pytest

from munshi.errors import (
    AppError,
    BrokerLoginRefusedError,
    BrokerRequestError,
    BrokerSessionExpiredError,
    BrokerThrottledError,
    BrokerUnavailableError,
    BrokerUnclearError,
)
from munshi.infrastructure.brokers.http import Reply
from munshi.infrastructure.brokers.kite.envelope import read_csv, read_data, read_login


def answered(
    body: str | bytes,
    *,
    status: int = 200,
    content_type: str = "application/json",
    retry_after: float | None = None,
) -> Reply:
    return Reply(
        broker="Kite",
        status=status,
        content_type=content_type,
        retry_after=retry_after,
        body=body.encode() if isinstance(body, str) else body,
    )


def refused(error_type: str, message: str = "why", *, status: int) -> Reply:
    body = {"status": "error", "message": message, "error_type": error_type, "data": None}
    return answered(json.dumps(body), status=status)


def test_success_hands_over_the_data() -> None:
    assert read_data(answered('{"status": "success", "data": true}')).value is True


@pytest.mark.parametrize(
    ("error_type", "status", "message", "reaction"),
    [
        ("TokenException", 403, "Incorrect `api_key` or `access_token`.", "expired"),
        ("TokenException", 500, "why", "expired"),
        ("InputException", 400, "Invalid `api_key` or `access_token`.", "expired"),
        ("InputException", 400, "interval exceeds max limit: 60 days", "request"),
        ("PermissionException", 403, "Insufficient permission for that call.", "request"),
        ("UserException", 403, "why", "request"),
        ("OrderException", 500, "why", "request"),
        ("MarginException", 400, "why", "request"),
        ("HoldingException", 428, "why", "request"),
        ("TwoFAException", 403, "why", "login"),
        ("NetworkException", 429, "Too many requests", "throttled"),
        ("NetworkException", 503, "Too many requests", "throttled"),
        ("NetworkException", 503, "Service unavailable.", "unavailable"),
        ("NetworkException", 504, "why", "unavailable"),
        ("DataException", 502, "why", "unavailable"),
        ("DataException", 400, "why", "unavailable"),
        ("GeneralException", 500, "why", "unclear"),
        ("GeneralException", 404, "why", "request"),
        ("BrandNewException", 500, "why", "unclear"),
        ("BrandNewException", 410, "why", "request"),
    ],
)
def test_the_body_says_which_reaction_is_called_for(
    error_type: str, status: int, message: str, reaction: str
) -> None:
    expected: dict[str, type[AppError]] = {
        "expired": BrokerSessionExpiredError,
        "request": BrokerRequestError,
        "login": BrokerLoginRefusedError,
        "throttled": BrokerThrottledError,
        "unavailable": BrokerUnavailableError,
        "unclear": BrokerUnclearError,
    }

    with pytest.raises(AppError) as refusal:
        read_data(refused(error_type, message, status=status))

    assert type(refusal.value) is expected[reaction]


@pytest.mark.parametrize(
    "error_type", ["TokenException", "InputException", "UserException", "TwoFAException"]
)
def test_during_a_login_a_refusal_means_wrong_credentials_or_token(error_type: str) -> None:
    with pytest.raises(BrokerLoginRefusedError, match="Kite said: why"):
        read_login(refused(error_type, status=403))


@pytest.mark.parametrize(
    "reply",
    [
        answered("<html>down</html>", status=503, content_type="text/html"),
        answered("<html>fine?</html>", content_type="text/html"),
        answered('{"status": "success", "data": 1}', content_type="text/plain"),
        answered("{", status=200),
        answered("[]"),
        answered('"success"'),
        answered('{"data": 1}'),
        answered('{"status": "success"}'),
        answered("", status=502, content_type=""),
    ],
    ids=str,
)
def test_what_is_not_kites_json_means_that_kite_is_unavailable(reply: Reply) -> None:
    with pytest.raises(BrokerUnavailableError):
        read_data(reply)


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", ""])
def test_a_429_without_json_is_a_refusal_for_haste_too(content_type: str) -> None:
    with pytest.raises(BrokerThrottledError):
        read_data(answered("Too many requests", status=429, content_type=content_type))


def test_a_retry_after_header_says_how_long_to_wait() -> None:
    reply = answered("slow down", status=429, content_type="text/plain", retry_after=17.0)

    with pytest.raises(BrokerThrottledError) as refusal:
        read_data(reply)

    assert refusal.value.retry_after == 17.0


def test_a_dump_is_handed_over_as_text() -> None:
    assert read_csv(answered("a,b\n1,2\n", content_type="text/csv")) == "a,b\n1,2\n"


def test_an_error_instead_of_a_dump_is_read_as_one() -> None:
    with pytest.raises(BrokerSessionExpiredError):
        read_csv(refused("TokenException", status=403))


def test_json_success_instead_of_a_dump_is_nonsense() -> None:
    with pytest.raises(BrokerUnavailableError, match="no CSV"):
        read_csv(answered('{"status": "success", "data": []}'))


def test_kites_words_are_shown_on_one_line() -> None:
    message = "\x1b[31mno\n  such " + "thing " * 100

    with pytest.raises(BrokerRequestError) as refusal:
        read_data(refused("InputException", message, status=400))

    assert refusal.value.detail.startswith("Kite said: [31mno such thing")
    assert len(refusal.value.detail) < 250


def test_a_plan_without_market_data_is_named() -> None:
    with pytest.raises(BrokerRequestError, match="paid Connect plan"):
        read_data(refused("PermissionException", "Insufficient permission.", status=403))
