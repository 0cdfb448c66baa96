"""The ten tables of the desk, and what stands beside them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from munshi.infrastructure.database import types

revision = "2026_11_22_first_tables"
down_revision = None

TABLES = (
    "Alerts",
    "ApiRateLimits",
    "AuditLogs",
    "AuthSessions",
    "BackgroundJobs",
    "CacheEntries",
    "CandleFiles",
    "ConfigHistory",
    "ConfigRevision",
    "Instruments",
    "PendingLogins",
    "SchedulerExecutions",
    "SystemConfigurations",
    "SystemHealth",
    "UserSessions",
    "VaultKeys",
    "AuditPersonalData",
    "JobAttempts",
    "MLValidationRuns",
)


def upgrade() -> None:
    _create_alerts()
    _create_api_rate_limits()
    _create_audit_logs()
    _create_auth_sessions()
    _create_background_jobs()
    _create_cache_entries()
    _create_candle_files()
    _create_config_history()
    _create_config_revision()
    _create_instruments()
    _create_pending_logins()
    _create_scheduler_executions()
    _create_system_configurations()
    _create_system_health()
    _create_user_sessions()
    _create_vault_keys()
    _create_audit_personal_data()
    _create_job_attempts()
    _create_ml_validation_runs()
    op.execute('INSERT INTO "ConfigRevision" (id, revision) VALUES (1, 0)')


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)


def _where(condition: str, *, postgresql: str | None = None) -> dict[str, Any]:
    return {
        "sqlite_where": sa.text(condition),
        "mssql_where": sa.text(condition),
        "postgresql_where": sa.text(postgresql or condition),
    }


def _create_alerts() -> None:
    op.create_table(
        "Alerts",
        sa.Column("id", types.RowUuid()),
        sa.Column("fingerprint", types.Name(200), nullable=False),
        sa.Column("kind", types.Name(50), nullable=False),
        sa.Column("severity", types.Name(20), nullable=False),
        sa.Column("state", types.Name(20), nullable=False),
        sa.Column("title", types.Prose(), nullable=False),
        sa.Column("link", types.Prose()),
        sa.Column("subject", types.Name(200)),
        sa.Column("raised_at", types.Instant(), nullable=False),
        sa.Column("resolved_at", types.Instant()),
        sa.CheckConstraint(
            "severity IN ('info', 'warning', 'critical')", name=op.f("ck_Alerts_severity")
        ),
        sa.CheckConstraint("state IN ('open', 'resolved')", name=op.f("ck_Alerts_state")),
        sa.PrimaryKeyConstraint("id", name="pk_Alerts"),
        sqlite_strict=True,
    )
    op.create_index("ix_Alerts_raised_at", "Alerts", ["raised_at"])
    op.create_index(
        "uq_Alerts_open", "Alerts", ["fingerprint"], unique=True, **_where("state = 'open'")
    )


def _create_api_rate_limits() -> None:
    op.create_table(
        "ApiRateLimits",
        sa.Column("id", types.Whole(), sa.Identity()),
        sa.Column("api_name", types.Name(20), nullable=False),
        sa.Column("account", types.Name(50), nullable=False, server_default="main"),
        sa.Column("endpoint", types.Name(100), nullable=False),
        sa.Column("window_start", types.Instant(), nullable=False),
        sa.Column("window_end", types.Instant(), nullable=False),
        sa.Column("request_count", types.Whole(), nullable=False, server_default="0"),
        sa.Column("refusals", types.Whole(), nullable=False, server_default="0"),
        sa.Column("limit", types.Whole()),
        sa.PrimaryKeyConstraint("id", name="pk_ApiRateLimits"),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ApiRateLimits_window_end", "ApiRateLimits", ["window_end"])
    op.create_index(
        "uq_ApiRateLimits_window",
        "ApiRateLimits",
        ["api_name", "account", "endpoint", "window_start", "window_end"],
        unique=True,
    )


def _create_audit_logs() -> None:
    op.create_table(
        "AuditLogs",
        sa.Column("id", types.Whole(), sa.Identity()),
        sa.Column("transaction_id", types.TransactionId()),
        sa.Column("format_version", types.Whole(), nullable=False),
        sa.Column("entity_type", types.Name(50), nullable=False),
        sa.Column("entity_id", types.Name(200)),
        sa.Column("action", types.Name(50), nullable=False),
        sa.Column("old_value", types.Json()),
        sa.Column("new_value", types.Json()),
        sa.Column("timestamp", types.Instant(), nullable=False),
        sa.Column("user_id", types.Name(100), nullable=False),
        sa.Column("request_id", types.Name(64)),
        sa.Column("details", types.Json()),
        sa.Column("canonical", types.Octets(), nullable=False),
        sa.Column("leaf", types.Digest(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_AuditLogs"),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_AuditLogs_entity_type_entity_id_id", "AuditLogs", ["entity_type", "entity_id", "id"]
    )
    op.create_index("ix_AuditLogs_timestamp", "AuditLogs", ["timestamp"])
    op.create_index("ix_AuditLogs_user_id_id", "AuditLogs", ["user_id", "id"])
    op.create_index("uq_AuditLogs_leaf", "AuditLogs", ["leaf"], unique=True)


def _create_auth_sessions() -> None:
    op.create_table(
        "AuthSessions",
        sa.Column("session_id", types.RowUuid()),
        sa.Column("service_type", types.Name(20), nullable=False),
        sa.Column("account", types.Name(50), nullable=False, server_default="main"),
        sa.Column("mode", types.Name(20), nullable=False),
        sa.Column("access_token", types.Secret(), nullable=False),
        sa.Column("session_token", types.Secret()),
        sa.Column("refresh_token", types.Secret()),
        sa.Column("key_id", types.Name(40), nullable=False),
        sa.Column("user_id", types.Name(100), nullable=False),
        sa.Column("user_name", types.Name(200), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.Column("is_active", types.Flag(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("metadata", types.Json(), nullable=False),
        sa.CheckConstraint("mode IN ('simulated', 'live')", name=op.f("ck_AuthSessions_mode")),
        sa.CheckConstraint(
            "service_type IN ('kite', 'breeze')",
            name=op.f("ck_AuthSessions_service_type"),
        ),
        sa.PrimaryKeyConstraint("session_id", name="pk_AuthSessions"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_AuthSessions_active_expires_at",
        "AuthSessions",
        ["expires_at"],
        **_where("is_active = 1", postgresql="is_active"),
    )
    op.create_index(
        "ix_AuthSessions_service_type_created_at",
        "AuthSessions",
        ["service_type", "mode", "created_at"],
    )
    op.create_index(
        "uq_AuthSessions_active",
        "AuthSessions",
        ["service_type", "account", "mode"],
        unique=True,
        **_where("is_active = 1", postgresql="is_active"),
    )


def _create_background_jobs() -> None:
    op.create_table(
        "BackgroundJobs",
        sa.Column("job_id", types.RowUuid()),
        sa.Column("job_type", types.Name(50), nullable=False),
        sa.Column("status", types.Name(20), nullable=False),
        sa.Column("progress_percent", types.Real(), nullable=False, server_default="0"),
        sa.Column("message", types.Prose()),
        sa.Column("parameters", types.Json(), nullable=False),
        sa.Column("result_data", types.Json()),
        sa.Column("error_details", types.Prose()),
        sa.Column("priority", types.Whole(), nullable=False, server_default="0"),
        sa.Column("attempt", types.Whole(), nullable=False, server_default="0"),
        sa.Column("max_attempts", types.Whole(), nullable=False, server_default="1"),
        sa.Column("run_at", types.Instant(), nullable=False),
        sa.Column("waits_for_service", types.Name(20)),
        sa.Column("cancel_requested", types.Flag(), nullable=False),
        sa.Column("idempotency_key", types.Name(200)),
        sa.Column("parent_id", types.RowUuid()),
        sa.Column("created_by", types.Name(100), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("started_at", types.Instant()),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("completed_at", types.Instant()),
        sa.CheckConstraint(
            "status IN ('scheduled', 'queued', 'running', 'waiting', 'paused', 'held', "
            "'succeeded', 'failed', 'dead', 'cancelled')",
            name=op.f("ck_BackgroundJobs_status"),
        ),
        sa.CheckConstraint(
            "progress_percent >= 0 AND progress_percent <= 100",
            name=op.f("ck_BackgroundJobs_progress_percent"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["BackgroundJobs.job_id"],
            name="fk_BackgroundJobs_parent_id_BackgroundJobs",
        ),
        sa.PrimaryKeyConstraint("job_id", name="pk_BackgroundJobs"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_BackgroundJobs_claim",
        "BackgroundJobs",
        ["priority", "run_at", "job_id"],
        **_where("status IN ('queued', 'scheduled')"),
    )
    op.create_index(
        "ix_BackgroundJobs_completed_at",
        "BackgroundJobs",
        ["completed_at"],
        **_where("completed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_BackgroundJobs_created_at_job_id", "BackgroundJobs", ["created_at", "job_id"]
    )
    op.create_index(
        "ix_BackgroundJobs_parent_id",
        "BackgroundJobs",
        ["parent_id"],
        **_where("parent_id IS NOT NULL"),
    )
    op.create_index(
        "ix_BackgroundJobs_status_created_at", "BackgroundJobs", ["status", "created_at"]
    )
    op.create_index(
        "uq_BackgroundJobs_idempotency_key_live",
        "BackgroundJobs",
        ["idempotency_key"],
        unique=True,
        **_where(
            "idempotency_key IS NOT NULL AND status IN "
            "('scheduled', 'queued', 'running', 'waiting', 'paused', 'held')"
        ),
    )


def _create_cache_entries() -> None:
    op.create_table(
        "CacheEntries",
        sa.Column("cache_key", types.Name(200)),
        sa.Column("namespace", types.Name(50), nullable=False),
        sa.Column("cache_value", types.Octets(), nullable=False),
        sa.Column("codec", types.Name(20), nullable=False),
        sa.Column("size_bytes", types.Whole(), nullable=False),
        sa.Column("compute_ms", types.Real()),
        sa.Column("access_count", types.Whole(), nullable=False, server_default="0"),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("cache_key", name="pk_CacheEntries"),
        sqlite_strict=True,
    )
    op.create_index("ix_CacheEntries_expires_at", "CacheEntries", ["expires_at"])
    op.create_index("ix_CacheEntries_namespace", "CacheEntries", ["namespace"])


def _create_candle_files() -> None:
    op.create_table(
        "CandleFiles",
        sa.Column("file_id", types.RowUuid()),
        sa.Column("mode", types.Name(20), nullable=False),
        sa.Column("source", types.Name(50), nullable=False),
        sa.Column("exchange", types.Name(20), nullable=False),
        sa.Column("instrument", types.Name(100), nullable=False),
        sa.Column("interval", types.Name(20), nullable=False),
        sa.Column("month", types.Name(6), nullable=False),
        sa.Column("path", types.Prose(), nullable=False),
        sa.Column("sha256", types.Name(64), nullable=False),
        sa.Column("rows", types.Whole(), nullable=False),
        sa.Column("bytes", types.Whole(), nullable=False),
        sa.Column("first_open", types.Instant(), nullable=False),
        sa.Column("last_open", types.Instant(), nullable=False),
        sa.Column("label", types.Name(100), nullable=False),
        sa.Column("fetched_at", types.Instant(), nullable=False),
        sa.Column("replaces", types.RowUuid()),
        sa.Column("is_current", types.Flag(), nullable=False),
        sa.CheckConstraint("mode IN ('simulated', 'live')", name=op.f("ck_CandleFiles_mode")),
        sa.ForeignKeyConstraint(
            ["replaces"], ["CandleFiles.file_id"], name="fk_CandleFiles_replaces_CandleFiles"
        ),
        sa.PrimaryKeyConstraint("file_id", name="pk_CandleFiles"),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_CandleFiles_current",
        "CandleFiles",
        ["mode", "source", "exchange", "instrument", "interval", "month"],
        unique=True,
        **_where("is_current = 1", postgresql="is_current"),
    )


def _create_config_history() -> None:
    op.create_table(
        "ConfigHistory",
        sa.Column("revision", types.Whole(), autoincrement=False),
        sa.Column("config_type", types.Name(50)),
        sa.Column("config_key", types.Name(150)),
        sa.Column("version", types.Whole(), nullable=False),
        sa.Column("config_value", types.Json()),
        sa.Column("is_secret", types.Flag(), nullable=False),
        sa.Column("is_active", types.Flag(), nullable=False),
        sa.Column("updated_by", types.Name(100), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("revision", "config_type", "config_key", name="pk_ConfigHistory"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_ConfigHistory_config_type_config_key",
        "ConfigHistory",
        ["config_type", "config_key", "version"],
    )


def _create_config_revision() -> None:
    op.create_table(
        "ConfigRevision",
        sa.Column("id", types.Whole(), autoincrement=False),
        sa.Column("revision", types.Whole(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_ConfigRevision_single")),
        sa.PrimaryKeyConstraint("id", name="pk_ConfigRevision"),
        sqlite_strict=True,
    )


def _create_instruments() -> None:
    op.create_table(
        "Instruments",
        sa.Column("instrument_id", types.RowUuid()),
        sa.Column("mode", types.Name(20), nullable=False),
        sa.Column("service_type", types.Name(20), nullable=False),
        sa.Column("exchange", types.Name(20), nullable=False),
        sa.Column("tradingsymbol", types.Name(100), nullable=False),
        sa.Column("name", types.Name(200), nullable=False),
        sa.Column("kind", types.Name(10), nullable=False),
        sa.Column("segment", types.Name(20), nullable=False),
        sa.Column("underlying", types.Name(100)),
        sa.Column("expiry", types.Day()),
        sa.Column("strike", types.Amount()),
        sa.Column("lot_size", types.Whole(), nullable=False),
        sa.Column("tick_size", types.Amount(), nullable=False),
        sa.Column("token", types.Name(50)),
        sa.Column("broker_code", types.Name(100)),
        sa.Column("loaded_at", types.Instant(), nullable=False),
        sa.CheckConstraint("mode IN ('simulated', 'live')", name=op.f("ck_Instruments_mode")),
        sa.PrimaryKeyConstraint("instrument_id", name="pk_Instruments"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_Instruments_underlying_expiry", "Instruments", ["mode", "underlying", "expiry"]
    )
    op.create_index(
        "uq_Instruments_symbol",
        "Instruments",
        ["mode", "service_type", "exchange", "tradingsymbol"],
        unique=True,
    )


def _create_pending_logins() -> None:
    op.create_table(
        "PendingLogins",
        sa.Column("login_id", types.RowUuid()),
        sa.Column("service_type", types.Name(20), nullable=False),
        sa.Column("account", types.Name(50), nullable=False),
        sa.Column("mode", types.Name(20), nullable=False),
        sa.Column("state_hash", types.Digest(), nullable=False),
        sa.Column("created_by", types.Name(100), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.Column("used_at", types.Instant()),
        sa.PrimaryKeyConstraint("login_id", name="pk_PendingLogins"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_PendingLogins_service_type_mode_expires_at",
        "PendingLogins",
        ["service_type", "mode", "expires_at"],
    )


def _create_scheduler_executions() -> None:
    op.create_table(
        "SchedulerExecutions",
        sa.Column("id", types.Whole(), sa.Identity()),
        sa.Column("job_name", types.Name(100), nullable=False),
        sa.Column("job_id", types.RowUuid()),
        sa.Column("platform", types.Name(20)),
        sa.Column("scheduled_for", types.Instant(), nullable=False),
        sa.Column("execution_time", types.Instant()),
        sa.Column("success", types.Flag()),
        sa.Column("result_message", types.Prose()),
        sa.Column("error_details", types.Prose()),
        sa.Column("duration_ms", types.Whole()),
        sa.Column("retry_count", types.Whole(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_SchedulerExecutions"),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_SchedulerExecutions_execution_time", "SchedulerExecutions", ["execution_time"]
    )
    op.create_index("ix_SchedulerExecutions_job_id", "SchedulerExecutions", ["job_id"])
    op.create_index(
        "uq_SchedulerExecutions_job_name_scheduled_for",
        "SchedulerExecutions",
        ["job_name", "scheduled_for"],
        unique=True,
    )


def _create_system_configurations() -> None:
    op.create_table(
        "SystemConfigurations",
        sa.Column("config_id", types.RowUuid()),
        sa.Column("config_type", types.Name(50), nullable=False),
        sa.Column("config_key", types.Name(150), nullable=False),
        sa.Column("config_value", types.Json()),
        sa.Column("secret_value", types.Secret()),
        sa.Column("version", types.Whole(), nullable=False),
        sa.Column("revision", types.Whole(), nullable=False),
        sa.Column("description", types.Prose()),
        sa.Column("updated_by", types.Name(100), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("is_active", types.Flag(), nullable=False),
        sa.CheckConstraint(
            "config_value IS NULL OR secret_value IS NULL",
            name=op.f("ck_SystemConfigurations_one_value"),
        ),
        sa.PrimaryKeyConstraint("config_id", name="pk_SystemConfigurations"),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_SystemConfigurations_config_type_config_key",
        "SystemConfigurations",
        ["config_type", "config_key"],
        unique=True,
    )


def _create_system_health() -> None:
    op.create_table(
        "SystemHealth",
        sa.Column("id", types.Whole(), sa.Identity()),
        sa.Column("component", types.Name(50), nullable=False),
        sa.Column("status", types.Name(20), nullable=False),
        sa.Column("response_time_ms", types.Real()),
        sa.Column("error_count", types.Whole(), nullable=False, server_default="0"),
        sa.Column("checked_at", types.Instant(), nullable=False),
        sa.Column("details", types.Json()),
        sa.PrimaryKeyConstraint("id", name="pk_SystemHealth"),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    op.create_index("ix_SystemHealth_checked_at", "SystemHealth", ["checked_at"])
    op.create_index(
        "ix_SystemHealth_component_checked_at", "SystemHealth", ["component", "checked_at"]
    )


def _create_user_sessions() -> None:
    op.create_table(
        "UserSessions",
        sa.Column("session_id", types.RowUuid()),
        sa.Column("username", types.Name(100), nullable=False),
        sa.Column("session_token", types.Digest(), nullable=False),
        sa.Column("role", types.Name(20), nullable=False),
        sa.Column("ip_address", types.Name(45)),
        sa.Column("user_agent", types.Prose()),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("last_activity", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.Column("is_active", types.Flag(), nullable=False),
        sa.Column("revoked_at", types.Instant()),
        sa.PrimaryKeyConstraint("session_id", name="pk_UserSessions"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_UserSessions_active_expires_at",
        "UserSessions",
        ["expires_at"],
        **_where("is_active = 1", postgresql="is_active"),
    )
    op.create_index("ix_UserSessions_username", "UserSessions", ["username"])
    op.create_index("uq_UserSessions_session_token", "UserSessions", ["session_token"], unique=True)


def _create_vault_keys() -> None:
    op.create_table(
        "VaultKeys",
        sa.Column("key_id", types.Name(40)),
        sa.Column("canary", types.Secret(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_VaultKeys"),
        sqlite_strict=True,
    )


def _create_audit_personal_data() -> None:
    op.create_table(
        "AuditPersonalData",
        sa.Column("audit_id", types.Whole(), autoincrement=False),
        sa.Column("field", types.Name(50)),
        sa.Column("salt", types.Digest(), nullable=False),
        sa.Column("value", types.Prose(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audit_id"], ["AuditLogs.id"], name="fk_AuditPersonalData_audit_id_AuditLogs"
        ),
        sa.PrimaryKeyConstraint("audit_id", "field", name="pk_AuditPersonalData"),
        sqlite_strict=True,
    )


def _create_job_attempts() -> None:
    op.create_table(
        "JobAttempts",
        sa.Column("job_id", types.RowUuid()),
        sa.Column("attempt", types.Whole(), autoincrement=False),
        sa.Column("worker_id", types.Name(100), nullable=False),
        sa.Column("lease_until", types.Instant(), nullable=False),
        sa.Column("heartbeat_at", types.Instant(), nullable=False),
        sa.Column("started_at", types.Instant(), nullable=False),
        sa.Column("finished_at", types.Instant()),
        sa.Column("outcome", types.Name(20)),
        sa.Column("error", types.Prose()),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["BackgroundJobs.job_id"],
            name="fk_JobAttempts_job_id_BackgroundJobs",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("job_id", "attempt", name="pk_JobAttempts"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_JobAttempts_open", "JobAttempts", ["job_id"], **_where("finished_at IS NULL")
    )


def _create_ml_validation_runs() -> None:
    op.create_table(
        "MLValidationRuns",
        sa.Column("validation_id", types.RowUuid()),
        sa.Column("job_id", types.RowUuid()),
        sa.Column("model_type", types.Name(50), nullable=False),
        sa.Column("signal_type", types.Name(50), nullable=False),
        sa.Column("status", types.Name(20), nullable=False),
        sa.Column("from_date", types.Day(), nullable=False),
        sa.Column("to_date", types.Day(), nullable=False),
        sa.Column("accuracy", types.Real()),
        sa.Column("precision_score", types.Real()),
        sa.Column("recall_score", types.Real()),
        sa.Column("f1_score", types.Real()),
        sa.Column("roc_auc", types.Real()),
        sa.Column("brier_score", types.Real()),
        sa.Column("train_samples", types.Whole()),
        sa.Column("test_samples", types.Whole()),
        sa.Column("baseline", types.Json()),
        sa.Column("confidence_intervals", types.Json()),
        sa.Column("parameters", types.Json(), nullable=False),
        sa.Column("data_fingerprint", types.Name(64)),
        sa.Column("error_details", types.Prose()),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("completed_at", types.Instant()),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["BackgroundJobs.job_id"],
            name="fk_MLValidationRuns_job_id_BackgroundJobs",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("validation_id", name="pk_MLValidationRuns"),
        sqlite_strict=True,
    )
    op.create_index("ix_MLValidationRuns_job_id", "MLValidationRuns", ["job_id"])
    op.create_index(
        "ix_MLValidationRuns_model_type_signal_type",
        "MLValidationRuns",
        ["model_type", "signal_type", "created_at"],
    )
