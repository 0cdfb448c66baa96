"""How alerts are told, as the configuration says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from munshi.domain.config_keys import (
    ALERTS,
    GROUP_BY,
    GROUP_SECONDS,
    MOST_PER_MINUTE,
    MOST_TRIES,
    QUIET_HOURS,
    REPEAT_MINUTES,
    TIMEOUT_SECONDS,
    find_key,
)
from munshi.infrastructure.database.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingRules:
    """The keys `alerts/delivery.*`."""

    group: timedelta
    group_by: Sequence[str]
    repeat: timedelta
    timeout_seconds: float
    most_tries: int
    most_per_minute: int
    quiet_hours: Mapping[str, Any]


def read_telling_rules(tx: Transaction) -> TellingRules:
    def value(name: str) -> Any:  # noqa: ANN401 - of the key's shape
        entry = tx.config.get_config(ALERTS, name)
        return find_key(ALERTS, name).default if entry is None else entry.value

    return TellingRules(
        group=timedelta(seconds=value(GROUP_SECONDS)),
        group_by=value(GROUP_BY),
        repeat=timedelta(minutes=value(REPEAT_MINUTES)),
        timeout_seconds=float(value(TIMEOUT_SECONDS)),
        most_tries=value(MOST_TRIES),
        most_per_minute=value(MOST_PER_MINUTE),
        quiet_hours=value(QUIET_HOURS),
    )
