"""Reading Kite's envelope: the data, or the error that the body asks for."""

from http import HTTPStatus

from munshi.errors import (
    AppError,
    BrokerLoginRefusedError,
    BrokerRequestError,
    BrokerSessionExpiredError,
    BrokerThrottledError,
    BrokerUnavailableError,
    BrokerUnclearError,
)
from munshi.infrastructure.brokers.answer import Answer, one_line
from munshi.infrastructure.brokers.http import Reply

BROKER = "Kite"
THROTTLE_SECONDS = 2.0
_REQUEST_ERRORS = frozenset(
    {
        "InputException",
        "OrderException",
        "MarginException",
        "HoldingException",
        "UserException",
    }
)
_PLAN_ERRORS = frozenset({"PermissionException", "PermissionError"})
_BROKER_ERRORS = frozenset({"NetworkException", "DataException"})
_LOGIN_ERRORS = frozenset({"TwoFAException", "TwoFAError"})
_REFUSED_AT_LOGIN = _LOGIN_ERRORS | {"TokenException", "InputException", "UserException"}


def read_data(reply: Reply) -> Answer:
    """The `data` of a call made with a token."""
    return _data(reply, at_login=False)


def read_login(reply: Reply) -> Answer:
    """The `data` of a step of logging in, where a refusal means wrong credentials or token."""
    return _data(reply, at_login=True)


def read_csv(reply: Reply) -> str:
    """An instrument dump; its errors come as JSON."""
    if reply.status == HTTPStatus.OK and "csv" in reply.content_type:
        return reply.text()
    _data(reply, at_login=False)
    raise reply.nonsense("no CSV")


def _data(reply: Reply, *, at_login: bool) -> Answer:
    if "json" not in reply.content_type:
        raise _without_envelope(reply)
    envelope = Answer(BROKER, reply.json())
    if envelope.get("status").value == "success":
        return envelope["data"]
    if envelope.get("status").value != "error":
        raise reply.nonsense("JSON without its envelope")
    raise _error(
        reply,
        error_type=envelope.get("error_type").text_or("GeneralException"),
        message=envelope.get("message").text_or("no reason given"),
        at_login=at_login,
    )


def _error(reply: Reply, *, error_type: str, message: str, at_login: bool) -> AppError:
    """The reaction called for, by `error_type`; the status only refines what it leaves open."""
    said = f"Kite said: {one_line(message)}"
    if _is_throttling(reply, error_type=error_type, message=message):
        return _throttled(reply)
    if error_type in _LOGIN_ERRORS or (at_login and error_type in _REFUSED_AT_LOGIN):
        return BrokerLoginRefusedError(
            said, hint="Check the credentials, or begin again: munshi login kite"
        )
    # A missing or malformed header is an InputException that names the token.
    if error_type == "TokenException" or (
        error_type == "InputException" and "access_token" in message
    ):
        return BrokerSessionExpiredError(said, hint="Log in again: munshi login kite")
    return _trouble(reply, error_type=error_type, said=said)


def _trouble(reply: Reply, *, error_type: str, said: str) -> AppError:
    """The request's fault, or the broker's."""
    if error_type in _PLAN_ERRORS:
        return BrokerRequestError(said, hint="Quotes and history need Kite's paid Connect plan.")
    is_open = error_type not in _REQUEST_ERRORS | _BROKER_ERRORS
    is_refused = is_open and reply.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if is_refused or error_type in _REQUEST_ERRORS:
        return BrokerRequestError(said)
    failure = BrokerUnclearError if is_open else BrokerUnavailableError
    return failure(said, hint="Try again in a few minutes.")


def _is_throttling(reply: Reply, *, error_type: str, message: str) -> bool:
    if error_type != "NetworkException":
        return False
    too_many = "too many requests" in message.lower()
    return too_many or reply.status == HTTPStatus.TOO_MANY_REQUESTS


def _without_envelope(reply: Reply) -> AppError:
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _throttled(reply)
    return reply.nonsense("something other than JSON")


def _throttled(reply: Reply) -> BrokerThrottledError:
    return BrokerThrottledError(
        "Kite's request limit is reached.", retry_after=reply.retry_after or THROTTLE_SECONDS
    )
