"""Keys of type `alerts`: which alerts are raised, how loudly, and how they are told."""

from types import MappingProxyType

from munshi.domain.alert_groups import DEFAULT_GROUP_BY
from munshi.domain.alert_rules import RULE_SHAPE, LabelNames
from munshi.domain.alerts import Severity
from munshi.domain.config_keys.key import ALERTS, ConfigKey
from munshi.domain.config_values import Document, Text, TimeOfDay, Whole
from munshi.domain.seeded_alerts import SEEDED_ALERTS, SeededAlert

ALERT_PREFIX = "alert."
GROUP_BY, GROUP_SECONDS = "delivery.group_by", "delivery.group_seconds"
REPEAT_MINUTES = "delivery.repeat_minutes"
TIMEOUT_SECONDS, MOST_TRIES = "delivery.timeout_seconds", "delivery.most_tries"
MOST_PER_MINUTE, QUIET_HOURS = "delivery.most_per_minute", "delivery.quiet_hours"
DEAD_MAN_URL = "dead_man.url"
KEEP_ALERT_DAYS = "keep_days"

_HOURS = Document(fields=MappingProxyType({"from": TimeOfDay(), "to": TimeOfDay()}))


def _seeded_alert(seed: SeededAlert) -> ConfigKey:
    return ConfigKey(
        config_type=ALERTS,
        name=ALERT_PREFIX + seed.name,
        shape=RULE_SHAPE,
        default=seed.document,
        is_seeded=True,
        description=seed.description,
    )


KEYS: tuple[ConfigKey, ...] = (
    *map(_seeded_alert, SEEDED_ALERTS),
    ConfigKey(
        config_type=ALERTS,
        name=f"{ALERT_PREFIX}<kind>",
        pattern=r"alert\.[a-z][a-z0-9_]{0,43}",
        shape=RULE_SHAPE,
        description="Whether an alert of this kind is raised, when, and how severe it is.",
    ),
    ConfigKey(
        config_type=ALERTS,
        name=GROUP_BY,
        shape=LabelNames(),
        default=list(DEFAULT_GROUP_BY),
        description="Alerts that say the same under these names are told in one message: labels "
        "of the rules, or kind, broker, severity, source, subject. Without a name, all are.",
    ),
    ConfigKey(
        config_type=ALERTS,
        name=GROUP_SECONDS,
        shape=Whole(smallest=0, largest=3600),
        unit="seconds",
        default=10,
        description="How long alerts of one group are gathered before they are told together.",
    ),
    ConfigKey(
        config_type=ALERTS,
        name=REPEAT_MINUTES,
        shape=Whole(smallest=1, largest=1440),
        unit="minutes",
        default=15,
        description="How often a critical alert is told again until somebody acknowledges it.",
    ),
    ConfigKey(
        config_type=ALERTS,
        name=TIMEOUT_SECONDS,
        shape=Whole(smallest=1, largest=120),
        unit="seconds",
        default=20,
        description="How long a channel may take to take a message.",
    ),
    ConfigKey(
        config_type=ALERTS,
        name=MOST_TRIES,
        shape=Whole(smallest=1, largest=100),
        default=12,
        description="How often a message is tried before it is given up.",
    ),
    ConfigKey(
        config_type=ALERTS,
        name=MOST_PER_MINUTE,
        shape=Whole(smallest=1, largest=600),
        default=10,
        description="How many messages a channel gets in a minute; more wait.",
    ),
    ConfigKey(
        config_type=ALERTS,
        name=QUIET_HOURS,
        shape=Document(
            fields=MappingProxyType(dict.fromkeys(map(str, Severity), _HOURS)),
            optional=frozenset(map(str, Severity)),
        ),
        default={"info": {"from": "22:00", "to": "07:00"}},
        description="Hours (IST) in which alerts of a severity wait until they are over.",
    ),
    ConfigKey(
        config_type=ALERTS,
        name=KEEP_ALERT_DAYS,
        shape=Whole(smallest=7, largest=3650),
        unit="days",
        default=400,
        description="For how many days it is kept which alerts there were, and what was told.",
    ),
    ConfigKey(
        config_type=ALERTS,
        name=DEAD_MAN_URL,
        shape=Text(longest=2000),
        is_secret=True,
        needs_admin=True,
        description="An address that is called while the desk is well; whoever keeps it alarms "
        "you when the calls stop.",
    ),
)
