"""Says whether the desk is ready for the open, and what became of the day; tells it if asked to."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid4, uuid5

from munshi.auth.logins import BrokerLogins
from munshi.clock import Clock
from munshi.domain.alert_delivery import Message, MessageState, dedupe_key, plain
from munshi.domain.alert_rules import Fact
from munshi.domain.alerts import Severity
from munshi.domain.briefs import (
    BriefKind,
    DaySummary,
    Market,
    Readiness,
    evening_body,
    morning_body,
)
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.market_state import market_state
from munshi.domain.quotas import day_ist, midnight_ist
from munshi.domain.readiness import judge
from munshi.errors import CalendarYearUnknownError
from munshi.infrastructure.database.engine import Database
from munshi.scheduler.service import ScheduleService
from munshi.settings import BrokerMode

# Alerts among which those of the day are counted.
MOST_ALERTS = 1_000
# What is due many times an hour is no news of a day.
_SMALL = timedelta(hours=1)


class BriefService:
    """`facts` tells how the desk's parts do, as the rules for alerts see them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        mode: BrokerMode,
        logins: BrokerLogins,
        schedules: ScheduleService,
        facts: Callable[[], Iterable[Fact]],
        calendar: Callable[[], MarketCalendar],
    ) -> None:
        self._database = database
        self._clock = clock
        self._mode = mode
        self._logins = logins
        self._schedules = schedules
        self._facts = facts
        self._calendar = calendar

    def readiness(self) -> Readiness:
        """How the desk stands now, by the rule of the first page."""
        now = self._clock.now()
        facts = {fact.name: fact for fact in self._facts()}
        with self._database.reading() as tx:
            alerts = tx.alerts.list_open_alerts()
        return Readiness(
            market=self._market(now),
            verdict=judge(
                market_state(self._calendar(), now),
                [self._logins.look(status) for status in self._logins.status()],
                workers=int(facts["workers"].measures.get("alive", 0)),
                failing={name for name, fact in facts.items() if fact.status == "fail"},
                alerts=alerts,
            ),
            planned=self._planned(now),
            alerts=alerts,
        )

    def summary(self) -> DaySummary:
        """What became of the day so far (IST)."""
        now = self._clock.now()
        midnight = midnight_ist(day_ist(now))
        market = self._market(now)
        jobs: dict[str, int] = {}
        with self._database.reading() as tx:
            for (state, _), number in tx.vital_signs.count_jobs(ended_since=midnight).items():
                jobs[state] = jobs.get(state, 0) + number
            return DaySummary(
                market=market,
                jobs=jobs,
                missed={
                    each.name: int(each.measures["missed"])
                    for each in tx.alert_facts.list_missed(now=now)
                },
                gaps=[each.says for each in tx.alert_facts.list_gaps(mode=self._mode, now=now)],
                fired=sum(
                    each.fired_at is not None and each.fired_at >= midnight
                    for each in tx.alerts.list_alerts(limit=MOST_ALERTS)
                ),
                alerts=tx.alerts.list_open_alerts(),
            )

    def tell(self, kind: BriefKind) -> tuple[str, int]:
        """Leave a message for every channel, once a day and kind; the headline, and how many."""
        if kind is BriefKind.MORNING:
            ready = self.readiness()
            headline, body = ready.headline, morning_body(ready)
        else:
            day = self.summary()
            headline, body = day.headline, evening_body(day)
        now = self._clock.now()
        about = uuid5(NAMESPACE_URL, f"munshi:brief:{kind}:{day_ist(now)}")
        with self._database.transaction() as tx:
            left = 0
            for channel in tx.alert_channels.list_channels():
                message = Message(
                    message_id=uuid4(),
                    channel_id=channel.channel_id,
                    channel=channel.name,
                    severity=Severity.INFO,
                    title=plain(headline, longest=200),
                    body=f"{body}\n\nMunshi, {self._mode} brokers.",
                    alert_ids=[],
                    state=MessageState.WAITING,
                    tries=0,
                    not_before=now,
                    claimed_until=None,
                    created_at=now,
                    ended_at=None,
                )
                key = dedupe_key(channel.channel_id, [about])
                left += tx.alert_outbox.add_message(message, dedupe_key=key)
        return headline, left

    def _market(self, now: datetime) -> Market:
        try:
            sessions = self._calendar().sessions(day_ist(now), Segment.CASH)
        except CalendarYearUnknownError:
            return Market(is_unknown=True)
        if not sessions:
            return Market()
        return Market(opens=sessions[0].opens, closes=sessions[-1].closes)

    def _planned(self, now: datetime) -> list[tuple[datetime, str]]:
        until = midnight_ist(day_ist(now)) + timedelta(days=1)
        planned = []
        for view in self._schedules.list_all():
            runs = [at for at in view.next_runs if at < until]
            is_small = len(runs) > 1 and runs[1] - runs[0] < _SMALL
            if view.enabled and not is_small:
                planned += [(at, view.name) for at in runs]
        return planned
