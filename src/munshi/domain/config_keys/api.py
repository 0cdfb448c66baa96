"""Keys of type `api`: how often brokers are asked."""

import re
from types import MappingProxyType

from munshi.domain.config_keys.key import API, ConfigKey
from munshi.domain.config_values import Document, Whole

LIMIT_PREFIX = "limit."
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
)
