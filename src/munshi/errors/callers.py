"""Who may call, and with what."""

from munshi.errors.base import AppError


class AccessDeniedError(AppError):
    """This caller may not do that."""

    status = 403


class AuthenticationNeededError(AppError):
    """The caller has to say who they are."""

    status = 401


class SignInRefusedError(AppError):
    """Name, password or one-time code is wrong."""

    status = 401


class SignInThrottledError(AppError):
    """Too many sign-ins have failed: wait."""

    status = 429
    retryable = True


class PasswordQueueFullError(AppError):
    """Too many passwords are being checked at this moment."""

    status = 503
    retryable = True


class PasswordUnfitError(AppError):
    """The password is too easy to guess."""

    status = 422


class UserNameInvalidError(AppError):
    """The name cannot be used."""

    status = 422


class UserUnknownError(AppError):
    """No such user."""

    status = 404


class UserExistsError(AppError):
    """There is a user of that name already."""

    status = 409


class LastAdminError(AppError):
    """This is the last administrator who can sign in."""

    status = 409


class SetupLinkInvalidError(AppError):
    """The link was used already, has expired or was replaced by a newer one."""

    status = 403


class SessionNeededError(AppError):
    """Only a signed-in person can do this."""

    status = 403


class SessionUnknownError(AppError):
    """No such session."""

    status = 404


class PasswordConfirmationNeededError(AppError):
    """The password has to be given again first."""

    status = 403


class SecondFactorConflictError(AppError):
    """The second factor's state does not allow this."""

    status = 409


class ApiKeyUnknownError(AppError):
    """No such API key."""

    status = 404


class ApiKeyInvalidError(AppError):
    """The API key cannot be made like this."""

    status = 422
