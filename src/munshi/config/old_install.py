"""Takes over the configuration of an older install: conflicts are reported, never settled."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from munshi.config.old_claims import (
    Conflict,
    Found,
    NotTaken,
    claim_schedule,
    claim_value,
    leave_uninvited_secrets,
    settle,
)
from munshi.config.old_fields import EXPIRY_FILE, FIELDS, LEFT, SCHEDULER_FILE, Name
from munshi.config.old_files import OldValue, find_files, read_old_file
from munshi.config.old_schedules import FIELDS as LOGIN_FIELDS
from munshi.config.old_values import is_empty
from munshi.config.service import ConfigService
from munshi.config.transfer import ConfigTransfer, Takeover
from munshi.domain.audit import Actor
from munshi.domain.config_keys import TRADING, find_key
from munshi.domain.config_keys.trading import EXPIRY_PREFIX, WEEKDAYS
from munshi.domain.enums import Service
from munshi.errors import (
    ConfigConflictUnsettledError,
    ConfigFileInvalidError,
    ConfigKeyUnknownError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OldInstall:
    """What taking an older install over would change, and all that it would not."""

    files: tuple[Path, ...]
    takeover: Takeover
    conflicts: tuple[Conflict, ...]
    notes: tuple[str, ...]
    not_taken: tuple[NotTaken, ...]


class OldInstallImport:
    """Plans and does the take-over; nothing is stored unless every file is sound."""

    def __init__(self, config: ConfigService, transfer: ConfigTransfer) -> None:
        self._config = config
        self._transfer = transfer

    def plan(self, given: Iterable[Path], *, prefer: Iterable[Path] = ()) -> OldInstall:
        """What these files would change.

        Where they disagree, the first of `prefer` that says anything is followed, and what is
        left is a conflict.
        Raises ConfigFileInvalidError, which names each bad value with its file and place.
        """
        files = find_files(given)
        preferred = [_preferred(path, files) for path in prefer]
        found = Found()
        for path in files:
            _read(path, found)
        if found.problems:
            raise ConfigFileInvalidError(f"Nothing was imported. {' '.join(found.problems)}")
        leave_uninvited_secrets(found, consented=self._config.consented)
        values, conflicts = settle(found.claims, preferred)
        return OldInstall(
            files=tuple(files),
            takeover=self._transfer.plan(values),
            conflicts=tuple(conflicts),
            notes=tuple(found.notes),
            not_taken=tuple(found.not_taken),
        )

    def take_over(self, install: OldInstall, *, actor: Actor) -> int | None:
        """Store what was planned under one revision; None if there is nothing to change.

        Raises ConfigConflictUnsettledError while files disagree, and
        ConfigVersionConflictError if anything was changed since the plan was made.
        """
        if install.conflicts:
            named = ", ".join(f"{each.config_type}/{each.config_key}" for each in install.conflicts)
            raise ConfigConflictUnsettledError(
                f"Nothing was imported: files disagree about {named}.",
                hint="Say which file is right with --prefer FILE.",
            )
        names = [str(path) for path in install.files]
        return self._transfer.take_over(install.takeover, files=names, actor=actor)


def _preferred(path: Path, files: list[Path]) -> Path:
    """The one of `files` that is meant, by its path or by its end."""
    meant = [each for each in files if each == path or each.resolve() == path.resolve()]
    meant = meant or [each for each in files if each.parts[-len(path.parts) :] == path.parts]
    if len(meant) != 1:
        raise ConfigFileInvalidError(
            f"--prefer {path} is {'none' if not meant else 'more than one'} of the files.",
            hint=f"They are {', '.join(map(str, files))}.",
        )
    return meant[0]


def _read(path: Path, found: Found) -> None:
    logins: dict[Service, dict[str, OldValue]] = {}
    for old in read_old_file(path):
        service, _, rest = old.name.partition(".")
        if is_empty(old.value):
            found.leave(old, "it is empty")
        elif path.name == SCHEDULER_FILE and service in set(Service) and rest in LOGIN_FIELDS:
            logins.setdefault(Service(service), {})[rest] = old
        elif (reason := LEFT.get(path.name, {}).get(old.name)) is not None:
            found.leave(old, reason)
        else:
            _claim_field(old, found)
    for service, fields in logins.items():
        claim_schedule(path, service, fields, found)


def _claim_field(old: OldValue, found: Found) -> None:
    name = _target(old)
    if name is None:
        found.leave(old, "Munshi knows no such field")
    else:
        claim_value(old, name, found)


def _target(old: OldValue) -> Name | None:
    if old.file.name != EXPIRY_FILE:
        return FIELDS[old.file.name].get(old.name)
    name = (TRADING, EXPIRY_PREFIX + old.name.removesuffix(".weekday").lower().replace(" ", "_"))
    try:
        find_key(*name)
    except ConfigKeyUnknownError:
        return None
    is_day = isinstance(old.value, str) and old.value.strip().lower() in WEEKDAYS
    return name if is_day or "." not in old.name or old.name.endswith(".weekday") else None
