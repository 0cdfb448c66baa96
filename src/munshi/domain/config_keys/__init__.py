"""Every configuration key there is: its type, shape, default, and what it is for.

A key that nothing reads must not stand here unless it says so (`kept_only`); a test looks for
each one's reader.
"""

from difflib import get_close_matches

from munshi.domain.config_keys import (
    alerts,
    api,
    audit,
    auth,
    cache,
    health,
    jobs,
    market,
    notifications,
    people,
    scheduler,
    trading,
)
from munshi.domain.config_keys.alerts import (
    ALERT_PREFIX,
    DEAD_MAN_URL,
    GROUP_BY,
    GROUP_SECONDS,
    KEEP_ALERT_DAYS,
    MOST_PER_MINUTE,
    MOST_TRIES,
    QUIET_HOURS,
    REPEAT_MINUTES,
    TIMEOUT_SECONDS,
)
from munshi.domain.config_keys.api import (
    KEEP_MINUTE_DAYS,
    KEPT_SHARE,
    LIMIT_PREFIX,
    LIMITED,
    RATE_LIMIT_PER_MINUTE,
    TRADING_DAY_RESERVE,
)
from munshi.domain.config_keys.audit import ARCHIVE_AFTER_DAYS, KEEP_ARCHIVES_DAYS
from munshi.domain.config_keys.auth import (
    BROKER_KEYS,
    EXPIRY_WARNING_MINUTES,
    MIRROR_TOKENS_TO_ENV,
    SESSION_IDLE_MINUTES,
    SESSION_TIMEOUT_MINUTES,
    SIMULATED_HEADLESS,
    BrokerKeys,
)
from munshi.domain.config_keys.cache import FIRST_LEVEL_MB, KEEP_USE_DAYS, MOST_MB
from munshi.domain.config_keys.health import (
    BACKLOG_MINUTES,
    KEEP_HOUR_DAYS,
    KEEP_SAMPLE_DAYS,
    LEAST_FREE_MB,
    STALE_MINUTES,
)
from munshi.domain.config_keys.jobs import KEEP_DAYS, QUEUE_PREFIX
from munshi.domain.config_keys.key import (
    ALERTS,
    API,
    AUDIT,
    AUTH,
    CACHE,
    HEALTH,
    JOBS,
    MARKET,
    NOTIFICATIONS,
    PEOPLE,
    SCHEDULER,
    TRADING,
    TYPES,
    ConfigKey,
)
from munshi.domain.config_keys.market import (
    CALENDAR_PREFIX,
    DAILY_COLLECTION_KEY,
    KEEP_PROVISIONAL_DAYS,
    KEEP_QUOTE_DAYS,
    MASTERS_KEY,
    PART_REQUESTS,
)
from munshi.domain.config_keys.people import (
    CONFIRM_MINUTES,
    HASH_MEMORY_KIB,
    HASH_PASSES,
    HASHES_AT_ONCE,
    LINK_HOURS,
    SHORTEST_PASSWORD,
)
from munshi.domain.config_keys.scheduler import KEEP_RUN_DAYS, SCHEDULE_PREFIX
from munshi.errors import ConfigKeyUnknownError, ConfigTypeUnknownError

__all__ = [
    "ALERTS",
    "ALERT_PREFIX",
    "API",
    "ARCHIVE_AFTER_DAYS",
    "AUDIT",
    "AUTH",
    "BACKLOG_MINUTES",
    "BROKER_KEYS",
    "CACHE",
    "CALENDAR_PREFIX",
    "CONFIRM_MINUTES",
    "DAILY_COLLECTION_KEY",
    "DEAD_MAN_URL",
    "DECLARED",
    "EXPIRY_WARNING_MINUTES",
    "FIRST_LEVEL_MB",
    "GROUP_BY",
    "GROUP_SECONDS",
    "HASHES_AT_ONCE",
    "HASH_MEMORY_KIB",
    "HASH_PASSES",
    "HEALTH",
    "JOBS",
    "KEEP_ALERT_DAYS",
    "KEEP_ARCHIVES_DAYS",
    "KEEP_DAYS",
    "KEEP_HOUR_DAYS",
    "KEEP_MINUTE_DAYS",
    "KEEP_PROVISIONAL_DAYS",
    "KEEP_QUOTE_DAYS",
    "KEEP_RUN_DAYS",
    "KEEP_SAMPLE_DAYS",
    "KEEP_USE_DAYS",
    "KEPT_SHARE",
    "LEAST_FREE_MB",
    "LIMITED",
    "LIMIT_PREFIX",
    "LINK_HOURS",
    "MARKET",
    "MASTERS_KEY",
    "MIRROR_TOKENS_TO_ENV",
    "MOST_MB",
    "MOST_PER_MINUTE",
    "MOST_TRIES",
    "NOTIFICATIONS",
    "PART_REQUESTS",
    "PEOPLE",
    "QUEUE_PREFIX",
    "QUIET_HOURS",
    "RATE_LIMIT_PER_MINUTE",
    "REPEAT_MINUTES",
    "SCHEDULER",
    "SCHEDULE_PREFIX",
    "SESSION_IDLE_MINUTES",
    "SESSION_TIMEOUT_MINUTES",
    "SHORTEST_PASSWORD",
    "SIMULATED_HEADLESS",
    "STALE_MINUTES",
    "TIMEOUT_SECONDS",
    "TRADING",
    "TRADING_DAY_RESERVE",
    "TYPES",
    "BrokerKeys",
    "ConfigKey",
    "check_type",
    "find_key",
    "keys_of_type",
    "seeded_keys",
]

DECLARED: tuple[ConfigKey, ...] = (
    *auth.KEYS,
    *scheduler.KEYS,
    *api.KEYS,
    *jobs.KEYS,
    *health.KEYS,
    *market.KEYS,
    *alerts.KEYS,
    *people.KEYS,
    *audit.KEYS,
    *trading.KEYS,
    *notifications.KEYS,
    *cache.KEYS,
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
        hint=f"Did you mean {' or '.join(near)}?",
    )


def seeded_keys() -> list[ConfigKey]:
    """Keys that a new database holds as rows, so that whoever opens the table sees them."""
    return [key for key in DECLARED if key.is_seeded]
