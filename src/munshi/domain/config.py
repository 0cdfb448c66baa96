"""A configuration value with its version."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigEntry:
    """One row of SystemConfigurations. A secret's `value` is clear here and nowhere shown."""

    config_id: UUID
    config_type: str
    config_key: str
    value: Any = field(repr=False)
    is_secret: bool
    is_active: bool
    version: int
    revision: int
    description: str | None
    updated_by: str
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChange:
    """One row of ConfigHistory; a secret's value is not kept."""

    revision: int
    config_type: str
    config_key: str
    version: int
    value: Any
    is_secret: bool
    is_active: bool
    updated_by: str
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDifference:
    """One value as it was and as it became, or would become. None stands for the default.

    Of a secret both are None, and only that it differs is said.
    """

    config_type: str
    config_key: str
    before: Any = field(repr=False)
    after: Any = field(repr=False)
    is_secret: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRevisionSummary:
    """Who changed which keys together, and when."""

    revision: int
    updated_by: str
    updated_at: datetime
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """A key that going back does not touch, and why."""

    config_type: str
    config_key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPlan:
    """What going back to `revision` would change, seen at revision `current`.

    While anything is `refused`, nothing can be changed.
    """

    revision: int
    current: int
    changes: tuple[ConfigDifference, ...]
    left: tuple[LeftAlone, ...]
    refused: tuple[LeftAlone, ...]


def is_same(one: object, other: object) -> bool:
    """Whether two values are the same as JSON: 1 is not true, and the order of fields is none."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
