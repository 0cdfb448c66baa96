"""The gate before the brokers, and who passes it: what the desk knows of who is asking."""

from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta

from munshi.bootstrap.broker_lines import Ground
from munshi.bootstrap.job_types import JOB_TYPES
from munshi.config.service import ConfigService
from munshi.domain.market.sessions import Segment
from munshi.domain.quotas import Priority, midnight_ist
from munshi.errors import CalendarInvalidError, CalendarYearUnknownError
from munshi.infrastructure.brokers.line import Gate
from munshi.jobs.run import running_job, running_job_must_stop
from munshi.market.calendar_service import CalendarService
from munshi.rate_limits.gate import QuotaGate
from munshi.rate_limits.pools import PoolBook

_USUAL_CLOSE = timedelta(hours=15, minutes=30)


def open_gate(ground: Ground) -> QuotaGate:
    """The caller closes it."""
    calendar = CalendarService(ConfigService(ground.database, ground.clock))

    def kept_until(day: date) -> datetime | None:
        try:
            known = calendar.calendar()
            sessions = [*known.sessions(day, Segment.CASH), *known.sessions(day, Segment.FNO)]
        except (CalendarInvalidError, CalendarYearUnknownError):
            # Better kept for nothing than missed.
            return midnight_ist(day) + _USUAL_CLOSE
        return max((session.closes for session in sessions), default=None)

    pools = PoolBook(ground.database, ground.clock, mode=ground.mode, kept_until=kept_until)
    return QuotaGate(ground.database, ground.clock, mode=ground.mode, pools=pools)


def who_asks(quotas: QuotaGate) -> Gate:
    """The gate as broker clients use it."""

    def gate(endpoint_class: str) -> AbstractContextManager[None]:
        return quotas.permit(
            endpoint_class, should_stop=running_job_must_stop, priority=_priority_of_caller()
        )

    return gate


def _priority_of_caller() -> Priority:
    """Downloads are bulk; people, logins and checks are not."""
    run = running_job()
    spec = None if run is None else JOB_TYPES.get(run.job.job_type)
    return Priority.BULK if spec is not None and spec.bulk else Priority.URGENT
