"""Keys of type `api`: how often brokers are asked, and how often we may be."""

import re
from types import MappingProxyType

from munshi.domain.config_keys.key import API, ConfigKey
from munshi.domain.config_values import Document, Whole

LIMIT_PREFIX = "limit."
RATE_LIMIT_PER_MINUTE = "rate_limit_per_minute"
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

KEYS: tuple[ConfigKey, ...] = (
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
        config_type=API,
        name=RATE_LIMIT_PER_MINUTE,
        shape=Whole(smallest=10, largest=1_000_000),
        default=600,
        needs_admin=True,
        description="How many requests a minute Munshi takes from one user, one API key or one "
        "address that is neither; the local operator and event streams are not counted.",
    ),
)
