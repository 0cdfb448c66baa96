"""Keys of type `people`: how users sign in, and how long that lasts."""

from munshi.domain.config_keys.key import PEOPLE, ConfigKey
from munshi.domain.config_values import Whole

HASH_MEMORY_KIB, HASH_PASSES = "hash_memory_kib", "hash_passes"
HASHES_AT_ONCE, SHORTEST_PASSWORD = "hashes_at_once", "shortest_password"
LINK_HOURS, CONFIRM_MINUTES = "link_hours", "confirm_minutes"

KEYS: tuple[ConfigKey, ...] = (
    ConfigKey(
        config_type=PEOPLE,
        name=HASH_MEMORY_KIB,
        shape=Whole(smallest=19_456, largest=4_194_304),
        default=65_536,
        needs_admin=True,
        description="Memory in KiB that hashing a password takes (argon2id); older hashes are "
        "made anew when their user signs in.",
    ),
    ConfigKey(
        config_type=PEOPLE,
        name=HASH_PASSES,
        shape=Whole(smallest=2, largest=50),
        default=3,
        needs_admin=True,
        description="How often hashing a password goes over that memory.",
    ),
    ConfigKey(
        config_type=PEOPLE,
        name=HASHES_AT_ONCE,
        shape=Whole(smallest=1, largest=64),
        default=2,
        restart_needed=True,
        needs_admin=True,
        description="How many passwords one process checks at a time; each holds that memory.",
    ),
    ConfigKey(
        config_type=PEOPLE,
        name=SHORTEST_PASSWORD,
        shape=Whole(smallest=8, largest=64),
        default=12,
        needs_admin=True,
        description="How many characters a new password has at least.",
    ),
    ConfigKey(
        config_type=PEOPLE,
        name=LINK_HOURS,
        shape=Whole(smallest=1, largest=168),
        default=24,
        needs_admin=True,
        description="For how many hours a one-time link to choose a password is good.",
    ),
    ConfigKey(
        config_type=PEOPLE,
        name=CONFIRM_MINUTES,
        shape=Whole(smallest=1, largest=120),
        default=10,
        needs_admin=True,
        description="For how many minutes after giving the password sensitive acts do not ask "
        "for it again.",
    ),
)
