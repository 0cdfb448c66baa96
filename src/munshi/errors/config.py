"""Configuration and its history."""

from munshi.errors.base import AppError


class ConfigTypeUnknownError(AppError):
    """No such configuration type."""

    status = 404


class ConfigKeyUnknownError(AppError):
    """No such configuration key."""

    status = 404


class ConfigValueInvalidError(AppError):
    """The configuration value does not fit its key."""

    status = 422


class ConfigVersionConflictError(AppError):
    """The configuration value was changed by somebody else meanwhile."""

    status = 412


class ConfigChangeRepeatedError(AppError):
    """One change names the same setting twice."""

    status = 422


class ConfigRevisionUnknownError(AppError):
    """The configuration never had this revision."""

    status = 404


class ConfigRollbackRefusedError(AppError):
    """What stood then is not allowed today."""

    status = 422


class ConfigFileInvalidError(AppError):
    """The file of configuration cannot be taken over."""

    status = 422


class ConfigExportUnwritableError(AppError):
    """The configuration cannot be written there."""


class EditorFailedError(AppError):
    """The editor did not do its work."""


class ConfigConflictUnsettledError(AppError):
    """Files say different things about the same setting."""

    status = 409
