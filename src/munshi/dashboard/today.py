"""Today: what a person sees at a glance, gathered by a few small reads."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from munshi.auth.logins import ServiceStatus
from munshi.bootstrap import Services
from munshi.clock import today_ist
from munshi.dashboard.timeline import Timeline, draw
from munshi.domain.alerts import Alert, AlertState
from munshi.domain.health import HealthSample, HealthStatus
from munshi.domain.jobs import JobState
from munshi.domain.market.candle_gaps import SeriesGaps
from munshi.domain.market.market_state import MarketState, market_state
from munshi.domain.rate_calls import LimitDay
from munshi.domain.readiness import Verdict, judge
from munshi.jobs.watching import Running

COUNTED_TO = 1000
RUNNING_SHOWN = 10
ALERTS_SHOWN = 10
GAPS_SHOWN = 5
GAPS_OVER = timedelta(days=7)
SILENT_AFTER = timedelta(seconds=60)
_FULL_PERCENT = 80.0
STUCK = (JobState.DEAD, JobState.HELD, JobState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """How a person stands with one broker. `is_set_up` is whether we could sign in at all."""

    status: ServiceStatus
    is_set_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """All that the page shows, as of `now`; counts reach COUNTED_TO and mean "or more" there."""

    now: datetime
    verdict: Verdict
    brokers: tuple[Broker, ...]
    market: MarketState
    timeline: Timeline
    running: tuple[Running, ...]
    counts: dict[JobState, int]
    alerts: tuple[Alert, ...]
    more_alerts: int
    gaps: tuple[SeriesGaps, ...]
    failing: tuple[HealthSample, ...]
    limits: tuple[LimitDay, ...]
    workers: int

    @property
    def stuck(self) -> dict[JobState, int]:
        return {state: self.counts[state] for state in STUCK if self.counts[state]}

    @property
    def full(self) -> tuple[LimitDay, ...]:
        return tuple(limit for limit in self.limits if limit.percent >= _FULL_PERCENT)


class TodayBoard:
    """Each part is one short transaction of its service; none waits for a broker."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def read(self) -> Today:
        services = self._services
        now = services.clock.now()
        market = market_state(services.calendar.calendar(), now)
        statuses = services.logins.status()
        looks = [services.logins.look(status) for status in statuses]
        alerts = [
            alert
            for alert in reversed(services.alerts.list_open())
            if alert.state == AlertState.FIRING
        ]
        samples = services.health.report().samples
        failing = tuple(each for each in samples if each.status is HealthStatus.FAIL)
        alerted = {alert.subject for alert in alerts[:ALERTS_SHOWN]}
        workers = sum(
            now - worker.heartbeat_at <= SILENT_AFTER for worker in services.queues.workers()
        )
        return Today(
            now=now,
            verdict=judge(
                market,
                looks,
                workers=workers,
                failing={each.component for each in failing},
                alerts=alerts,
            ),
            brokers=tuple(
                Broker(status=status, is_set_up=look.is_set_up)
                for status, look in zip(statuses, looks, strict=True)
            ),
            market=market,
            timeline=draw(services.schedule_days.today(), now),
            running=services.job_watch.running(limit=RUNNING_SHOWN),
            counts=services.job_watch.counts(most=COUNTED_TO),
            alerts=tuple(alerts[:ALERTS_SHOWN]),
            more_alerts=max(0, len(alerts) - ALERTS_SHOWN),
            gaps=services.gaps.worst(
                services.settings.brokers,
                since=today_ist(services.clock) - GAPS_OVER,
                limit=GAPS_SHOWN,
            ),
            failing=tuple(each for each in failing if each.component not in alerted),
            limits=tuple(services.limits.list_days()),
            workers=workers,
        )
