"""When schedules are due: by times of day, cron, interval or the market's own hours."""

from munshi.domain.triggers.cron import CronTrigger
from munshi.domain.triggers.documents import TriggerShape, read_times, read_trigger
from munshi.domain.triggers.interval import IntervalTrigger
from munshi.domain.triggers.market import MarketTrigger
from munshi.domain.triggers.times import TimesTrigger
from munshi.domain.triggers.trigger import Trigger

__all__ = [
    "CronTrigger",
    "IntervalTrigger",
    "MarketTrigger",
    "TimesTrigger",
    "Trigger",
    "TriggerShape",
    "read_times",
    "read_trigger",
]
