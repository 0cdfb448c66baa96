"""A configuration value with its version."""

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
