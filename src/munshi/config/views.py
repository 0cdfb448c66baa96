"""Configuration values as they may be shown."""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from munshi.domain.config import ConfigEntry
from munshi.domain.config_keys import ConfigKey
from munshi.domain.config_schema import allowed_values


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigView:
    """A value as it may be shown: a secret's is always None, and `is_set` says if there is one.

    `version` is 0 for a default that was never changed. `is_read` is False for what is kept from
    an older install and read by nothing yet.
    """

    config_type: str
    config_key: str
    value: Any = field(repr=False)
    is_secret: bool
    is_set: bool
    version: int
    revision: int
    kind: str
    allowed: str
    unit: str
    restart_needed: bool
    is_read: bool
    description: str
    updated_by: str | None
    updated_at: datetime | None


def view_of(key: ConfigKey, config_key: str, stored: ConfigEntry | None) -> ConfigView:
    is_set = stored is not None and stored.is_active
    value = stored.value if stored is not None and stored.is_active else deepcopy(key.default)
    return ConfigView(
        config_type=key.config_type,
        config_key=config_key,
        value=None if key.is_secret else value,
        is_secret=key.is_secret,
        is_set=is_set,
        version=stored.version if stored else 0,
        revision=stored.revision if stored else 0,
        kind=key.shape.kind,
        allowed=allowed_values(key),
        unit=key.unit,
        restart_needed=key.restart_needed,
        is_read=not key.kept_only,
        description=key.description,
        updated_by=stored.updated_by if stored else None,
        updated_at=stored.updated_at if stored else None,
    )
