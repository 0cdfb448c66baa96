"""Logins with brokers."""

from munshi.errors.base import AppError


class ServiceUnknownError(AppError):
    """No such service."""

    status = 404


class LoginNeededError(AppError):
    """A person has to log in at the broker first."""

    status = 409


class LoginNotPendingError(AppError):
    """No login is waiting for this redirect."""

    status = 403


class CredentialsMissingError(AppError):
    """The broker's key or secret has not been stored."""

    status = 409


class SessionConflictError(AppError):
    """Another login for the same service committed first."""

    status = 409
    retryable = True


class BrokerUserMismatchError(AppError):
    """The broker logged in somebody other than the configured user."""

    status = 403
