"""What is wrong with a call itself."""

from munshi.errors.base import AppError


class RateLimitExceededError(AppError):
    """Too many requests: wait."""

    status = 429
    retryable = True


class BodyTimeoutError(AppError):
    """The body took too long to arrive."""

    status = 408
    retryable = True


class HostForeignError(AppError):
    """The request was meant for another server."""

    status = 421


class OriginForeignError(AppError):
    """The request was sent by another site."""

    status = 403


class PathUnknownError(AppError):
    """There is nothing at this address."""

    status = 404


class MethodUnsupportedError(AppError):
    """The address does not take this method."""

    status = 405


class BodyTooLargeError(AppError):
    """The body is too large."""

    status = 413


class BodyMalformedError(AppError):
    """The body cannot be read."""

    status = 400


class UnexpectedError(AppError):
    """Something failed inside Munshi."""


class RequestInvalidError(AppError):
    """The request cannot be understood."""

    status = 422


class ConditionMalformedError(AppError):
    """The If-Match or If-None-Match header cannot be read."""

    status = 400


class CursorInvalidError(AppError):
    """The page cursor is not one of ours."""

    status = 422
