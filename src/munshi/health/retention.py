"""Rolls samples up into hours, and forgets what is old."""

from collections import defaultdict
from datetime import datetime, timedelta

from munshi.config.service import ConfigService
from munshi.domain.config_keys import HEALTH, KEEP_HOUR_DAYS, KEEP_SAMPLE_DAYS
from munshi.domain.health import HealthSample, hour_of
from munshi.infrastructure.database.engine import Database

_HOUR = timedelta(hours=1)


class Retention:
    """Both may run at any time and as often as one likes; the result is the same."""

    def __init__(self, database: Database, config: ConfigService) -> None:
        self._database = database
        self._config = config

    def roll_up(self, now: datetime) -> None:
        """Write the hours from the last one that was written to the present one.

        An hour is written anew as long as it lasts, and once more when it is over.
        """
        with self._database.reading() as tx:
            first = tx.health.get_first_sample_at()
            last = tx.health.get_last_hour()
        if first is None:
            return
        hour = max(first, last or first).replace(minute=0, second=0, microsecond=0)
        while hour <= now:
            self._roll_up_hour(hour)
            hour += _HOUR

    def _roll_up_hour(self, hour: datetime) -> None:
        with self._database.operational() as tx:
            samples = tx.health.list_between(hour, hour + _HOUR)
            by_component: defaultdict[str, list[HealthSample]] = defaultdict(list)
            for sample in samples:
                by_component[sample.component].append(sample)
            for _, found in sorted(by_component.items()):
                tx.health.save_hour(hour_of(found))

    def prune(self, now: datetime) -> None:
        """Forget samples and hours that are older than the configuration keeps them."""
        samples: int = self._config.value(HEALTH, KEEP_SAMPLE_DAYS)
        hours: int = self._config.value(HEALTH, KEEP_HOUR_DAYS)
        with self._database.operational() as tx:
            tx.health.cleanup_samples(now - timedelta(days=samples))
            tx.health.cleanup_hours(now - timedelta(days=hours))
