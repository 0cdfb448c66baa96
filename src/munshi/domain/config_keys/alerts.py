"""Keys of type `alerts`: which alerts are raised, and how loudly."""

from types import MappingProxyType

from munshi.domain.alerts import Severity
from munshi.domain.config_keys.key import ALERTS, ConfigKey
from munshi.domain.config_values import Document, Flag, Text

ALERT_PREFIX = "alert."

KEYS: tuple[ConfigKey, ...] = (
    ConfigKey(
        config_type=ALERTS,
        name=f"{ALERT_PREFIX}<kind>",
        pattern=r"alert\.[a-z][a-z0-9_]{0,43}",
        shape=Document(
            fields=MappingProxyType({"severity": Text(choices=tuple(Severity)), "enabled": Flag()}),
            optional=frozenset({"severity", "enabled"}),
        ),
        description="Whether an alert of this kind is raised, and how severe it is.",
    ),
)
