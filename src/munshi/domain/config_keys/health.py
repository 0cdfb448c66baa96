"""Keys of type `health`: from when on the desk is unwell, and how long that is remembered."""

from munshi.domain.config_keys.key import HEALTH, ConfigKey
from munshi.domain.config_values import Whole

KEEP_SAMPLE_DAYS, KEEP_HOUR_DAYS = "keep_sample_days", "keep_hour_days"
LEAST_FREE_MB, BACKLOG_MINUTES, STALE_MINUTES = "least_free_mb", "backlog_minutes", "stale_minutes"

KEYS: tuple[ConfigKey, ...] = (
    ConfigKey(
        config_type=HEALTH,
        name=LEAST_FREE_MB,
        shape=Whole(smallest=1, largest=100_000_000),
        unit="MB",
        default=2048,
        description="How many MB should be free on the disk; with less than a quarter of it the "
        "desk is unwell.",
    ),
    ConfigKey(
        config_type=HEALTH,
        name=BACKLOG_MINUTES,
        shape=Whole(smallest=1, largest=100_000),
        unit="minutes",
        default=10,
        description="For how many minutes a job may wait for a worker; with six times as many the "
        "desk is unwell.",
    ),
    ConfigKey(
        config_type=HEALTH,
        name=STALE_MINUTES,
        shape=Whole(smallest=1, largest=100_000),
        unit="minutes",
        default=15,
        description="After how many minutes without a health sweep its findings are too old to "
        "go by.",
    ),
    ConfigKey(
        config_type=HEALTH,
        name=KEEP_SAMPLE_DAYS,
        shape=Whole(smallest=1, largest=3650),
        unit="days",
        default=7,
        description="For how many days single findings of health sweeps are kept.",
    ),
    ConfigKey(
        config_type=HEALTH,
        name=KEEP_HOUR_DAYS,
        shape=Whole(smallest=1, largest=36_500),
        unit="days",
        default=400,
        description="For how many days their hourly figures are kept.",
    ),
)
