"""The machine and the home folder."""

from munshi.errors.base import AppError


class EnvFileInvalidError(AppError):
    """The `.env` file cannot be used."""


class HomeUnusableError(AppError):
    """Munshi's home folder cannot be used."""


class SettingsInvalidError(AppError):
    """A setting has a value that cannot be used."""


class ScriptNotFoundError(AppError):
    """The script cannot be started."""


class PortBusyError(AppError):
    """The port is already in use."""


class SimulatorRunningError(AppError):
    """A simulator already runs in this home."""

    status = 409


class ClockDriftError(AppError):
    """This machine's clock and the database's are too far apart."""

    status = 503
    retryable = True


class BindRefusedError(AppError):
    """Listening beyond this machine is refused until a user exists."""
