"""The login times of an older install as schedules, corrected where the world says otherwise."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from munshi.config.old_files import OldValue
from munshi.config.old_values import converted, time_of_day
from munshi.domain.config_keys import SCHEDULE_PREFIX, SCHEDULER, find_key
from munshi.domain.config_values import Flag, TimesOfDay
from munshi.domain.enums import Service
from munshi.errors import ConfigValueInvalidError

KITE_DIES_AT = "06:00"
FIELDS = ("enabled", "times", "weekdays_only")


def login_schedule(
    service: Service, fields: Mapping[str, OldValue]
) -> tuple[str, dict[str, Any], list[str]]:
    """The schedule's key, its document, and what was changed and why.

    Raises ConfigValueInvalidError.
    """
    key = find_key(SCHEDULER, f"{SCHEDULE_PREFIX}{service}_login")
    document: dict[str, Any] = deepcopy(key.default)
    notes: list[str] = []
    if "times" in fields:
        times = fields["times"].value
        if isinstance(times, list):
            times = [time_of_day(each) for each in times]
            TimesOfDay().check(sorted(set(map(str, times))), name=f"{service}.times")
            times, notes = _corrected(service, times, document["trigger"]["times"][0])
        document["trigger"]["times"] = times
    for name, holder in (("weekdays_only", document["trigger"]), ("enabled", document)):
        if name in fields:
            holder[name] = converted(Flag(), fields[name].value)
            Flag().check(holder[name], name=f"{service}.{name}")
    key.check(key.name, document)
    return key.name, document, notes


def _corrected(service: Service, times: list[Any], instead: str) -> tuple[list[str], list[str]]:
    notes: list[str] = []
    kept: set[str] = set()
    for each in times:
        if not isinstance(each, str):
            raise ConfigValueInvalidError(f"{service}.times has {each!r}, which is no time.")
        if service is Service.KITE and each < KITE_DIES_AT:
            notes.append(
                f"Kite's login at {each} became {instead}: every Kite token dies at 06:00 IST, "
                "so one bought before lives for minutes."
            )
            kept.add(instead)
        else:
            kept.add(each)
    if len(kept) < len(times):
        notes.append(f"{service}'s login times were named more than once; each counts once.")
    return sorted(kept), notes
