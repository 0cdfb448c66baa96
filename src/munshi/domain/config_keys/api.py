"""Keys of type `api`: how often brokers are asked, by whom, and how often we may be."""

import re

from munshi.domain.config_keys.key import API, ConfigKey
from munshi.domain.config_values import Whole
from munshi.domain.limit_values import LimitEntries
from munshi.domain.quotas import DOCUMENTED_LIMITS

LIMIT_PREFIX = "limit."
LIMITED = tuple(DOCUMENTED_LIMITS)
KEPT_SHARE = "kept_share"
TRADING_DAY_RESERVE = "trading_day_reserve"
KEEP_MINUTE_DAYS = "keep_minute_days"
RATE_LIMIT_PER_MINUTE = "rate_limit_per_minute"

KEYS: tuple[ConfigKey, ...] = (
    ConfigKey(
        config_type=API,
        name=f"{LIMIT_PREFIX}<broker>.<class>",
        pattern=rf"limit\.({'|'.join(map(re.escape, LIMITED))})",
        shape=LimitEntries(),
        description="How many requests of this class a broker gets in how many seconds, and in "
        "a day, instead of what it documents; or a list of such, each with the day (IST) since "
        "when it holds. Holds everywhere within a second.",
    ),
    ConfigKey(
        config_type=API,
        name=KEPT_SHARE,
        shape=Whole(smallest=0, largest=90),
        default=10,
        description="How many percent of each limit downloads leave to quotes and logins.",
    ),
    ConfigKey(
        config_type=API,
        name=TRADING_DAY_RESERVE,
        shape=Whole(smallest=0, largest=90),
        default=20,
        description="How many percent of a day's requests downloads leave untouched on a trading "
        "day until the market has closed.",
    ),
    ConfigKey(
        config_type=API,
        name=KEEP_MINUTE_DAYS,
        shape=Whole(smallest=32, largest=3650),
        default=62,
        description="For how many days the calls to brokers are kept minute by minute; days are "
        "kept ten times as long.",
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
