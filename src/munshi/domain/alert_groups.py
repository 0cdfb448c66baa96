"""Which alerts are told in one message: those that say the same of themselves in a few words."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from munshi.domain.alerts import Alert
from munshi.domain.enums import Service

GroupKey = tuple[str, ...]
DEFAULT_GROUP_BY = ("kind", "broker")
# What an alert says of itself without a label.
OWN_WORDS = ("kind", "broker", "severity", "source", "subject")
_WORDS = re.compile(r"[a-z0-9]+")


def word_of(alert: Alert, name: str) -> str:
    """What the alert says under `name`: its label, or else its own word; empty without either."""
    if name in alert.labels:
        return alert.labels[name]
    if name == "broker":
        return _broker_of(alert)
    return str(getattr(alert, name) or "") if name in OWN_WORDS else ""


def group_key(alert: Alert, names: Sequence[str]) -> GroupKey:
    """Alerts with the same key are told together; without names all are."""
    return tuple(word_of(alert, name) for name in names)


def words_of(alert: Alert, names: Sequence[str]) -> str:
    """What the alerts of a group have in common, for people: `broker kite, team options`."""
    pairs = zip(names, group_key(alert, names), strict=True)
    return ", ".join(f"{name} {word}" for name, word in pairs if word)


def due_again(
    unheard: Sequence[Alert], names: Sequence[str], *, every: timedelta, now: datetime
) -> list[Alert]:
    """Those to be told again: of each group with one that is due, all told half as long ago.

    So what began at different times is soon told in one message, and nothing is told later for it.
    """
    told = [(each, now - each.told_at) for each in unheard if each.told_at is not None]
    due = {group_key(each, names) for each, ago in told if ago >= every}
    return [each for each, ago in told if ago >= every / 2 and group_key(each, names) in due]


def _broker_of(alert: Alert) -> str:
    said = {*_WORDS.findall(alert.fingerprint.lower())}
    return next((each.value for each in Service if each.value in said), "")
