"""Configuration: declared values with versions. Nothing undeclared or ill-shaped is stored."""

from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from munshi.clock import Clock
from munshi.config.fingerprints import fingerprint
from munshi.domain.audit import MUNSHI, Actor
from munshi.domain.config import ConfigChange, ConfigEntry
from munshi.domain.config_keys import (
    DECLARED,
    ConfigKey,
    check_type,
    find_key,
    seeded_keys,
)
from munshi.domain.config_values import value_from_text
from munshi.errors import ConfigKeyUnknownError, ConfigValueInvalidError, SecretUnreadableError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigView:
    """A value as it may be shown: a secret's is always None, and `is_set` says if there is one.

    `version` is 0 for a default that was never changed.
    """

    config_type: str
    config_key: str
    value: Any = field(repr=False)
    is_secret: bool
    is_set: bool
    version: int
    revision: int
    kind: str
    restart_needed: bool
    description: str
    updated_by: str | None
    updated_at: datetime | None


class ConfigService:
    """Reads and changes configuration; a change is audited in its own transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def value(self, config_type: str, config_key: str) -> Any:  # noqa: ANN401
        """The stored value, else the declared default.

        Raises ConfigTypeUnknownError or ConfigKeyUnknownError.
        """
        key = find_key(config_type, config_key)
        if key.is_secret:
            raise ConfigKeyUnknownError(
                f"{config_type}/{config_key} is a secret and has no value to show."
            )
        with self._database.reading() as tx:
            entry = tx.config.get_config(config_type, config_key)
        return deepcopy(key.default) if entry is None else entry.value

    def secret(self, config_type: str, config_key: str) -> str | None:
        """A stored secret in clear, for the broker alone."""
        key = find_key(config_type, config_key)
        if not key.is_secret:
            raise ConfigKeyUnknownError(f"{config_type}/{config_key} is not a secret.")
        with self._database.reading() as tx:
            entry = tx.config.get_config(config_type, config_key)
        return None if entry is None else str(entry.value)

    def documents(self, config_type: str, prefix: str) -> dict[str, Any]:
        """Every stored document of a family by the rest of its name: `kite.quote` of `limit.`."""
        with self._database.reading() as tx:
            entries = tx.config.get_configs_by_type(config_type)
        return {
            entry.config_key.removeprefix(prefix): entry.value
            for entry in entries
            if entry.config_key.startswith(prefix)
        }

    def view(self, config_type: str, config_key: str) -> ConfigView:
        """One value as it may be shown. Raises ConfigTypeUnknownError, ConfigKeyUnknownError."""
        key = find_key(config_type, config_key)
        stored = self._stored().get((config_type, config_key))
        return _view(key, config_key, stored)

    def list_type(self, config_type: str) -> list[ConfigView]:
        """Every declared and stored value of a type, by key. Raises ConfigTypeUnknownError."""
        check_type(config_type)
        return [view for view in self.list_all() if view.config_type == config_type]

    def list_all(self) -> list[ConfigView]:
        """Every declared and stored value, by type and key."""
        stored = self._stored()
        declared = {(k.config_type, k.name): k for k in DECLARED if k.pattern is None}
        names = sorted(declared.keys() | stored.keys())
        return [_view(find_key(*name), name[1], stored.get(name)) for name in names]

    def set(
        self,
        config_type: str,
        config_key: str,
        value: object,
        *,
        expected_version: int | None = None,
        actor: Actor,
    ) -> ConfigView:
        """Store a value, with history and audit; None puts the default back.

        Raises ConfigTypeUnknownError, ConfigKeyUnknownError, ConfigValueInvalidError, and
        ConfigVersionConflictError if the version is not `expected_version`.
        """
        key = find_key(config_type, config_key)
        if value is not None:
            key.check(config_key, value)
        with self._database.transaction() as tx:
            entry = self._set_in(
                tx, key, config_key, value, expected_version=expected_version, actor=actor
            )
        return _view(key, config_key, entry)

    def set_several(
        self, config_type: str, values: Mapping[str, object], *, actor: Actor
    ) -> list[ConfigView]:
        """`set` for values that belong together: all are stored, or none is."""
        keys = {name: find_key(config_type, name) for name in values}
        for name, value in values.items():
            if value is not None:
                keys[name].check(name, value)
        with self._database.transaction() as tx:
            entries = {
                name: self._set_in(tx, keys[name], name, value, expected_version=None, actor=actor)
                for name, value in values.items()
            }
        return [_view(keys[name], name, entry) for name, entry in entries.items()]

    def set_text(
        self,
        config_type: str,
        config_key: str,
        text: str,
        *,
        expected_version: int | None = None,
        actor: Actor,
    ) -> ConfigView:
        """`set` with a value as a person types it: text as it stands, all else as JSON."""
        key = find_key(config_type, config_key)
        value = value_from_text(key.shape, text)
        if value is None:
            raise ConfigValueInvalidError(
                f"{config_type}/{config_key} cannot be null.",
                hint="Use --default to put the default back.",
            )
        return self.set(
            config_type, config_key, value, expected_version=expected_version, actor=actor
        )

    def history(self, config_type: str, config_key: str, limit: int = 50) -> list[ConfigChange]:
        """Changes of one value, newest first; values of secrets are not kept."""
        find_key(config_type, config_key)
        with self._database.reading() as tx:
            return tx.config.get_history(config_type, config_key, limit=limit)

    def seed(self, *, actor: Actor = MUNSHI) -> int:
        """Store the seeded defaults that were never stored; how many. Removed ones stay so."""
        with self._database.transaction() as tx:
            missing = [
                key
                for key in seeded_keys()
                if tx.config.get_version(key.config_type, key.name) == 0
            ]
            for key in missing:
                self._set_in(tx, key, key.name, key.default, expected_version=0, actor=actor)
        return len(missing)

    def _set_in(
        self,
        tx: Transaction,
        key: ConfigKey,
        config_key: str,
        value: object,
        *,
        expected_version: int | None,
        actor: Actor,
    ) -> ConfigEntry:
        now = self._clock.now()
        secret = _fingerprint_of_stored(tx, key, config_key)
        entry = tx.config.set_config(
            key.config_type,
            config_key,
            value,
            is_secret=key.is_secret,
            description=key.description,
            expected_version=expected_version,
            updated_by=actor.user_id,
            now=now,
        )
        # The set has locked the value, so what stood before it can be read safely now.
        after, *before = tx.config.get_history(key.config_type, config_key, limit=2)
        tx.audit.log_config_change(
            key.config_type,
            config_key,
            old_value=_audited(before[0], secret.get(before[0].version)) if before else None,
            new_value=_audited(after, _fingerprint(tx, key, config_key, value)),
            revision=entry.revision,
            actor=actor,
            now=now,
        )
        return entry

    def _stored(self) -> Mapping[tuple[str, str], ConfigEntry]:
        with self._database.reading() as tx:
            entries = tx.config.list_stored()
        return {(entry.config_type, entry.config_key): entry for entry in entries}


def _audited(change: ConfigChange, secret: str | None) -> object:
    """What the audit keeps of a value; of a secret only whether there is one, and which."""
    if not change.is_secret:
        return change.value
    shown: dict[str, object] = {"is_set": change.is_active}
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


def _view(key: ConfigKey, config_key: str, stored: ConfigEntry | None) -> ConfigView:
    is_set = stored is not None and stored.is_active
    value = stored.value if stored is not None and stored.is_active else deepcopy(key.default)
    return ConfigView(
        config_type=key.config_type,
        config_key=config_key,
        value=None if key.is_secret else value,
        is_secret=key.is_secret,
        is_set=is_set,
        version=stored.version if stored else 0,
        revision=stored.revision if stored else 0,
        kind=key.shape.kind,
        restart_needed=key.restart_needed,
        description=key.description,
        updated_by=stored.updated_by if stored else None,
        updated_at=stored.updated_at if stored else None,
    )
