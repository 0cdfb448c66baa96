"""What a configuration key is, and the types keys are grouped in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from munshi.domain.config_values import Shape

SCHEDULER, TRADING, AUTH, API = "scheduler", "trading", "auth", "api"
JOBS, MARKET, ALERTS, HEALTH = "jobs", "market", "alerts", "health"
PEOPLE, NOTIFICATIONS, CACHE, AUDIT = "people", "notifications", "cache", "audit"
TYPES: Mapping[str, str] = MappingProxyType(
    {
        SCHEDULER: "What runs by itself, and when.",
        TRADING: "Rules for positions: kept; nothing reads them yet.",
        AUTH: "How to sign in to the brokers, and how long people stay signed in here.",
        API: "How often brokers are asked, and how often we may be.",
        JOBS: "How background jobs are kept.",
        MARKET: "What the market calendar says beyond the packaged years.",
        ALERTS: "Which alerts are raised, and how loudly.",
        NOTIFICATIONS: "Who is told of what, and how: kept; nothing reads it yet.",
        HEALTH: "From when on the desk is unwell, and how long that is remembered.",
        PEOPLE: "How users sign in.",
        CACHE: "How much is kept of what was looked up.",
        AUDIT: "When audit rows are archived, and how long archives are kept.",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigKey:
    """A declared key, or a family of keys where `pattern` says which names belong to it.

    `name` is the key itself, or the family's spelling for people, such as `schedule.<name>`. What
    `needs_admin` decides who gets in, so the local operator may not change it. `kept_only` marks
    what is kept from an older install and read by nothing so far.
    """

    config_type: str
    name: str
    shape: Shape
    description: str
    default: Any = None
    pattern: str | None = None
    is_secret: bool = False
    is_seeded: bool = False
    restart_needed: bool = False
    needs_admin: bool = False
    kept_only: bool = False
    unit: str = ""

    def covers(self, config_key: str) -> bool:
        if self.pattern is None:
            return config_key == self.name
        return re.fullmatch(self.pattern, config_key) is not None

    def check(self, config_key: str, value: object) -> None:
        """Raise ConfigValueInvalidError, in one sentence, if `value` does not fit."""
        self.shape.check(value, name=f"{self.config_type}/{config_key}")
