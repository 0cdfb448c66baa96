"""What the cache refuses."""

from munshi.errors.base import AppError


class CacheValueUnfitError(AppError):
    """The value is not what its shelf of the cache holds."""

    status = 500


class CacheValueTooLargeError(AppError):
    """The value is too large for the cache."""

    status = 500


class CacheShelfUnknownError(AppError):
    """No such shelf of the cache."""

    status = 404
