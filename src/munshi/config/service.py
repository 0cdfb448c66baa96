"""Configuration: declared values with versions. Nothing undeclared or ill-shaped is stored."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from munshi.clock import Clock
from munshi.config.change_set import Wanted, check, store
from munshi.config.views import ConfigView, view_of
from munshi.domain.audit import MUNSHI, Actor
from munshi.domain.config import ConfigEntry
from munshi.domain.config_keys import (
    AUTH,
    BROKER_KEYS,
    DECLARED,
    check_type,
    find_key,
    seeded_keys,
)
from munshi.domain.config_values import value_from_text
from munshi.domain.enums import Service
from munshi.errors import ConfigKeyUnknownError, ConfigValueInvalidError
from munshi.infrastructure.database.engine import Database


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

    def consented(self, service: Service) -> bool:
        """Whether a person said, here, that Munshi may log in at `service` by itself."""
        return bool(self.value(AUTH, BROKER_KEYS[service].headless))

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
        return view_of(key, config_key, stored)

    def list_type(self, config_type: str) -> list[ConfigView]:
        """Every declared and stored value of a type, by key. Raises ConfigTypeUnknownError."""
        check_type(config_type)
        return [view for view in self.list_all() if view.config_type == config_type]

    def list_all(self) -> list[ConfigView]:
        """Every declared and stored value, by type and key."""
        stored = self._stored()
        declared = {(k.config_type, k.name): k for k in DECLARED if k.pattern is None}
        names = sorted(declared.keys() | stored.keys())
        return [view_of(find_key(*name), name[1], stored.get(name)) for name in names]

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
        wanted = Wanted(
            config_type=config_type,
            config_key=config_key,
            value=value,
            expected_version=expected_version,
        )
        return self.change([wanted], actor=actor)[0]

    def set_several(
        self, config_type: str, values: Mapping[str, object], *, actor: Actor
    ) -> list[ConfigView]:
        """`set` for values of one type that belong together: all are stored, or none is."""
        changes = [
            Wanted(config_type=config_type, config_key=name, value=value)
            for name, value in values.items()
        ]
        return self.change(changes, actor=actor)

    def change(
        self, changes: Sequence[Wanted], *, expected_revision: int | None = None, actor: Actor
    ) -> list[ConfigView]:
        """Store values of any types together under one revision, or none of them.

        Raises what `set` raises, ConfigChangeRepeatedError, and ConfigVersionConflictError if
        the whole configuration is not at `expected_revision` any more.
        """
        keys = check(changes)
        with self._database.transaction() as tx:
            entries = store(
                tx,
                changes,
                expected_revision=expected_revision,
                actor=actor,
                now=self._clock.now(),
            )
        return [
            view_of(key, entry.config_key, entry) for key, entry in zip(keys, entries, strict=True)
        ]

    def revision(self) -> int:
        """The global revision: it grows with every change of anything."""
        with self._database.observing() as tx:
            return tx.config.get_revision()

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

    def seed(self, *, actor: Actor = MUNSHI) -> int:
        """Store the seeded defaults that were never stored; how many. Removed ones stay so."""
        with self._database.transaction() as tx:
            missing = [
                key
                for key in seeded_keys()
                if tx.config.get_version(key.config_type, key.name) == 0
            ]
            store(
                tx,
                [
                    Wanted(
                        config_type=key.config_type,
                        config_key=key.name,
                        value=key.default,
                        expected_version=0,
                    )
                    for key in missing
                ],
                actor=actor,
                now=self._clock.now(),
            )
        return len(missing)

    def _stored(self) -> Mapping[tuple[str, str], ConfigEntry]:
        with self._database.reading() as tx:
            entries = tx.config.list_stored()
        return {(entry.config_type, entry.config_key): entry for entry in entries}
