"""Keys of type `scheduler`: what runs by itself, and when."""

from munshi.domain.config_keys.key import SCHEDULER, ConfigKey
from munshi.domain.config_values import Whole
from munshi.domain.schedules import ScheduleShape
from munshi.domain.seeded_schedules import SEEDED_SCHEDULES, SeededSchedule

SCHEDULE_PREFIX = "schedule."
KEEP_RUN_DAYS = "keep_run_days"


def _seeded_schedule(seed: SeededSchedule) -> ConfigKey:
    return ConfigKey(
        config_type=SCHEDULER,
        name=SCHEDULE_PREFIX + seed.name,
        shape=ScheduleShape(),
        default=seed.document,
        is_seeded=True,
        description=seed.description,
    )


KEYS: tuple[ConfigKey, ...] = (
    *map(_seeded_schedule, SEEDED_SCHEDULES),
    ConfigKey(
        config_type=SCHEDULER,
        name=KEEP_RUN_DAYS,
        shape=Whole(smallest=30, largest=3650),
        unit="days",
        default=400,
        description="For how many days it is kept what became of each due time.",
    ),
    ConfigKey(
        config_type=SCHEDULER,
        name=f"{SCHEDULE_PREFIX}<name>",
        pattern=r"schedule\.[a-z][a-z0-9_]{0,60}",
        shape=ScheduleShape(),
        description="A job that starts by itself: munshi schedule set.",
    ),
)
