"""Configuration out of one desk and into another: exported whole, imported whole or not at all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from munshi.clock import Clock
from munshi.config.change_set import Wanted, check, store
from munshi.config.toml_text import Name, read_values, write_values
from munshi.domain.audit import Actor
from munshi.domain.config import ConfigDifference, ConfigEntry, is_same
from munshi.domain.config_keys import find_key, seeded_keys
from munshi.errors import (
    ConfigFileInvalidError,
    ConfigKeyUnknownError,
    ConfigTypeUnknownError,
    ConfigValueInvalidError,
)
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction

_HEAD = """\
# The configuration of a Munshi desk: munshi config import FILE takes it over.
# A value that is not here is left as it is there.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """What taking values over would change, seen at revision `revision`."""

    revision: int
    changes: tuple[ConfigDifference, ...]
    unchanged: int
    wanted: tuple[Wanted, ...] = field(repr=False)


class ConfigTransfer:
    """Exports and takes over. Secrets leave only by `export(with_secrets=True)`, audited."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def export(self, *, with_secrets: bool = False, actor: Actor) -> str:
        """The stored values as one TOML text that `read` understands.

        With secrets, which ones were told is audited before they are.
        """
        with self._database.reading() as tx:
            stored = [entry for entry in tx.config.list_stored() if _is_declared(entry)]
            secrets = _secrets(tx, stored) if with_secrets else {}
        if secrets:
            with self._database.transaction() as tx:
                tx.audit.log(
                    "config",
                    "export_secrets",
                    details={"keys": sorted("/".join(name) for name in secrets)},
                    actor=actor,
                    now=self._clock.now(),
                )
        values = {
            (entry.config_type, entry.config_key): entry.value
            for entry in stored
            if entry.is_active and not entry.is_secret
        }
        text = write_values(values, secrets=secrets, removed=_removed(stored))
        return f"{_HEAD}\n{text}"

    def read(self, text: str) -> Takeover:
        """What taking over an exported text would change.

        Raises ConfigFileInvalidError, which names every value that is wrong.
        """
        return self.plan(read_values(text))

    def plan(self, values: Mapping[Name, object]) -> Takeover:
        """What storing these values would change. None puts a default back.

        Raises ConfigFileInvalidError, which names every value that is wrong.
        """
        _check_all(values)
        changes: list[ConfigDifference] = []
        wanted: list[Wanted] = []
        with self._database.reading() as tx:
            revision = tx.config.get_revision()
            for name, value in sorted(values.items()):
                entry = tx.config.get_config(*name)
                before = None if entry is None else entry.value
                if is_same(before, value):
                    continue
                is_secret = find_key(*name).is_secret
                wanted.append(Wanted(config_type=name[0], config_key=name[1], value=value))
                changes.append(
                    ConfigDifference(
                        config_type=name[0],
                        config_key=name[1],
                        before=None if is_secret else before,
                        after=None if is_secret else value,
                        is_secret=is_secret,
                    )
                )
        return Takeover(
            revision=revision,
            changes=tuple(changes),
            unchanged=len(values) - len(changes),
            wanted=tuple(wanted),
        )

    def take_over(self, takeover: Takeover, *, files: Iterable[str], actor: Actor) -> int | None:
        """Store what was planned under one revision; None if there is nothing to change.

        Raises ConfigVersionConflictError if anything was changed since the plan was made.
        """
        if not takeover.wanted:
            return None
        check(takeover.wanted)
        with self._database.transaction() as tx:
            now = self._clock.now()
            entries = store(
                tx, takeover.wanted, expected_revision=takeover.revision, actor=actor, now=now
            )
            revision = entries[0].revision
            tx.audit.log(
                "config",
                "import",
                details={"files": sorted(files), "revision": revision, "values": len(entries)},
                actor=actor,
                now=now,
            )
        return revision


def _is_declared(entry: ConfigEntry) -> bool:
    try:
        find_key(entry.config_type, entry.config_key)
    except (ConfigTypeUnknownError, ConfigKeyUnknownError):
        return False
    return True


def _secrets(tx: Transaction, stored: list[ConfigEntry]) -> dict[Name, str]:
    opened = (
        tx.config.get_config(entry.config_type, entry.config_key)
        for entry in stored
        if entry.is_active and entry.is_secret
    )
    return {
        (entry.config_type, entry.config_key): str(entry.value)
        for entry in opened
        if entry is not None
    }


def _removed(stored: list[ConfigEntry]) -> list[Name]:
    """Seeds that a person removed: a new desk would have them again."""
    seeds = {(key.config_type, key.name) for key in seeded_keys()}
    return [
        (entry.config_type, entry.config_key)
        for entry in stored
        if not entry.is_active and (entry.config_type, entry.config_key) in seeds
    ]


def _check_all(values: Mapping[Name, object]) -> None:
    problems = []
    for name, value in sorted(values.items()):
        try:
            key = find_key(*name)
            if value is not None:
                key.check(name[1], value)
        except (ConfigTypeUnknownError, ConfigKeyUnknownError, ConfigValueInvalidError) as error:
            problems.append(str(error))
    if problems:
        raise ConfigFileInvalidError(f"Nothing was changed. {' '.join(problems)}")
