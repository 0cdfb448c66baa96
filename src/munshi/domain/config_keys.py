"""Every configuration key there is: its type, shape, default, and what it is for.

A key that nothing reads must not stand here; a test looks for its reader.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from munshi.domain.alerts import Severity
from munshi.domain.config_values import (
    CalendarDocument,
    Document,
    Flag,
    InstrumentNames,
    Shape,
    Text,
    Whole,
)
from munshi.domain.enums import Service
from munshi.domain.market.intervals import Interval
from munshi.domain.schedules import ScheduleShape
from munshi.domain.seeded_schedules import SEEDED_SCHEDULES, SeededSchedule
from munshi.errors import ConfigKeyUnknownError, ConfigTypeUnknownError

SCHEDULER, TRADING, AUTH, API = "scheduler", "trading", "auth", "api"
JOBS, MARKET, ALERTS, HEALTH = "jobs", "market", "alerts", "health"
TYPES: Mapping[str, str] = MappingProxyType(
    {
        SCHEDULER: "What runs by itself, and when.",
        TRADING: "Rules for positions; none is read yet.",
        AUTH: "How to sign in to the brokers.",
        API: "How often brokers are asked.",
        JOBS: "How background jobs are kept.",
        MARKET: "What the market calendar says beyond the packaged years.",
        ALERTS: "Which alerts are raised, and how loudly.",
        HEALTH: "From when on the desk is unwell, and how long that is remembered.",
    }
)

SCHEDULE_PREFIX = "schedule."
LIMIT_PREFIX = "limit."
ALERT_PREFIX = "alert."
CALENDAR_PREFIX = "calendar."
QUEUE_PREFIX = "queue."
MIRROR_TOKENS_TO_ENV = "mirror_tokens_to_env"
SIMULATED_HEADLESS = "simulated_headless"
DAILY_COLLECTION_KEY = "daily_collection"
KEEP_DAYS = "keep_days"
KEEP_SAMPLE_DAYS, KEEP_HOUR_DAYS = "keep_sample_days", "keep_hour_days"
LEAST_FREE_MB, BACKLOG_MINUTES, STALE_MINUTES = "least_free_mb", "backlog_minutes", "stale_minutes"
LIMITED = (
    "kite.quote",
    "kite.historical",
    "kite.other",
    "kite.login",
    "kite.pulse",
    "breeze.api",
    "breeze.master",
    "breeze.login",
    "breeze.pulse",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigKey:
    """A declared key, or a family of keys where `pattern` says which names belong to it.

    `name` is the key itself, or the family's spelling for people, such as `schedule.<name>`.
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

    def covers(self, config_key: str) -> bool:
        if self.pattern is None:
            return config_key == self.name
        return re.fullmatch(self.pattern, config_key) is not None

    def check(self, config_key: str, value: object) -> None:
        """Raise ConfigValueInvalidError, in one sentence, if `value` does not fit."""
        self.shape.check(value, name=f"{self.config_type}/{config_key}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerKeys:
    """The names under which one broker's credentials are kept in type `auth`."""

    api_key: str
    api_secret: str
    user_id: str
    password: str
    totp_seed: str
    headless: str


BROKER_KEYS: Mapping[Service, BrokerKeys] = MappingProxyType(
    {
        service: BrokerKeys(
            api_key=f"{service}.api_key",
            api_secret=f"{service}.api_secret",
            user_id=f"{service}.user_id",
            password=f"{service}.password",
            totp_seed=f"{service}.totp_seed",
            headless=f"{service}.headless",
        )
        for service in Service
    }
)


def _broker_keys(service: Service, broker: str) -> tuple[ConfigKey, ...]:
    names = BROKER_KEYS[service]

    def credential(name: str, description: str, *, is_secret: bool = False) -> ConfigKey:
        return ConfigKey(
            config_type=AUTH,
            name=name,
            shape=Text(longest=200),
            description=description,
            is_secret=is_secret,
        )

    return (
        credential(names.api_key, f"The key of your {broker} app."),
        credential(names.api_secret, f"The secret of your {broker} app.", is_secret=True),
        credential(
            names.user_id, f"Your user at {broker}; a login of anybody else is thrown away."
        ),
        credential(
            names.password,
            f"Your password at {broker}; kept only where headless login was asked for.",
            is_secret=True,
        ),
        credential(
            names.totp_seed,
            f"The seed of your one-time codes at {broker}; kept only for headless login.",
            is_secret=True,
        ),
        ConfigKey(
            config_type=AUTH,
            name=names.headless,
            shape=Flag(),
            default=False,
            description=f"Whether Munshi may log in at {broker} by itself with the stored "
            "password and seed.",
        ),
    )


def _seeded_schedule(seed: SeededSchedule) -> ConfigKey:
    return ConfigKey(
        config_type=SCHEDULER,
        name=SCHEDULE_PREFIX + seed.name,
        shape=ScheduleShape(),
        default=seed.document,
        is_seeded=True,
        description=seed.description,
    )


DECLARED: tuple[ConfigKey, ...] = (
    *_broker_keys(Service.KITE, "Kite"),
    *_broker_keys(Service.BREEZE, "Breeze"),
    ConfigKey(
        config_type=AUTH,
        name=MIRROR_TOKENS_TO_ENV,
        shape=Flag(),
        default=False,
        description="Whether new tokens are written to the .env file too, for scripts that read "
        "them there.",
    ),
    ConfigKey(
        config_type=AUTH,
        name=SIMULATED_HEADLESS,
        shape=Flag(),
        default=True,
        description="Whether the simulator's own user has opted in to headless login.",
    ),
    *map(_seeded_schedule, SEEDED_SCHEDULES),
    ConfigKey(
        config_type=SCHEDULER,
        name=f"{SCHEDULE_PREFIX}<name>",
        pattern=r"schedule\.[a-z][a-z0-9_]{0,60}",
        shape=ScheduleShape(),
        description="A job that starts by itself: munshi schedule set.",
    ),
    ConfigKey(
        config_type=API,
        name=f"{LIMIT_PREFIX}<broker>.<class>",
        pattern=rf"limit\.({'|'.join(map(re.escape, LIMITED))})",
        shape=Document(
            fields=MappingProxyType(
                {
                    "requests": Whole(smallest=1, largest=10_000),
                    "seconds": Whole(smallest=1, largest=86_400),
                    "daily": Whole(smallest=1, largest=10_000_000),
                }
            ),
            optional=frozenset({"daily"}),
        ),
        restart_needed=True,
        description="How many requests of this class a broker gets in how many seconds, and in "
        "a day, instead of what it documents.",
    ),
    ConfigKey(
        config_type=JOBS,
        name=KEEP_DAYS,
        shape=Whole(smallest=1, largest=3650),
        default=7,
        description="For how many days a finished job is kept when jobs are cleaned up.",
    ),
    ConfigKey(
        config_type=JOBS,
        name=f"{QUEUE_PREFIX}<name>",
        pattern=r"queue\.[a-z][a-z0-9_-]{0,43}",
        shape=Document(
            fields=MappingProxyType(
                {
                    "limit": Whole(smallest=1, largest=1000),
                    "per_key": Whole(smallest=1, largest=1000),
                }
            ),
            optional=frozenset({"limit", "per_key"}),
        ),
        description="A queue, with how many of its jobs may run at a time everywhere: in all, and "
        "for each concurrency key. Holds for jobs that start a second after the change, or later.",
    ),
    ConfigKey(
        config_type=HEALTH,
        name=LEAST_FREE_MB,
        shape=Whole(smallest=1, largest=100_000_000),
        default=2048,
        description="How many MB should be free on the disk; with less than a quarter of it the "
        "desk is unwell.",
    ),
    ConfigKey(
        config_type=HEALTH,
        name=BACKLOG_MINUTES,
        shape=Whole(smallest=1, largest=100_000),
        default=10,
        description="For how many minutes a job may wait for a worker; with six times as many the "
        "desk is unwell.",
    ),
    ConfigKey(
        config_type=HEALTH,
        name=STALE_MINUTES,
        shape=Whole(smallest=1, largest=100_000),
        default=15,
        description="After how many minutes without a health sweep its findings are too old to "
        "go by.",
    ),
    ConfigKey(
        config_type=HEALTH,
        name=KEEP_SAMPLE_DAYS,
        shape=Whole(smallest=1, largest=3650),
        default=7,
        description="For how many days single findings of health sweeps are kept.",
    ),
    ConfigKey(
        config_type=HEALTH,
        name=KEEP_HOUR_DAYS,
        shape=Whole(smallest=1, largest=36_500),
        default=400,
        description="For how many days their hourly figures are kept.",
    ),
    ConfigKey(
        config_type=MARKET,
        name=f"{CALENDAR_PREFIX}<year>",
        pattern=r"calendar\.\d{4}",
        shape=CalendarDocument(),
        description="Holidays and special sessions of a year, instead of the packaged ones.",
    ),
    ConfigKey(
        config_type=MARKET,
        name=DAILY_COLLECTION_KEY,
        shape=Document(
            fields=MappingProxyType(
                {
                    "broker": Text(choices=tuple(Service)),
                    "instruments": InstrumentNames(),
                    "interval": Text(choices=tuple(Interval)),
                    "days": Whole(smallest=1, largest=250),
                }
            )
        ),
        default={
            "broker": "breeze",
            "instruments": ["NSE:NIFTY 50", "NSE:NIFTY BANK", "BSE:SENSEX"],
            "interval": "1minute",
            "days": 5,
        },
        description="What the job daily_collection fetches, and for how many trading days back it "
        "fills in what is missing.",
    ),
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


def check_type(config_type: str) -> None:
    """Raise ConfigTypeUnknownError, which lists the types, unless there is such a type."""
    if config_type not in TYPES:
        raise ConfigTypeUnknownError(
            f"There is no configuration type {config_type!r}.", hint=f"Types: {', '.join(TYPES)}."
        )


def keys_of_type(config_type: str) -> list[ConfigKey]:
    return [key for key in DECLARED if key.config_type == config_type]


def find_key(config_type: str, config_key: str) -> ConfigKey:
    """The declaration of a key, the exact one before a family.

    Raises ConfigTypeUnknownError or ConfigKeyUnknownError naming the nearest keys.
    """
    check_type(config_type)
    candidates = keys_of_type(config_type)
    for key in sorted(candidates, key=lambda key: key.pattern is not None):
        if key.covers(config_key):
            return key
    names = [key.name for key in candidates]
    names += [LIMIT_PREFIX + limited for limited in LIMITED] if config_type == API else []
    near = get_close_matches(config_key, names, n=2, cutoff=0.5) or names
    raise ConfigKeyUnknownError(
        f"There is no configuration key {config_type}/{config_key}.",
        hint=f"Did you mean {' or '.join(near)}?" if near else "This type has no keys yet.",
    )


def seeded_keys() -> list[ConfigKey]:
    """Keys that a new database holds as rows, so that whoever opens the table sees them."""
    return [key for key in DECLARED if key.is_seeded]
