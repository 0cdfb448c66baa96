"""SQL for SystemConfigurations: every change bumps one global revision and leaves history."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from munshi.domain.config import ConfigChange, ConfigEntry
from munshi.domain.config_keys import SCHEDULE_PREFIX, SCHEDULER
from munshi.errors import ConfigVersionConflictError
from munshi.infrastructure.database.config_history_repository import change_of
from munshi.infrastructure.database.models import (
    config_history,
    config_revision,
    system_configurations,
)
from munshi.infrastructure.security.vault import Vault

_TABLE = "SystemConfigurations"
_rows = system_configurations.c
_GET = select(system_configurations).where(
    _rows.config_type == bindparam("type"), _rows.config_key == bindparam("key"), _rows.is_active
)
_GET_ANY = select(system_configurations).where(
    _rows.config_type == bindparam("type"), _rows.config_key == bindparam("key")
)
_BY_TYPE = (
    select(system_configurations)
    .where(_rows.config_type == bindparam("type"), _rows.is_active)
    .order_by(_rows.config_key)
)
_STORED = select(system_configurations).order_by(_rows.config_type, _rows.config_key)
_REVISION = select(config_revision.c.revision)
_BUMP = update(config_revision).values(revision=config_revision.c.revision + 1)
_INSERT = insert(system_configurations)
_UPDATE = (
    update(system_configurations)
    .where(_rows.config_id == bindparam("row"), _rows.version == bindparam("seen_version"))
    .values(
        config_value=bindparam("new_value"),
        secret_value=bindparam("new_secret"),
        version=bindparam("new_version"),
        revision=bindparam("new_revision"),
        description=bindparam("new_description"),
        updated_by=bindparam("by"),
        updated_at=bindparam("now"),
        is_active=bindparam("active"),
    )
)
_INSERT_HISTORY = insert(config_history)
_HISTORY = (
    select(config_history)
    .where(
        config_history.c.config_type == bindparam("type"),
        config_history.c.config_key == bindparam("key"),
    )
    .order_by(config_history.c.version.desc())
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Replaced:
    """`before` is what stood there, a removed value too; a secret's value is None in it."""

    before: ConfigEntry | None
    after: ConfigEntry


class ConfigRepository:
    """Configuration values. Secrets enter and leave the table sealed.

    `vault` is asked for when the first secret is met: everything else can be read without.
    """

    def __init__(self, connection: Connection, vault: Callable[[], Vault]) -> None:
        self._connection = connection
        self._vault = vault

    def get_revision(self) -> int:
        """The global revision: it changes with every change of any value."""
        return int(self._connection.execute(_REVISION).scalar_one())

    def take_revision(self) -> int:
        """The next global revision; writers queue here until this transaction ends."""
        self._connection.execute(_BUMP)
        return self.get_revision()

    def get_config(self, config_type: str, config_key: str) -> ConfigEntry | None:
        row = self._connection.execute(_GET, {"type": config_type, "key": config_key}).one_or_none()
        return None if row is None else _entry(row, value=self._unsealed(row))

    def get_configs_by_type(self, config_type: str) -> list[ConfigEntry]:
        """Every value of the type; secrets stay sealed, so theirs is None."""
        rows = self._connection.execute(_BY_TYPE, {"type": config_type})
        return [_entry(row, value=row.config_value) for row in rows]

    def list_stored(self) -> list[ConfigEntry]:
        """Every row, removed values included; secrets stay sealed, so theirs is None."""
        rows = self._connection.execute(_STORED)
        return [_entry(row, value=row.config_value) for row in rows]

    def get_version(self, config_type: str, config_key: str) -> int:
        """How often the value was changed; 0 if it never was, and counting on after a removal."""
        row = self._connection.execute(
            _GET_ANY, {"type": config_type, "key": config_key}
        ).one_or_none()
        return 0 if row is None else int(row.version)

    def set_config(
        self,
        config_type: str,
        config_key: str,
        value: object,
        *,
        is_secret: bool = False,
        description: str | None = None,
        expected_version: int | None = None,
        revision: int | None = None,
        updated_by: str,
        now: datetime,
    ) -> ConfigEntry:
        """Store a value under the next version, with history. None removes it.

        `revision` is the one this transaction has taken already, for changes that belong together.
        Raises ConfigVersionConflictError if the stored version is not `expected_version`.
        """
        return self.replace_config(
            config_type,
            config_key,
            value,
            is_secret=is_secret,
            description=description,
            expected_version=expected_version,
            revision=self.take_revision() if revision is None else revision,
            updated_by=updated_by,
            now=now,
        ).after

    def replace_config(
        self,
        config_type: str,
        config_key: str,
        value: object,
        *,
        is_secret: bool,
        description: str | None,
        expected_version: int | None,
        revision: int,
        updated_by: str,
        now: datetime,
    ) -> Replaced:
        """`set_config` under a revision that was taken, telling what stood there before."""
        known = self._connection.execute(
            _GET_ANY, {"type": config_type, "key": config_key}
        ).one_or_none()
        seen_version = known.version if known else 0
        if expected_version is not None and expected_version != seen_version:
            raise _conflict(config_type, config_key, expected_version, seen_version)
        row_id = known.config_id if known else uuid4()
        sealed = None
        if is_secret and value is not None:
            sealed = self._vault().seal(
                str(value), table=_TABLE, column="secret_value", row_id=row_id
            )
        common = {
            "config_type": config_type,
            "config_key": config_key,
            "config_value": None if is_secret else value,
            "version": seen_version + 1,
            "updated_by": updated_by,
            "updated_at": now,
            "is_active": value is not None,
            "revision": revision,
        }
        if known is None:
            self._insert({**common, "config_id": row_id, "secret_value": sealed}, description)
        else:
            self._update({**common, "row": row_id, "secret": sealed}, seen_version, description)
        self._connection.execute(_INSERT_HISTORY, {**common, "is_secret": is_secret})
        after = ConfigEntry(
            config_id=row_id,
            config_type=config_type,
            config_key=config_key,
            value=value,
            is_secret=is_secret,
            is_active=value is not None,
            version=seen_version + 1,
            revision=revision,
            description=description,
            updated_by=updated_by,
            updated_at=now,
        )
        before = None if known is None else _entry(known, value=known.config_value)
        return Replaced(before=before, after=after)

    def _insert(self, values: Mapping[str, Any], description: str | None) -> None:
        try:
            self._connection.execute(_INSERT, {**values, "description": description})
        except IntegrityError:
            raise _conflict(values["config_type"], values["config_key"], 0, 1) from None

    def _update(self, values: Mapping[str, Any], seen: int, description: str | None) -> None:
        result = self._connection.execute(
            _UPDATE,
            {
                "row": values["row"],
                "seen_version": seen,
                "new_value": values["config_value"],
                "new_secret": values["secret"],
                "new_version": values["version"],
                "new_revision": values["revision"],
                "new_description": description,
                "by": values["updated_by"],
                "now": values["updated_at"],
                "active": values["is_active"],
            },
        )
        if result.rowcount != 1:
            raise _conflict(values["config_type"], values["config_key"], seen, seen + 1)

    def get_scheduler_config(self) -> dict[str, Any]:
        """Every schedule's document by its name."""
        return {
            entry.config_key.removeprefix(SCHEDULE_PREFIX): entry.value
            for entry in self.get_configs_by_type(SCHEDULER)
            if entry.config_key.startswith(SCHEDULE_PREFIX)
        }

    def save_scheduler_config(
        self, name: str, document: Mapping[str, Any], *, updated_by: str, now: datetime
    ) -> ConfigEntry:
        return self.set_config(
            SCHEDULER, SCHEDULE_PREFIX + name, dict(document), updated_by=updated_by, now=now
        )

    def get_history(self, config_type: str, config_key: str, *, limit: int) -> list[ConfigChange]:
        """Newest first."""
        rows = self._connection.execute(
            _HISTORY, {"type": config_type, "key": config_key, "most": limit}
        )
        return list(map(change_of, rows))

    def _unsealed(self, row: Row[Any]) -> Any:  # noqa: ANN401
        if row.secret_value is None:
            return row.config_value
        return self._vault().unseal(
            row.secret_value, table=_TABLE, column="secret_value", row_id=row.config_id
        )


def _entry(row: Row[Any], *, value: object) -> ConfigEntry:
    return ConfigEntry(
        config_id=row.config_id,
        config_type=row.config_type,
        config_key=row.config_key,
        value=value,
        is_secret=row.secret_value is not None,
        is_active=row.is_active,
        version=row.version,
        revision=row.revision,
        description=row.description,
        updated_by=row.updated_by,
        updated_at=row.updated_at,
    )


def _conflict(config_type: str, key: str, expected: int, found: int) -> ConfigVersionConflictError:
    return ConfigVersionConflictError(
        f"{config_type}/{key} is at version {found}, not {expected}.",
        hint=f"Read GET /config/{config_type} again and repeat the change.",
    )
