"""What an older install says of each setting of ours, brought together; nothing is settled here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from munshi.config.old_fields import Name
from munshi.config.old_files import OldValue
from munshi.config.old_schedules import login_schedule
from munshi.config.old_values import converted
from munshi.domain.config import is_same
from munshi.domain.config_keys import AUTH, BROKER_KEYS, SCHEDULER, find_key
from munshi.domain.enums import Service
from munshi.errors import ConfigValueInvalidError


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


@dataclass(slots=True)
class Found:
    """What reading the files brings together."""

    claims: dict[Name, list[Claim]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    not_taken: list[NotTaken] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def leave(self, old: OldValue, reason: str) -> None:
        self.not_taken.append(NotTaken(file=old.file, where=old.where, reason=reason))

    def claim(self, name: Name, value: object, *, file: Path, where: str) -> None:
        self.claims.setdefault(name, []).append(Claim(file=file, where=where, value=value))


def settle(
    claims: Mapping[Name, list[Claim]], preferred: Sequence[Path] = ()
) -> tuple[dict[Name, Any], list[Conflict]]:
    """What all say, or the first of `preferred` that says anything; else it is a conflict."""
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


def claim_value(old: OldValue, name: Name, found: Found) -> None:
    """Note `old` as the word for `name`, or what is wrong with it."""
    key = find_key(*name)
    value = converted(key.shape, old.value)
    try:
        key.check(name[1], value)
    except ConfigValueInvalidError as error:
        found.problems.append(f"{old.file}, {old.where}: {error.detail}")
        return
    found.claim(name, value, file=old.file, where=old.where)


def claim_schedule(
    path: Path, service: Service, fields: Mapping[str, OldValue], found: Found
) -> None:
    """Note the login times of a service as the word for its schedule, or what is wrong."""
    try:
        name, document, notes = login_schedule(service, fields)
    except ConfigValueInvalidError as error:
        found.problems.append(f"{path}, {service}: {error.detail}")
        return
    found.notes += [note for note in notes if note not in found.notes]
    found.claim((SCHEDULER, name), document, file=path, where=str(service))


def leave_uninvited_secrets(found: Found, *, consented: Callable[[Service], bool]) -> None:
    """A password and a seed are kept only where a person consented to headless login, here.

    What an older install called headless was how its browser looked, and is no consent.
    """
    for service in Service:
        if consented(service):
            continue
        keys = BROKER_KEYS[service]
        for name in ((AUTH, keys.password), (AUTH, keys.totp_seed)):
            if name in found.claims:
                first = found.claims.pop(name)[0]
                reason = f"kept only with your consent to headless login: munshi connect {service}"
                found.not_taken.append(NotTaken(file=first.file, where=first.where, reason=reason))
