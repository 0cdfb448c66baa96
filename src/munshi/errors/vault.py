"""The vault, its keys and what it holds."""

from munshi.errors.base import AppError


class VaultKeyInvalidError(AppError):
    """The key that protects stored secrets cannot be used."""

    status = 503


class VaultKeyMissingError(AppError):
    """The place where the master key was kept does not hold it any more."""

    status = 503


class VaultKeyConflictError(AppError):
    """Two places hold different master keys."""

    status = 503


class KeyBackupInvalidError(AppError):
    """The copy of the keys cannot be used."""


class PassphraseWeakError(AppError):
    """The passphrase is too easy to guess."""


class KeyChangeConflictError(AppError):
    """Somebody else is changing the keys."""

    status = 409
    retryable = True


class TotpSeedInvalidError(AppError):
    """The TOTP seed cannot be used."""

    status = 422


class SecretUnreadableError(AppError):
    """A stored secret cannot be decrypted."""
