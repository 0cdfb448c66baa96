"""Services under systemd."""

from munshi.errors.base import AppError


class ServicePlanInvalidError(AppError):
    """That service cannot be set up so."""

    status = 422


class ServiceUnitEditedError(AppError):
    """A unit was changed by hand, and is not overwritten."""

    status = 409


class ServiceUnitUnwritableError(AppError):
    """A unit cannot be written."""


class SystemdAbsentError(AppError):
    """This machine has no systemd that could keep Munshi running."""


class SystemdRefusedError(AppError):
    """systemd did not do what was asked."""
