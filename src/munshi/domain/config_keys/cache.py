"""Keys of type `cache`: how much is kept, and for how long it is known how it was used."""

from munshi.domain.config_keys.key import CACHE, ConfigKey
from munshi.domain.config_values import Whole

MOST_MB = "most_mb"
FIRST_LEVEL_MB = "first_level_mb"
KEEP_USE_DAYS = "keep_use_days"

KEYS: tuple[ConfigKey, ...] = (
    ConfigKey(
        config_type=CACHE,
        name=MOST_MB,
        shape=Whole(smallest=1, largest=100_000),
        default=256,
        unit="MB",
        description="How much the cache may hold in the database. What was not used for longest "
        "goes first; no value may be larger than a quarter of it. Counts within ten seconds.",
    ),
    ConfigKey(
        config_type=CACHE,
        name=FIRST_LEVEL_MB,
        shape=Whole(smallest=1, largest=10_000),
        default=32,
        unit="MB",
        description="How much of the cache each process may hold itself, by an estimate.",
    ),
    ConfigKey(
        config_type=CACHE,
        name=KEEP_USE_DAYS,
        shape=Whole(smallest=62, largest=3650),
        default=400,
        unit="days",
        description="For how many days it is known how each shelf of the cache was used.",
    ),
)
