"""SQL that tells whether there is anything new to show, from the ends of indexes alone."""

from sqlalchemy import Connection, func, literal_column, select

from munshi.domain.jobs import JobState
from munshi.infrastructure.database.job_states import spelt
from munshi.infrastructure.database.models import (
    alerts,
    audit_logs,
    background_jobs,
    config_revision,
    job_workers,
    scheduler_executions,
    system_health,
)

_jobs, _executions = background_jobs.c, scheduler_executions.c
_running = _jobs.status == spelt(JobState.RUNNING)
# A job may begin and end between two looks. Where as many wait, some are seen to run.
_queued = (
    select(_jobs.job_id)
    .where(_jobs.status == spelt(JobState.QUEUED))
    .limit(literal_column("200"))
    .subquery()
)
# The literal lets the planner use the index of what is open.
_open = alerts.c.state != literal_column("'resolved'")
SIGNS = select(
    select(func.max(audit_logs.c.id)).scalar_subquery(),
    select(func.max(_jobs.created_at)).scalar_subquery(),
    select(func.count()).select_from(background_jobs).where(_running).scalar_subquery(),
    select(func.max(_jobs.updated_at)).where(_running).scalar_subquery(),
    select(func.count()).select_from(_queued).scalar_subquery(),
    select(func.max(_executions.id)).scalar_subquery(),
    select(func.count())
    .select_from(scheduler_executions)
    .where(_executions.success.is_(None), _executions.job_id.is_not(None))
    .scalar_subquery(),
    select(func.count()).select_from(alerts).where(_open).scalar_subquery(),
    select(func.max(alerts.c.raised_at)).where(_open).scalar_subquery(),
    select(func.max(alerts.c.fired_at)).where(_open).scalar_subquery(),
    select(func.max(system_health.c.id)).scalar_subquery(),
    select(func.max(config_revision.c.revision)).scalar_subquery(),
    select(func.count()).select_from(job_workers).scalar_subquery(),
)


class ChangeRepository:
    """What pages that people leave open are refreshed by."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_signs(self) -> str:
        """Another text than before when somebody decided something or a job has moved on."""
        return "|".join(map(str, self._connection.execute(SIGNS).one()))
