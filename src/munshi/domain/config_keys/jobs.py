"""Keys of type `jobs`: how background jobs are kept."""

from types import MappingProxyType

from munshi.domain.config_keys.key import JOBS, ConfigKey
from munshi.domain.config_values import Document, Whole

KEEP_DAYS = "keep_days"
QUEUE_PREFIX = "queue."

KEYS: tuple[ConfigKey, ...] = (
    ConfigKey(
        config_type=JOBS,
        name=KEEP_DAYS,
        shape=Whole(smallest=1, largest=3650),
        unit="days",
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
)
