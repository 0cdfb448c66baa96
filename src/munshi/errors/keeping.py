"""Backups and restores."""

from munshi.errors.base import AppError


class BackupFailedError(AppError):
    """The backup could not be made."""


class BackupInvalidError(AppError):
    """The file is no backup, or it is damaged."""

    status = 422


class BackupNewerError(AppError):
    """The backup was made by a later version of Munshi."""

    status = 422


class BackupProgramMissingError(AppError):
    """A program of PostgreSQL's that copies databases is missing or too old."""


class RestoreRefusedError(AppError):
    """The backup cannot be restored to this place."""

    status = 409


class RestoreUnfinishedError(AppError):
    """A restore into this home was cut short."""

    status = 409
