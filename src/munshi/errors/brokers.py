"""What a broker answers, named by the reaction it calls for."""

from datetime import datetime

from munshi.errors.base import AppError


class BrokerError(AppError):
    """The broker could not do what was asked."""

    status = 502


class BrokerSessionExpiredError(BrokerError):
    """The broker no longer accepts this login: log in again."""

    status = 409


class BrokerLoginRefusedError(BrokerError):
    """The broker refused the credentials or the one-time token."""

    status = 409


class BrokerThrottledError(BrokerError):
    """The broker's request limit is reached: wait."""

    status = 503
    retryable = True

    def __init__(self, detail: str, *, retry_after: float, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint, retry_after=retry_after)
        self.retry_after = retry_after


class BrokerRequestError(BrokerError):
    """The broker found the request wrong: fix it."""

    status = 422


class BrokerUnavailableError(BrokerError):
    """The broker is down, unreachable or answered nonsense."""

    status = 502
    retryable = True


class MasterRefusedError(BrokerUnavailableError):
    """The broker's list of instruments is not fit to be loaded: the one before it stays."""


class BrokerUnclearError(BrokerUnavailableError):
    """The broker failed at this one request and did not say why."""


class BrokerRestingError(BrokerUnavailableError):
    """The broker failed several times in a row and is left alone for a while: wait."""

    status = 503

    def __init__(self, detail: str, *, retry_after: float, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint, retry_after=retry_after)
        self.retry_after = retry_after


class BrokerClockError(BrokerLoginRefusedError):
    """The broker finds that this machine's clock is wrong."""

    def __init__(
        self, detail: str, *, broker_time: datetime | None = None, hint: str | None = None
    ) -> None:
        super().__init__(detail, hint=hint)
        self.broker_time = broker_time


class BrokerStreamSilentError(BrokerUnavailableError):
    """The broker's stream is open and says nothing, not even its heartbeat."""


class RequestAbandonedError(AppError):
    """The request was given up before it was sent, because whoever asked was told to stop."""

    status = 409
