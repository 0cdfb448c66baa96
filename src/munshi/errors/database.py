"""The database, and copying it."""

from munshi.errors.base import AppError


class DatabaseUnreachableError(AppError):
    """The database cannot be reached."""

    status = 503
    retryable = True


class DatabaseStaleError(AppError):
    """The database is not at the revision this version needs."""

    status = 503


class DatabaseUnfinishedError(AppError):
    """The database was to become a copy of another, and is not finished."""

    status = 503


class DatabaseInUseError(AppError):
    """Somebody still works with the database that is to be copied."""

    status = 409
    retryable = True


class CopyTargetUnfitError(AppError):
    """The database cannot become a copy of another."""

    status = 409


class LegacyTablesKeptError(AppError):
    """The tables of the old install were not dropped."""

    status = 409


class CopyRowUnfitError(AppError):
    """A row does not fit into the database that it is copied to."""

    status = 422


class CopyUnequalError(AppError):
    """What was copied reads otherwise than what it was copied from."""


class DatabaseForeignError(AppError):
    """The database holds tables of our names that we did not make."""

    status = 503


class DatabaseUrlInvalidError(AppError):
    """The database address cannot be understood."""


class TransactionNestedError(AppError):
    """A transaction was opened inside another."""


class TransactionOpenError(AppError):
    """Something slow was asked while a transaction was open."""
