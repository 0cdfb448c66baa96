"""Reading Breeze's envelope: what succeeded, or the error that its text asks for."""

from datetime import datetime
from http import HTTPStatus

from munshi.domain.quotas import seconds_to_midnight_ist
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
from munshi.infrastructure.brokers.answer import Answer, one_line
from munshi.infrastructure.brokers.http import Reply

BROKER = "Breeze"
MINUTE_SECONDS = 60.0
_NO_DATA = ("no data found", "no record", "no data available")
_UNUSABLE_APP = ("public key does not exist", "checksum")
_GATEWAY_TROUBLE = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)


def read_success(reply: Reply, *, now: datetime, at_login: bool = False) -> Answer:
    """The envelope's `Success`; an Answer holding None where Breeze says there are no data.

    The HTTP status is not what happened: the minute limit comes as 401, an expired session as
    500. `at_login`, an invalid session means that the one-time value was refused.
    """
    try:
        envelope = Answer(BROKER, reply.json())
        fields = envelope.fields()
    except AppError:
        fields = {}
    if "Success" not in fields or "Error" not in fields:
        raise _without_envelope(reply)
    if fields["Success"]:
        return envelope["Success"]
    error = envelope["Error"].text_or("")
    status = _status(envelope, reply)
    says_empty = status == HTTPStatus.OK if not error else _says_no_data(error)
    if says_empty:
        return Answer(BROKER, None, "Success")
    said = error or "no reason given"
    if "timestamp" in said.lower():
        raise BrokerClockError(
            f"Breeze said: {one_line(said)}",
            broker_time=reply.dated,
            hint="Set this machine's clock (timedatectl set-ntp true).",
        )
    raise _error(said, status=status, now=now, at_login=at_login)


def _says_no_data(error: str) -> bool:
    return any(text in error.lower() for text in _NO_DATA)


def _status(envelope: Answer, reply: Reply) -> int:
    stated = envelope.get("Status").value
    return stated if isinstance(stated, int) else reply.status


def _error(text: str, *, status: int, now: datetime, at_login: bool) -> AppError:
    """The reaction called for, by the text Breeze gives; the status only where it says nothing."""
    lowered = text.lower()
    said = f"Breeze said: {one_line(text)}"
    if "limit exceed" in lowered:
        per_day = "per day" in lowered
        return BrokerThrottledError(
            said, retry_after=seconds_to_midnight_ist(now) if per_day else MINUTE_SECONDS
        )
    if any(words in lowered for words in _UNUSABLE_APP):
        return BrokerLoginRefusedError(
            said, hint="Check the app key and the secret: munshi connect breeze"
        )
    if at_login and "invalid session" in lowered:
        return BrokerLoginRefusedError(said, hint="Log in again: munshi login breeze")
    if "session" in lowered or "resource not available" in lowered or "unauthori" in lowered:
        return BrokerSessionExpiredError(said, hint="Log in again: munshi login breeze")
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return BrokerRequestError(said)
    # Breeze says 500 for what is wrong with a request, too.
    failure = BrokerUnavailableError if status in _GATEWAY_TROUBLE else BrokerUnclearError
    return failure(said, hint="Try again in a few minutes.")


def _without_envelope(reply: Reply) -> AppError:
    """Pages of the servers in front of Breeze."""
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return BrokerThrottledError(
            "Breeze's request limit is reached.", retry_after=reply.retry_after or MINUTE_SECONDS
        )
    return reply.nonsense("something other than its JSON")
