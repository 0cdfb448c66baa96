"""Changes of configuration that belong together: one transaction, one revision, or nothing."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from munshi.config.fingerprints import fingerprint
from munshi.domain.audit import Actor
from munshi.domain.config import ConfigEntry
from munshi.domain.config_keys import ConfigKey, find_key
from munshi.errors import (
    ConfigChangeRepeatedError,
    ConfigVersionConflictError,
    SecretUnreadableError,
)
from munshi.infrastructure.database.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A value that is to be stored; None puts the default back.

    `expected_version` is the version that the caller has seen; None does not ask.
    """

    config_type: str
    config_key: str
    value: object = field(repr=False)
    expected_version: int | None = None

    @property
    def name(self) -> tuple[str, str]:
        return self.config_type, self.config_key


def check(changes: Sequence[Wanted]) -> list[ConfigKey]:
    """The declaration of each.

    Raises ConfigTypeUnknownError, ConfigKeyUnknownError, ConfigValueInvalidError, and
    ConfigChangeRepeatedError if a key is named twice.
    """
    keys = [find_key(*change.name) for change in changes]
    seen: set[tuple[str, str]] = set()
    for key, change in zip(keys, changes, strict=True):
        if change.name in seen:
            raise ConfigChangeRepeatedError(f"{'/'.join(change.name)} is named twice.")
        seen.add(change.name)
        if change.value is not None:
            key.check(change.config_key, change.value)
    return keys


def store(
    tx: Transaction,
    changes: Sequence[Wanted],
    *,
    expected_revision: int | None = None,
    actor: Actor,
    now: datetime,
) -> list[ConfigEntry]:
    """Store checked changes under one revision, each with history and audit.

    Raises ConfigVersionConflictError if a version, or the global revision, is not the expected.
    """
    if not changes:
        return []
    revision = tx.config.take_revision()
    if expected_revision is not None and revision != expected_revision + 1:
        raise ConfigVersionConflictError(
            f"The configuration is at revision {revision - 1}, not {expected_revision}.",
            hint="Look at it again and repeat the change.",
        )
    return [_store_one(tx, change, revision=revision, actor=actor, now=now) for change in changes]


def _store_one(
    tx: Transaction, change: Wanted, *, revision: int, actor: Actor, now: datetime
) -> ConfigEntry:
    key = find_key(*change.name)
    secret = _fingerprint_of_stored(tx, key, change.config_key)
    replaced = tx.config.replace_config(
        *change.name,
        change.value,
        is_secret=key.is_secret,
        description=key.description,
        expected_version=change.expected_version,
        revision=revision,
        updated_by=actor.user_id,
        now=now,
    )
    before, after = replaced.before, replaced.after
    tx.audit.log_config_change(
        *change.name,
        old_value=_audited(key, before, secret.get(before.version)) if before else None,
        new_value=_audited(key, after, _fingerprint(tx, key, change.config_key, change.value)),
        revision=revision,
        actor=actor,
        now=now,
    )
    return after


def _audited(key: ConfigKey, entry: ConfigEntry, secret: str | None) -> object:
    """What the audit keeps of a value; of a secret only whether there is one, and which."""
    if not key.is_secret:
        return entry.value if entry.is_active else None
    shown: dict[str, object] = {"is_set": entry.is_active}
    return shown | {"fingerprint": secret} if secret else shown


def _fingerprint(tx: Transaction, key: ConfigKey, config_key: str, value: object) -> str | None:
    if not key.is_secret or value is None:
        return None
    return fingerprint(tx.vault, key.config_type, config_key, str(value))


def _fingerprint_of_stored(tx: Transaction, key: ConfigKey, config_key: str) -> dict[int, str]:
    """By version, because on a server another writer may come in between; empty without one."""
    if not key.is_secret:
        return {}
    # One that cannot be read any more must still be replaceable.
    with suppress(SecretUnreadableError):
        entry = tx.config.get_config(key.config_type, config_key)
        if entry is not None:
            stored = fingerprint(tx.vault, key.config_type, config_key, str(entry.value))
            return {entry.version: stored}
    return {}
