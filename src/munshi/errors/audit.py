"""The trail, its ledger and its archives."""

from munshi.errors.base import AppError


class CheckpointInvalidError(AppError):
    """The text is no checkpoint of an audit trail."""

    status = 422


class ProofInvalidError(AppError):
    """The file is no proof of an audit row, or does not prove it."""

    status = 422


class AuditRowUnknownError(AppError):
    """There is no audit row of that number."""

    status = 404


class AuditRowUnsealedError(AppError):
    """The audit row is not sealed yet."""

    status = 409
    retryable = True


class LedgerBrokenError(AppError):
    """The audit trail is not as it was sealed."""

    status = 500


class ArchiveInvalidError(AppError):
    """The archive of audit rows is missing, damaged or does not belong here."""

    status = 422


class ArchiveUnwritableError(AppError):
    """An archive of audit rows cannot be written or removed."""

    status = 507
    retryable = True


class ArchiveUnknownError(AppError):
    """There is no archive of audit rows by that name."""

    status = 404


class ArchiveBusyError(AppError):
    """Somebody else is at work on the archives of the audit trail."""

    status = 409
    retryable = True


class ArchiveDroppedError(AppError):
    """The archive was dropped by retention and cannot come back."""

    status = 410
