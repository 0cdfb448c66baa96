"""Every table, one file each; importing this package fills `metadata`."""

from munshi.infrastructure.database.models.alert_delivery import (
    alert_channels,
    alert_deliveries,
    alert_keeper,
    alert_messages,
    alert_notices,
    alert_silences,
)
from munshi.infrastructure.database.models.alerts import alerts
from munshi.infrastructure.database.models.api_rate_limits import api_rate_limits
from munshi.infrastructure.database.models.api_rate_pools import api_rate_pools
from munshi.infrastructure.database.models.api_rate_slots import api_rate_slots
from munshi.infrastructure.database.models.audit_ledger import (
    audit_archives,
    audit_blocks,
    audit_keys,
    audit_sealer,
)
from munshi.infrastructure.database.models.audit_logs import audit_logs, audit_personal_data
from munshi.infrastructure.database.models.auth_sessions import auth_sessions
from munshi.infrastructure.database.models.background_jobs import background_jobs
from munshi.infrastructure.database.models.backtest_audits import backtest_audits
from munshi.infrastructure.database.models.backtest_runs import (
    backtest_legs,
    backtest_runs,
    backtest_trades,
)
from munshi.infrastructure.database.models.backtest_sweeps import (
    backtest_sweep_results,
    backtest_sweeps,
    backtest_trials,
)
from munshi.infrastructure.database.models.base import metadata
from munshi.infrastructure.database.models.broker_circuits import broker_circuits
from munshi.infrastructure.database.models.cache_entries import (
    cache_changes,
    cache_entries,
    cache_leases,
    cache_state,
    cache_table_changes,
    cache_tags,
    cache_use,
)
from munshi.infrastructure.database.models.candle_files import candle_files
from munshi.infrastructure.database.models.candle_gaps import candle_gaps
from munshi.infrastructure.database.models.data_keys import data_keys
from munshi.infrastructure.database.models.instruments import instrument_lists, instruments
from munshi.infrastructure.database.models.job_artifacts import job_artifacts
from munshi.infrastructure.database.models.job_attempts import job_attempts
from munshi.infrastructure.database.models.job_logs import job_logs
from munshi.infrastructure.database.models.job_pauses import job_pauses
from munshi.infrastructure.database.models.job_slots import job_slots
from munshi.infrastructure.database.models.job_workers import job_workers
from munshi.infrastructure.database.models.legacy_rows import legacy_rows
from munshi.infrastructure.database.models.login_states import login_states
from munshi.infrastructure.database.models.ml_validation_runs import ml_validation_runs
from munshi.infrastructure.database.models.pending_logins import pending_logins
from munshi.infrastructure.database.models.provisional_bars import provisional_bars
from munshi.infrastructure.database.models.schedule_cursors import schedule_cursors
from munshi.infrastructure.database.models.scheduler_executions import scheduler_executions
from munshi.infrastructure.database.models.stream_quotes import stream_quotes
from munshi.infrastructure.database.models.system_configurations import (
    config_history,
    config_revision,
    system_configurations,
)
from munshi.infrastructure.database.models.system_health import system_health, system_health_hourly
from munshi.infrastructure.database.models.user_sessions import user_sessions
from munshi.infrastructure.database.models.users import (
    api_keys,
    setup_links,
    sign_in_throttle,
    user_recovery_codes,
    users,
)
from munshi.infrastructure.database.models.vault_keys import vault_keys

__all__ = [
    "alert_channels",
    "alert_deliveries",
    "alert_keeper",
    "alert_messages",
    "alert_notices",
    "alert_silences",
    "alerts",
    "api_keys",
    "api_rate_limits",
    "api_rate_pools",
    "api_rate_slots",
    "audit_archives",
    "audit_blocks",
    "audit_keys",
    "audit_logs",
    "audit_personal_data",
    "audit_sealer",
    "auth_sessions",
    "background_jobs",
    "backtest_audits",
    "backtest_legs",
    "backtest_runs",
    "backtest_sweep_results",
    "backtest_sweeps",
    "backtest_trades",
    "backtest_trials",
    "broker_circuits",
    "cache_changes",
    "cache_entries",
    "cache_leases",
    "cache_state",
    "cache_table_changes",
    "cache_tags",
    "cache_use",
    "candle_files",
    "candle_gaps",
    "config_history",
    "config_revision",
    "data_keys",
    "instrument_lists",
    "instruments",
    "job_artifacts",
    "job_attempts",
    "job_logs",
    "job_pauses",
    "job_slots",
    "job_workers",
    "legacy_rows",
    "login_states",
    "metadata",
    "ml_validation_runs",
    "pending_logins",
    "provisional_bars",
    "schedule_cursors",
    "scheduler_executions",
    "setup_links",
    "sign_in_throttle",
    "stream_quotes",
    "system_configurations",
    "system_health",
    "system_health_hourly",
    "user_recovery_codes",
    "user_sessions",
    "users",
    "vault_keys",
]
