"""Takes over the configuration of an older install: conflicts are reported, never settled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from munshi.config.old_fields import EXPIRY_FILE, FIELDS, LEFT, SCHEDULER_FILE, Name
from munshi.config.old_files import OldValue, find_files, read_old_file
from munshi.config.old_schedules import FIELDS as LOGIN_FIELDS
from munshi.config.old_schedules import login_schedule
from munshi.config.old_values import converted, is_empty
from munshi.config.service import ConfigService
from munshi.config.transfer import ConfigTransfer, Takeover
from munshi.domain.audit import Actor
from munshi.domain.config import is_same
from munshi.domain.config_keys import AUTH, BROKER_KEYS, SCHEDULER, TRADING, find_key
from munshi.domain.config_keys.trading import EXPIRY_PREFIX, WEEKDAYS
from munshi.domain.enums import Service
from munshi.errors import (
    ConfigConflictUnsettledError,
    ConfigFileInvalidError,
    ConfigKeyUnknownError,
    ConfigValueInvalidError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One file's word for a setting of ours."""

    file: Path
    where: str
    value: Any = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A setting about which files say different things; values of secrets are not shown."""

    config_type: str
    config_key: str
    is_secret: bool
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """A field that is not taken over, and why."""

    file: Path
    where: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OldInstall:
    """What taking an older install over would change, and all that it would not."""

    files: tuple[Path, ...]
    takeover: Takeover
    conflicts: tuple[Conflict, ...]
    notes: tuple[str, ...]
    not_taken: tuple[NotTaken, ...]


@dataclass(slots=True)
class _Found:
    """What reading the files brings together."""

    claims: dict[Name, list[Claim]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    not_taken: list[NotTaken] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def leave(self, old: OldValue, reason: str) -> None:
        self.not_taken.append(NotTaken(file=old.file, where=old.where, reason=reason))

    def claim(self, name: Name, value: object, *, file: Path, where: str) -> None:
        self.claims.setdefault(name, []).append(Claim(file=file, where=where, value=value))


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
        found = _Found()
        for path in files:
            _read(path, found)
        if found.problems:
            raise ConfigFileInvalidError(f"Nothing was imported. {' '.join(found.problems)}")
        values, conflicts = _settled(found.claims, preferred)
        self._leave_uninvited_secrets(values, found)
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

    def _leave_uninvited_secrets(self, values: dict[Name, Any], found: _Found) -> None:
        """A password and a seed are kept only where headless login was asked for."""
        for service in Service:
            keys = BROKER_KEYS[service]
            if values.get((AUTH, keys.headless), self._config.value(AUTH, keys.headless)):
                continue
            for name in ((AUTH, keys.password), (AUTH, keys.totp_seed)):
                if name in values:
                    del values[name]
                    first = found.claims[name][0]
                    reason = (
                        "kept only for headless login, which these files do not ask for "
                        f"(munshi connect {service})"
                    )
                    found.not_taken.append(
                        NotTaken(file=first.file, where=first.where, reason=reason)
                    )


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


def _read(path: Path, found: _Found) -> None:
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
        _claim_schedule(path, service, fields, found)


def _claim_field(old: OldValue, found: _Found) -> None:
    name = _target(old)
    if name is None:
        found.leave(old, "Munshi knows no such field")
        return
    key = find_key(*name)
    value = converted(key.shape, old.value)
    try:
        key.check(name[1], value)
    except ConfigValueInvalidError as error:
        found.problems.append(f"{old.file}, {old.where}: {error.detail}")
        return
    found.claim(name, value, file=old.file, where=old.where)


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


def _claim_schedule(
    path: Path, service: Service, fields: Mapping[str, OldValue], found: _Found
) -> None:
    try:
        name, document, notes = login_schedule(service, fields)
    except ConfigValueInvalidError as error:
        found.problems.append(f"{path}, {service}: {error.detail}")
        return
    found.notes += [note for note in notes if note not in found.notes]
    found.claim((SCHEDULER, name), document, file=path, where=str(service))


def _settled(
    claims: Mapping[Name, list[Claim]], preferred: list[Path]
) -> tuple[dict[Name, Any], list[Conflict]]:
    values: dict[Name, Any] = {}
    conflicts: list[Conflict] = []
    for name, said in sorted(claims.items()):
        if all(is_same(each.value, said[0].value) for each in said):
            values[name] = said[0].value
            continue
        choice = next((_of(path, said) for path in preferred if _of(path, said)), [])
        if choice and all(is_same(each.value, choice[0].value) for each in choice):
            values[name] = choice[0].value
            continue
        key = find_key(*name)
        conflicts.append(
            Conflict(
                config_type=name[0],
                config_key=name[1],
                is_secret=key.is_secret,
                claims=tuple(said),
            )
        )
    return values, conflicts


def _of(path: Path, said: list[Claim]) -> list[Claim]:
    return [claim for claim in said if claim.file == path]
