"""Starts jobs when their schedules are due; any number of schedulers share one database."""

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

import structlog

from munshi.clock import Clock, today_ist
from munshi.domain.due_runs import Decision, decide, gather
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.schedules import Schedule, ScheduleCursor
from munshi.domain.triggers import MarketTrigger
from munshi.errors import CalendarInvalidError, DatabaseUnreachableError
from munshi.infrastructure.causes import cause, trace
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.schedule_board import ScheduleBoard
from munshi.infrastructure.database.server_connection import patience
from munshi.jobs.service import JobService
from munshi.jobs.troubles import Trouble
from munshi.scheduler.cursors import (
    CALENDAR_ALERT,
    apply_change,
    change_of,
    raise_calendar_alert,
)
from munshi.scheduler.firing import (
    ScheduleMovedError,
    Turn,
    alert_of,
    fail,
    fire,
)
from munshi.scheduler.plan import PATIENCE, Planned, next_run, planned_of

POLL_SECONDS = 0.5
ANSWER_SECONDS = 10.0
SETTLE_SECONDS = 5.0
_CALENDAR_WARNING_DAYS = 21
_log = structlog.get_logger(__name__)
_random = random.SystemRandom()


class DatabaseScheduler:
    """One scheduler of a process. `jobs` stores what is due and rouses the workers.

    `run` works until told to stop, `start` and `stop` do so in a thread of their own, `tick` is
    one look. What has been dealt with stands in ScheduleCursors, so nothing depends on which
    scheduler runs, or on any having run.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        jobs: JobService,
        calendar: Callable[[], MarketCalendar],
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._read_calendar = calendar
        self._poll_seconds = poll_seconds
        self._board = ScheduleBoard(database)
        self._calendar = MarketCalendar({})
        self._planned: dict[str, Planned] = {}
        self._revision: int | None = None
        self._read_on: date | None = None
        self._last_look: datetime | None = None
        self._next_settling = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Work in the background."""
        self._stop.clear()
        self._thread = threading.Thread(
            target=self.run, args=(self._stop,), name="scheduler", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def run(self, stop: threading.Event) -> None:
        """Look until `stop` is set. Outlives a database that is away."""
        trouble = Trouble("scheduler_look_failed", self._clock)
        with patience(ANSWER_SECONDS):
            while not stop.is_set():
                pause = self._poll_seconds * _random.uniform(0.75, 1.25)
                try:
                    self.tick()
                    trouble.over()
                except Exception as error:  # noqa: BLE001 - the database may come back
                    pause = trouble.met(error)
                stop.wait(pause)

    def tick(self) -> int:
        """Deal with all that is due now; how many jobs were stored."""
        now = self._clock.now()
        signs = self._board.read(now=now)
        is_due = signs.is_due
        if self._must_read(signs.revision, now):
            self._read(signs.revision, now)
            is_due = True
        fired = self._start_due(now) if is_due else 0
        if self._clock.monotonic() >= self._next_settling:
            self._settle(now)
            self._next_settling = self._clock.monotonic() + SETTLE_SECONDS
        return fired

    # --- what the configuration says ------------------------------------------------------

    def _must_read(self, revision: int, now: datetime) -> bool:
        if self._last_look is not None and now < self._last_look - PATIENCE:
            self._revision = None  # the clock has stepped back, and the cursors have to follow
        self._last_look = now
        return revision != self._revision or today_ist(self._clock) != self._read_on

    def _read(self, revision: int, now: datetime) -> None:
        """Read schedules and calendar, and move every cursor that no longer stands well."""
        calendar = self._usable_calendar()
        with self._database.reading() as tx:
            planned = planned_of(tx.config.list_stored())
            cursors = {cursor.job_name: cursor for cursor in tx.schedules.list_cursors()}
            changes = [
                change
                for one in planned.values()
                if (change := change_of(tx, one, cursors.get(one.name), calendar, now))
            ]
            was_ending = CALENDAR_ALERT in {each.kind for each in tx.alerts.list_open_alerts()}
        gone = sorted(cursors.keys() - planned.keys())
        self._calendar, self._planned = calendar, planned
        ends_soon = self._calendar_ends_soon()
        if changes or gone or ends_soon != was_ending:
            with self._database.transaction() as tx:
                for name in gone:
                    tx.schedules.delete_cursor(name)
                    tx.alerts.resolve_alert(alert_of(name), now=now)
                for change in changes:
                    apply_change(tx, change, now=now)
                if ends_soon:
                    raise_calendar_alert(tx, calendar, now=now)
                else:
                    tx.alerts.resolve_alert(CALENDAR_ALERT, now=now)
        self._revision, self._read_on = revision, today_ist(self._clock)

    def _usable_calendar(self) -> MarketCalendar:
        try:
            return self._read_calendar()
        except CalendarInvalidError as error:
            _log.error("market_calendar_unusable", cause=cause(error))
            return MarketCalendar.packaged()

    def _calendar_ends_soon(self) -> bool:
        """Whether a schedule goes by market days, and they are about to run out."""
        years = self._calendar.years
        if not years or not any(
            isinstance(planned.schedule.trigger, MarketTrigger)
            for planned in self._planned.values()
            if planned.schedule is not None and planned.schedule.enabled
        ):
            return False
        return (date(years[-1], 12, 31) - today_ist(self._clock)).days < _CALENDAR_WARNING_DAYS

    # --- what is due ----------------------------------------------------------------------

    def _start_due(self, now: datetime) -> int:
        with self._database.reading() as tx:
            due = tx.schedules.list_due(now=now)
        return sum(self._deal(cursor, now) for cursor in due)

    def _deal(self, seen: ScheduleCursor, now: datetime) -> int:
        """Start or write down all that is due of one schedule; how many jobs were stored."""
        planned = self._planned.get(seen.job_name)
        schedule = planned.schedule if planned else None
        if planned is None or schedule is None or planned.version != seen.config_version:
            self._revision = None
            return 0
        turn = _nothing_more(planned, schedule, seen, now)
        try:
            turn = self._turn(planned, schedule, seen, now)
            with self._database.transaction() as tx:
                fired = fire(tx, self._jobs, turn, now=now)
        except ScheduleMovedError:
            self._revision = None
            return 0
        except DatabaseUnreachableError:
            raise
        except Exception as problem:  # noqa: BLE001 - one bad schedule must not stop the others
            self._fail(turn, problem, now)
            return 0
        _log.info("schedule_fired", schedule=planned.name, jobs=fired)
        return fired

    def _turn(
        self, planned: Planned, schedule: Schedule, seen: ScheduleCursor, now: datetime
    ) -> Turn:
        with self._database.reading() as tx:
            known = tx.schedules.list_recorded(planned.name, after=seen.done_until, until=now)
        batch = gather(
            schedule.trigger,
            after=seen.done_until,
            until=now,
            calendar=self._calendar,
            known=known,
        )
        next_due, error = next_run(planned, after=now, calendar=self._calendar)
        return Turn(
            planned=planned,
            schedule=schedule,
            decision=decide(schedule, batch, now=now),
            seen=seen,
            cursor=replace(seen, done_until=now, next_due=next_due),
            error=error,
        )

    def _fail(self, turn: Turn, problem: Exception, now: datetime) -> None:
        _log.warning(
            "schedule_failed",
            schedule=turn.schedule.name,
            cause=cause(problem),
            trace=trace(problem),
        )
        try:
            with self._database.transaction() as tx:
                fail(tx, turn, cause(problem), now=now)
        except ScheduleMovedError:
            self._revision = None

    # --- what the jobs did ----------------------------------------------------------------

    def _settle(self, now: datetime) -> None:
        """Fill the rows of jobs that ended by other ways than a worker's: cancelled, completed."""
        with self._database.reading() as tx:
            ended = tx.schedules.list_ended_jobs()
        if ended:
            with self._database.transaction() as tx:
                for job in ended:
                    tx.schedules.record_job_end(job, now=now)


def _nothing_more(
    planned: Planned, schedule: Schedule, seen: ScheduleCursor, now: datetime
) -> Turn:
    """For a schedule whose due times cannot even be worked out."""
    due = () if seen.next_due is None else (seen.next_due,)
    return Turn(
        planned=planned,
        schedule=schedule,
        decision=Decision(fired=due, missed=()),
        seen=seen,
        cursor=replace(seen, done_until=now, next_due=None),
    )
