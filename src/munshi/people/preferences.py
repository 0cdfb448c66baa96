"""What the configuration says of people: limits of sessions, passwords and links, read live."""

from datetime import timedelta

from munshi.config.service import ConfigService
from munshi.domain.config_keys import (
    AUTH,
    CONFIRM_MINUTES,
    HASH_MEMORY_KIB,
    HASH_PASSES,
    HASHES_AT_ONCE,
    LINK_HOURS,
    PEOPLE,
    SESSION_IDLE_MINUTES,
    SESSION_TIMEOUT_MINUTES,
    SHORTEST_PASSWORD,
)
from munshi.domain.people import SessionLimits
from munshi.infrastructure.security.passwords import HashCost


class Preferences:
    """Each call reads the configuration anew; none is made inside a transaction."""

    def __init__(self, config: ConfigService) -> None:
        self._config = config

    def session_limits(self) -> SessionLimits:
        absolute = timedelta(minutes=self._whole(AUTH, SESSION_TIMEOUT_MINUTES))
        idle = timedelta(minutes=self._whole(AUTH, SESSION_IDLE_MINUTES))
        return SessionLimits(idle=min(idle, absolute), absolute=absolute)

    def hash_cost(self) -> HashCost:
        return HashCost(
            memory_kib=self._whole(PEOPLE, HASH_MEMORY_KIB),
            passes=self._whole(PEOPLE, HASH_PASSES),
        )

    def hashes_at_once(self) -> int:
        return self._whole(PEOPLE, HASHES_AT_ONCE)

    def shortest_password(self) -> int:
        return self._whole(PEOPLE, SHORTEST_PASSWORD)

    def link_life(self) -> timedelta:
        return timedelta(hours=self._whole(PEOPLE, LINK_HOURS))

    def confirmation_life(self) -> timedelta:
        return timedelta(minutes=self._whole(PEOPLE, CONFIRM_MINUTES))

    def _whole(self, config_type: str, config_key: str) -> int:
        return int(self._config.value(config_type, config_key))
