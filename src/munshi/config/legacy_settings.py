"""The configuration table of an old install: each row with its place here, nothing guessed."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from munshi.config.old_claims import Found, claim_schedule, claim_value, leave_uninvited_secrets
from munshi.config.old_fields import ENV, FIELDS, LEFT, NO_CONSENT, SCHEDULER_FILE, Name
from munshi.config.old_files import OldValue
from munshi.config.old_schedules import FIELDS as LOGIN_FIELDS
from munshi.config.old_values import is_empty
from munshi.domain.config_keys import (
    API,
    AUTH,
    BROKER_KEYS,
    DECLARED,
    NOTIFICATIONS,
    RATE_LIMIT_PER_MINUTE,
    SCHEDULER,
    TRADING,
    TYPES,
    find_key,
)
from munshi.domain.enums import Service
from munshi.errors import ConfigKeyUnknownError, ConfigTypeUnknownError

_LOGIN = re.compile(
    r"(?:scheduler_config\.)?(kite|breeze)[._](?:login[._])?"
    r"(times|enabled|weekdays_only|headless|max_retries)"
)
_BOTH = re.compile(r"(?:scheduler_config\.)?(times|enabled|weekdays_only)")
_JSON = re.compile(r"""\s*(?:[\[{"]|-?[0-9][0-9.eE+-]*\s*$|(?:true|false|null)\s*$)""")
_SHIPPED_RATE_LIMIT = 60
_LEFT: Mapping[Name, str] = {
    (TRADING, "default_lot_size"): "how much a lot is, the market's own tables say by date; "
    "how many lots a position has is trading/default_lots"
}
# By the type that the old install kept them under, the files that had the same fields.
_FILES: Mapping[str, tuple[str, ...]] = {
    TRADING: ("trading_limits.json", "exit_timing_config.json"),
    NOTIFICATIONS: ("alert_config.json",),
    "alerts": ("alert_config.json",),
    "alert_config": ("alert_config.json",),
    "exit_timing": ("exit_timing_config.json",),
    "trading_limits": ("trading_limits.json",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacySetting:
    """One row of the old table; `row_key` tells it from all others, `label` is for people."""

    row_key: str
    label: str
    config_type: str
    config_key: str
    value: Any = field(repr=False)
    is_active: bool

    @property
    def name(self) -> str:
        return f"{self.config_type}/{self.config_key}"


@dataclass(slots=True, kw_only=True)
class LegacyReading:
    """What the rows say. `taken` and `left` are row keys; what is in neither has no place here."""

    source: Path
    found: Found = field(default_factory=Found)
    taken: dict[str, set[Name]] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)


def read_settings(
    settings: Iterable[LegacySetting],
    *,
    source: Path,
    leave: frozenset[str] = frozenset(),
    consented: Callable[[Service], bool],
) -> LegacyReading:
    """Find each row's place; rows named in `leave` (TYPE/KEY) are not taken over.

    `consented` says whether a person said, here, that Munshi may log in at a broker by itself.
    """
    reading = LegacyReading(source=source)
    logins: dict[Service, dict[str, OldValue]] = {}
    for_both: dict[str, OldValue] = {}
    for setting in settings:
        if setting.name.lower() in leave:
            reading.left.add(setting.row_key)
            continue
        for old in _values(setting, source):
            _place(old, setting, reading, logins, for_both)
    for service in Service if for_both else ():
        logins[service] = for_both | logins.get(service, {})
    for service, fields in logins.items():
        claim_schedule(source, service, fields, reading.found)
    leave_uninvited_secrets(reading.found, consented=consented)
    return reading


def _values(setting: LegacySetting, source: Path) -> Iterator[OldValue]:
    value = _parsed(setting.value)
    where = f"row {setting.label}, {setting.name}"
    for path, inner in _leaves(value, setting.config_key.strip()):
        at = where if path == setting.config_key.strip() else f"{where} at {path}"
        yield OldValue(file=source, name=path, where=at, value=inner)


def _place(
    old: OldValue,
    setting: LegacySetting,
    reading: LegacyReading,
    logins: dict[Service, dict[str, OldValue]],
    for_both: dict[str, OldValue],
) -> None:
    found, config_type = reading.found, setting.config_type.strip().lower()
    login, both = _LOGIN.fullmatch(old.name), _BOTH.fullmatch(old.name)
    if not setting.is_active:
        found.leave(old, "it was switched off there")
    elif is_empty(old.value):
        found.leave(old, "it is empty")
    elif config_type == SCHEDULER and login and login[2] in LOGIN_FIELDS:
        service = Service(login[1])
        _note_login(old, logins.setdefault(service, {}), login[2], reading)
        reading.taken.setdefault(setting.row_key, set()).add(_schedule(service))
    elif config_type == SCHEDULER and both:
        _note_login(old, for_both, both[1], reading)
        reading.taken.setdefault(setting.row_key, set()).update(map(_schedule, Service))
    elif (reason := _why_left(config_type, old, login)) is not None:
        found.leave(old, reason)
    elif (name := _target(config_type, old.name)) is not None:
        claim_value(old, name, found)
        reading.taken.setdefault(setting.row_key, set()).add(name)
    else:
        found.leave(old, _unknown(config_type, old.name))


def _note_login(
    old: OldValue, fields: dict[str, OldValue], name: str, reading: LegacyReading
) -> None:
    said = fields.setdefault(name, old)
    if said.value != old.value:
        reading.found.problems.append(
            f"{old.file}: {said.where} and {old.where} say different things."
        )


def _schedule(service: Service) -> Name:
    return SCHEDULER, f"schedule.{service}_login"


def _why_left(config_type: str, old: OldValue, login: re.Match[str] | None) -> str | None:
    headless = {BROKER_KEYS[service].headless: service for service in Service}
    if login is not None and login[2] == "headless":
        return NO_CONSENT + login[1]
    if config_type == AUTH and old.name.lower().replace("_", ".") in headless:
        return NO_CONSENT + headless[old.name.lower().replace("_", ".")]
    if login is not None:
        return LEFT[SCHEDULER_FILE][f"{login[1]}.{login[2]}"]
    if (config_type, old.name) == (API, RATE_LIMIT_PER_MINUTE) and (
        str(old.value).strip() == str(_SHIPPED_RATE_LIMIT)
    ):
        return (
            "the old install was shipped with it, nobody chose it; to have it here too: "
            f"munshi config set {API} {RATE_LIMIT_PER_MINUTE} {_SHIPPED_RATE_LIMIT}"
        )
    return _LEFT.get((config_type, old.name)) or LEFT[ENV].get(_as_variable(old.name))


def _target(config_type: str, name: str) -> Name | None:
    if (known := FIELDS[ENV].get(_as_variable(name))) is not None:
        return known
    try:
        find_key(config_type, name)
    except (ConfigKeyUnknownError, ConfigTypeUnknownError):
        pass
    else:
        return config_type, name
    if (known := FIELDS["config.json"].get(f"{config_type}.{name}")) is not None:
        return known
    if config_type == SCHEDULER:
        return FIELDS[SCHEDULER_FILE].get(name.removeprefix("scheduler_config."))
    places = (FIELDS[file].get(name) for file in _FILES.get(config_type, ()))
    return next((place for place in places if place is not None), None)


def _as_variable(name: str) -> str:
    return name.upper().replace(".", "_")


def _unknown(config_type: str, name: str) -> str:
    names = [f"{key.config_type}/{key.name}" for key in DECLARED]
    near = get_close_matches(f"{config_type}/{name}", names, n=2, cutoff=0.6)
    if config_type not in TYPES and not near:
        return f"Munshi knows no type of settings called {config_type!r}"
    return "Munshi knows no such setting" + (f"; the nearest: {', '.join(near)}" if near else "")


def _parsed(value: object) -> Any:  # noqa: ANN401
    """JSON where it is JSON: the old install kept some values so, and others as bare words."""
    if isinstance(value, bytes | memoryview):
        value = bytes(value).decode("utf-8", "replace")
    if not isinstance(value, str) or not _JSON.match(value):
        return Decimal(str(value)) if isinstance(value, float) else value
    try:
        return json.loads(value, parse_float=Decimal, parse_constant=str)
    except (ValueError, RecursionError):
        return value


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}")
    else:
        yield path, value
