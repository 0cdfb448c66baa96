"""What dependable jobs, schedules and health keep."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op

from munshi.infrastructure.database import types
from munshi.infrastructure.database.migrations.rebuild import rebuild_table

revision = "2026_11_25_jobs_and_schedules"
down_revision = "2026_11_22_stored_procedures"

_NAMES = {
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
}
# Rows that change while they are young leave room beside them, and are swept early.
_STORAGE = (
    "fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000"
)
_OPEN_EXECUTION = "success IS NULL AND job_id IS NOT NULL"
_BUSY = ("BackgroundJobs", "JobAttempts")
_NEW_TABLES = (
    "JobArtifacts",
    "JobLogs",
    "JobPauses",
    "JobSlots",
    "JobWorkers",
    "ScheduleCursors",
    "SystemHealthHourly",
)


def upgrade() -> None:
    _drop_old_indexes()
    _change(_new_background_jobs(), _JOB_COLUMNS, fill="turn_at", copied={"turn_at": "run_at"})
    _move_open_attempts()
    if op.get_context().dialect.name != "sqlite":
        op.drop_constraint(op.f(_STATUS), "BackgroundJobs", type_="check")
        op.create_check_constraint(op.f(_STATUS), "BackgroundJobs", _NEW_STATUS)
        op.drop_constraint(op.f(_ATTEMPTS_KEY), "JobAttempts", type_="foreignkey")
    _change(_job_attempts(old=False), ())
    _change(_scheduler_executions(_new_execution_columns()), _EXECUTION_COLUMNS)
    _change(_system_health(_new_health_columns()), _HEALTH_COLUMNS)
    _create_new_indexes()
    _create_job_tables()
    _create_schedule_and_health_tables()
    _index("ix_SchedulerExecutions_open", ["job_id"], _OPEN_EXECUTION)
    if op.get_context().dialect.name == "postgresql":
        for name in _BUSY:
            op.execute(f'ALTER TABLE "{name}" SET ({_STORAGE})')


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        options = ", ".join(each.split(" = ")[0] for each in _STORAGE.split(", "))
        for name in _BUSY:
            op.execute(f'ALTER TABLE "{name}" RESET ({options})')
    for name in reversed(_NEW_TABLES):
        op.drop_table(name)
    op.execute(_OPEN_AGAIN)
    for name in _NEW_INDEXES:
        op.drop_index(name, table_name="BackgroundJobs")
    op.drop_index("ix_SchedulerExecutions_open", table_name="SchedulerExecutions")
    _change_back(_old_background_jobs(), _JOB_COLUMNS)
    _change_back(_job_attempts(old=True), ())
    if op.get_context().dialect.name != "sqlite":
        op.drop_constraint(op.f(_STATUS), "BackgroundJobs", type_="check")
        op.create_check_constraint(op.f(_STATUS), "BackgroundJobs", _OLD_STATUS)
        op.create_foreign_key(
            op.f(_ATTEMPTS_KEY),
            "JobAttempts",
            "BackgroundJobs",
            ["job_id"],
            ["job_id"],
            ondelete="CASCADE",
        )
    _change_back(_scheduler_executions(()), _EXECUTION_COLUMNS)
    _change_back(_system_health(()), _HEALTH_COLUMNS)
    _create_old_indexes()


# --- changed tables ------------------------------------------------------------------------

_JOB_COLUMNS = (
    "queue",
    "turn_at",
    "concurrency_key",
    "idempotency_until",
    "schedule_name",
    "errors",
    "crashes",
    "progress_rate",
    "worker_id",
    "attempt_started_at",
    "lease_until",
    "heartbeat_at",
)
_EXECUTION_COLUMNS = ("status", "missed_until", "missed_count")
_HEALTH_COLUMNS = ("last_error", "last_error_at")


def _change(
    new: sa.Table,
    added: tuple[str, ...],
    *,
    fill: str | None = None,
    copied: dict[str, str] | None = None,
) -> None:
    """Give a table the columns `added`; `fill` is set from `copied` before it is required."""
    if op.get_context().dialect.name == "sqlite":
        _rebuild(new, copied or {})
        return
    for name in added:
        column = new.columns[name]._copy()  # noqa: SLF001 - the column belongs to a table already
        if name == fill:
            column.nullable = True
        op.add_column(new.name, column)
    if fill and copied:
        op.execute(f'UPDATE "{new.name}" SET {fill} = {copied[fill]}')
        op.alter_column(new.name, fill, existing_type=new.columns[fill].type, nullable=False)


def _change_back(old: sa.Table, added: tuple[str, ...]) -> None:
    if op.get_context().dialect.name == "sqlite":
        _rebuild(old, {})
        return
    for name in reversed(added):
        op.drop_column(old.name, name, mssql_drop_default=True)


def _rebuild(new: sa.Table, copied: dict[str, str]) -> None:
    if context.is_offline_mode():
        # The script begins with an empty database: there is no row to keep.
        op.execute(f'DROP TABLE "{new.name}"')
        op.execute(sa.schema.CreateTable(new))
        return
    rebuild_table(op.get_bind(), new, copied=copied)


def _table(
    name: str,
    *items: sa.schema.SchemaItem,
    beside: sa.Table | None = None,
    counted: bool = False,
    keyed: bool = False,
) -> sa.Table:
    """A table as this revision knows it; `beside` is one that it refers to."""
    return sa.Table(
        name,
        beside.metadata if beside is not None else sa.MetaData(naming_convention=_NAMES),
        *items,
        sqlite_strict=True,
        sqlite_autoincrement=counted,
        sqlite_with_rowid=not keyed,
    )


_STATES = (
    *("scheduled", "queued", "running", "waiting", "paused", "held"),
    *("succeeded", "failed", "dead", "cancelled"),
)
_STATUS = "ck_BackgroundJobs_status"
_OLD_STATUS = (
    "status IN ('scheduled', 'queued', 'running', 'waiting', 'paused', 'held', "
    "'succeeded', 'failed', 'dead', 'cancelled')"
)
# SQLite builds a tree for every IN that it evaluates.
_NEW_STATUS = " OR ".join(f"status = '{state}'" for state in _STATES)
_RARE_STATUS = " OR ".join(
    f"status = '{state}'"
    for state in ("scheduled", "waiting", "paused", "held", "failed", "dead", "cancelled")
)


def _background_jobs(status: str, *added: sa.Column[object]) -> sa.Table:
    return _table(
        "BackgroundJobs",
        sa.Column("job_id", types.RowUuid, primary_key=True),
        sa.Column("job_type", types.Name(50), nullable=False),
        sa.Column("status", types.Name(20), nullable=False),
        sa.Column("progress_percent", types.Real, nullable=False, server_default="0"),
        sa.Column("message", types.Prose),
        sa.Column("parameters", types.Json, nullable=False),
        sa.Column("result_data", types.Json),
        sa.Column("error_details", types.Prose),
        sa.Column("priority", types.Whole, nullable=False, server_default="0"),
        sa.Column("attempt", types.Whole, nullable=False, server_default="0"),
        sa.Column("max_attempts", types.Whole, nullable=False, server_default="1"),
        sa.Column("run_at", types.Instant, nullable=False),
        sa.Column("waits_for_service", types.Name(20)),
        sa.Column("cancel_requested", types.Flag, nullable=False),
        sa.Column("idempotency_key", types.Name(200)),
        sa.Column("parent_id", types.RowUuid, sa.ForeignKey("BackgroundJobs.job_id")),
        sa.Column("created_by", types.Name(100), nullable=False),
        sa.Column("created_at", types.Instant, nullable=False),
        sa.Column("started_at", types.Instant),
        sa.Column("updated_at", types.Instant, nullable=False),
        sa.Column("completed_at", types.Instant),
        *added,
        sa.CheckConstraint(status, name="status"),
        sa.CheckConstraint(
            "progress_percent >= 0 AND progress_percent <= 100", name="progress_percent"
        ),
    )


def _old_background_jobs() -> sa.Table:
    return _background_jobs(_OLD_STATUS)


def _new_background_jobs() -> sa.Table:
    return _background_jobs(
        _NEW_STATUS,
        sa.Column("queue", types.Name(50), nullable=False, server_default="default"),
        sa.Column("turn_at", types.Instant, nullable=False),
        sa.Column("concurrency_key", types.Name(200)),
        sa.Column("idempotency_until", types.Instant),
        sa.Column("schedule_name", types.Name(100)),
        sa.Column("errors", types.Whole, nullable=False, server_default="0"),
        sa.Column("crashes", types.Whole, nullable=False, server_default="0"),
        sa.Column("progress_rate", types.Real),
        sa.Column("worker_id", types.Name(100)),
        sa.Column("attempt_started_at", types.Instant),
        sa.Column("lease_until", types.Instant),
        sa.Column("heartbeat_at", types.Instant),
    )


_ATTEMPTS_KEY = "fk_JobAttempts_job_id_BackgroundJobs"
_LAST = {
    "worker_id": "worker_id",
    "attempt_started_at": "started_at",
    "lease_until": "lease_until",
    "heartbeat_at": "heartbeat_at",
}
_OPEN_AGAIN = """
INSERT INTO "JobAttempts" (job_id, attempt, worker_id, lease_until, heartbeat_at, started_at)
SELECT job_id, attempt, worker_id, lease_until, heartbeat_at, attempt_started_at
FROM "BackgroundJobs" WHERE status = 'running' AND worker_id IS NOT NULL"""


def _move_open_attempts() -> None:
    """The attempt that runs stands in the job's row from now on."""
    for new, old in _LAST.items():
        op.execute(
            f'UPDATE "BackgroundJobs" SET {new} = (SELECT {old} FROM "JobAttempts" AS a '
            'WHERE a.job_id = "BackgroundJobs".job_id AND a.attempt = "BackgroundJobs".attempt '
            "AND a.finished_at IS NULL) WHERE status = 'running'"
        )
    op.execute(
        'DELETE FROM "JobAttempts" WHERE finished_at IS NULL AND EXISTS (SELECT 1 '
        'FROM "BackgroundJobs" AS j WHERE j.job_id = "JobAttempts".job_id '
        "AND j.status = 'running' AND j.attempt = \"JobAttempts\".attempt)"
    )


def _job_attempts(*, old: bool) -> sa.Table:
    parent = [sa.ForeignKey("BackgroundJobs.job_id", ondelete="CASCADE")] if old else []
    return _table(
        "JobAttempts",
        sa.Column("job_id", types.RowUuid, *parent, primary_key=True),
        sa.Column("attempt", types.Whole, primary_key=True, autoincrement=False),
        sa.Column("worker_id", types.Name(100), nullable=False),
        sa.Column("lease_until", types.Instant, nullable=False),
        sa.Column("heartbeat_at", types.Instant, nullable=False),
        sa.Column("started_at", types.Instant, nullable=False),
        sa.Column("finished_at", types.Instant),
        sa.Column("outcome", types.Name(20)),
        sa.Column("error", types.Prose),
        beside=_old_background_jobs(),
        keyed=not old,
    )


def _new_execution_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("status", types.Name(20), nullable=False, server_default="fired"),
        sa.Column("missed_until", types.Instant),
        sa.Column("missed_count", types.Whole, nullable=False, server_default="0"),
    )


def _scheduler_executions(added: tuple[sa.Column[object], ...]) -> sa.Table:
    return _table(
        "SchedulerExecutions",
        sa.Column("id", types.Whole, sa.Identity(), primary_key=True),
        sa.Column("job_name", types.Name(100), nullable=False),
        sa.Column("job_id", types.RowUuid),
        sa.Column("platform", types.Name(20)),
        sa.Column("scheduled_for", types.Instant, nullable=False),
        sa.Column("execution_time", types.Instant),
        sa.Column("success", types.Flag),
        sa.Column("result_message", types.Prose),
        sa.Column("error_details", types.Prose),
        sa.Column("duration_ms", types.Whole),
        sa.Column("retry_count", types.Whole, nullable=False, server_default="0"),
        *added,
        counted=True,
    )


def _new_health_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("last_error", types.Prose),
        sa.Column("last_error_at", types.Instant),
    )


def _system_health(added: tuple[sa.Column[object], ...]) -> sa.Table:
    return _table(
        "SystemHealth",
        sa.Column("id", types.Whole, sa.Identity(), primary_key=True),
        sa.Column("component", types.Name(50), nullable=False),
        sa.Column("status", types.Name(20), nullable=False),
        sa.Column("response_time_ms", types.Real),
        sa.Column("error_count", types.Whole, nullable=False, server_default="0"),
        sa.Column("checked_at", types.Instant, nullable=False),
        sa.Column("details", types.Json),
        *added,
        counted=True,
    )


# --- indexes of BackgroundJobs -------------------------------------------------------------

_NEW_INDEXES = (
    "ix_BackgroundJobs_claim",
    "ix_BackgroundJobs_running",
    "ix_BackgroundJobs_due",
    "uq_BackgroundJobs_idempotency_key_kept",
    "ix_BackgroundJobs_status_created_at",
    "ix_BackgroundJobs_parent_id",
)
_OLD_INDEXES = (
    "ix_BackgroundJobs_claim",
    "ix_BackgroundJobs_status_created_at",
    "ix_BackgroundJobs_completed_at",
    "ix_BackgroundJobs_parent_id",
)


def _index(
    name: str, columns: list[str], condition: str | None = None, *, unique: bool = False
) -> None:
    where: dict[str, Any] = {}
    if condition:
        where = {
            f"{dialect}_where": sa.text(condition) for dialect in ("sqlite", "postgresql", "mssql")
        }
    table = name.split("_")[1]
    op.create_index(name, table, columns, unique=unique, **where)


def _drop_old_indexes() -> None:
    for name in _OLD_INDEXES:
        op.drop_index(name, table_name="BackgroundJobs")
    op.drop_index("ix_JobAttempts_open", table_name="JobAttempts")


def _create_new_indexes() -> None:
    if op.get_context().dialect.name == "sqlite" and context.is_offline_mode():
        _recreate_kept_indexes()
    _index(
        "ix_BackgroundJobs_claim",
        ["queue", "job_type", "turn_at"],
        "status = 'queued'",
    )
    _index("ix_BackgroundJobs_running", ["created_at"], "status = 'running'")
    _index("ix_BackgroundJobs_due", ["run_at"], "status = 'scheduled'")
    _index(
        "uq_BackgroundJobs_idempotency_key_kept",
        ["idempotency_key"],
        "idempotency_key IS NOT NULL AND idempotency_until IS NOT NULL",
        unique=True,
    )
    _index(
        "ix_BackgroundJobs_status_created_at",
        ["status", "created_at"],
        _RARE_STATUS,
    )
    _index("ix_BackgroundJobs_parent_id", ["parent_id"], "parent_id IS NOT NULL")


def _recreate_kept_indexes() -> None:
    """What a dropped table took with it; only the script for an empty SQLite drops one."""
    _index(
        "uq_BackgroundJobs_idempotency_key_live",
        ["idempotency_key"],
        "idempotency_key IS NOT NULL AND status IN "
        "('scheduled', 'queued', 'running', 'waiting', 'paused', 'held')",
        unique=True,
    )
    _index("ix_BackgroundJobs_created_at_job_id", ["created_at", "job_id"])
    _index(
        "uq_SchedulerExecutions_job_name_scheduled_for",
        ["job_name", "scheduled_for"],
        unique=True,
    )
    _index("ix_SchedulerExecutions_execution_time", ["execution_time"])
    _index("ix_SchedulerExecutions_job_id", ["job_id"])
    _index("ix_SystemHealth_component_checked_at", ["component", "checked_at"])
    _index("ix_SystemHealth_checked_at", ["checked_at"])


def _create_old_indexes() -> None:
    _index(
        "ix_BackgroundJobs_claim",
        ["priority", "run_at", "job_id"],
        "status IN ('queued', 'scheduled')",
    )
    _index("ix_BackgroundJobs_status_created_at", ["status", "created_at"])
    _index("ix_BackgroundJobs_completed_at", ["completed_at"], "completed_at IS NOT NULL")
    _index("ix_BackgroundJobs_parent_id", ["parent_id"], "parent_id IS NOT NULL")
    _index("ix_JobAttempts_open", ["job_id"], "finished_at IS NULL")


# --- new tables ----------------------------------------------------------------------------


def _create_job_tables() -> None:
    op.create_table(
        "JobArtifacts",
        sa.Column("job_id", types.RowUuid, nullable=False),
        sa.Column("name", types.Name(100), nullable=False),
        sa.Column("attempt", types.Whole, nullable=False),
        sa.Column("path", types.Prose, nullable=False),
        sa.Column("sha256", types.Digest, nullable=False),
        sa.Column("size", types.Whole, nullable=False),
        sa.Column("media_type", types.Name(100), nullable=False),
        sa.Column("created_at", types.Instant, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "name", name=op.f("pk_JobArtifacts")),
        _of_job("JobArtifacts", ondelete="CASCADE"),
        sqlite_strict=True,
    )
    op.create_table(
        "JobLogs",
        sa.Column("job_id", types.RowUuid, nullable=False),
        sa.Column("attempt", types.Whole, autoincrement=False, nullable=False),
        sa.Column("line", types.Whole, autoincrement=False, nullable=False),
        sa.Column("logged_at", types.Instant, nullable=False),
        sa.Column("level", types.Name(20), nullable=False),
        sa.Column("event", types.Prose, nullable=False),
        sa.Column("fields", types.Json),
        sa.PrimaryKeyConstraint("job_id", "attempt", "line", name=op.f("pk_JobLogs")),
        _of_job("JobLogs", ondelete="CASCADE"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "JobPauses",
        sa.Column("kind", types.Name(20), nullable=False),
        sa.Column("name", types.Name(50), nullable=False),
        sa.Column("reason", types.Prose),
        sa.Column("paused_by", types.Name(100), nullable=False),
        sa.Column("paused_at", types.Instant, nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_JobPauses")),
        sa.CheckConstraint("kind IN ('queue', 'job_type')", name=op.f("ck_JobPauses_kind")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "JobSlots",
        sa.Column("queue", types.Name(50), nullable=False),
        sa.Column("concurrency_key", types.Name(200), nullable=False),
        sa.Column("slot", types.Whole, autoincrement=False, nullable=False),
        sa.Column("job_id", types.RowUuid, nullable=False),
        sa.Column("attempt", types.Whole, nullable=False),
        sa.PrimaryKeyConstraint("queue", "concurrency_key", "slot", name=op.f("pk_JobSlots")),
        _of_job("JobSlots"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_JobSlots_job_id", "JobSlots", ["job_id"])
    op.create_table(
        "JobWorkers",
        sa.Column("worker_id", types.Name(100), nullable=False),
        sa.Column("host", types.Name(100), nullable=False),
        sa.Column("process_id", types.Whole, nullable=False),
        sa.Column("status", types.Name(20), nullable=False),
        sa.Column("threads", types.Whole, nullable=False),
        sa.Column("running", types.Whole, nullable=False),
        sa.Column("abandoned", types.Whole, nullable=False, server_default="0"),
        sa.Column("started_at", types.Instant, nullable=False),
        sa.Column("heartbeat_at", types.Instant, nullable=False),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_JobWorkers")),
        sqlite_strict=True,
    )
    op.create_index("ix_JobWorkers_heartbeat_at", "JobWorkers", ["heartbeat_at"])


def _of_job(table: str, **options: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["job_id"],
        ["BackgroundJobs.job_id"],
        name=op.f(f"fk_{table}_job_id_BackgroundJobs"),
        **options,  # type: ignore[arg-type]
    )


def _create_schedule_and_health_tables() -> None:
    op.create_table(
        "ScheduleCursors",
        sa.Column("job_name", types.Name(100), nullable=False),
        sa.Column("config_version", types.Whole, nullable=False),
        sa.Column("done_until", types.Instant, nullable=False),
        sa.Column("next_due", types.Instant),
        sa.Column("updated_at", types.Instant, nullable=False),
        sa.PrimaryKeyConstraint("job_name", name=op.f("pk_ScheduleCursors")),
        sqlite_strict=True,
    )
    _index("ix_ScheduleCursors_next_due", ["next_due"], "next_due IS NOT NULL")
    op.create_table(
        "SystemHealthHourly",
        sa.Column("component", types.Name(50), nullable=False),
        sa.Column("hour", types.Instant, nullable=False),
        sa.Column("samples", types.Whole, nullable=False),
        sa.Column("failures", types.Whole, nullable=False),
        sa.Column("least_ms", types.Real),
        sa.Column("mean_ms", types.Real),
        sa.Column("most_ms", types.Real),
        sa.Column("last_error", types.Prose),
        sa.PrimaryKeyConstraint("component", "hour", name=op.f("pk_SystemHealthHourly")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_SystemHealthHourly_hour", "SystemHealthHourly", ["hour"])
