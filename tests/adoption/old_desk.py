"""The database of an old install, as its scripts made it and years of use left it."""

import json
from typing import Any

from sqlalchemy import Connection, text

from databases import open_database

TOKEN = "kT9xQ2mVb7LpZr4WcN8sYd1HfGa5Jue3"
API_SECRET = "s3cr3t0fTheOldDeskNobodyShouldSee"
PASSWORD = "Hush!Hush.9"
BREEZE_SESSION = "QUIxMjM0OjU2Nzg5MDEyMzQ1Njc4/x+9=="
SECRETS = (TOKEN, API_SECRET, PASSWORD, BREEZE_SESSION)
JOB_ID = "0b0f3a52-6c1e-4c39-9f5e-2f5a3b1c9d10"
LIVE_JOB_ID = "9a1d7c1e-5b1f-4a55-8a77-0f2a6f3f7d11"
HUGE = "x" * 1_200_000

_TABLES = """
CREATE TABLE "AuthSessions" (id INTEGER PRIMARY KEY, service_type TEXT, access_token TEXT,
    session_token TEXT, expires_at TEXT);
CREATE TABLE "BackgroundJobs" (job_id TEXT, job_type TEXT, status TEXT, progress_percent TEXT,
    result_data TEXT, parameters TEXT, error_details TEXT, message TEXT, created_at TEXT,
    started_at TEXT, completed_at TEXT, machine_name TEXT);
CREATE INDEX "ix_BackgroundJobs_parent_id" ON "BackgroundJobs" (job_id);
CREATE TABLE "SystemConfigurations" (id INTEGER PRIMARY KEY, config_type TEXT, config_key TEXT,
    config_value TEXT, version INTEGER, is_active BOOLEAN);
CREATE TABLE "AuditLogs" (id INTEGER CONSTRAINT "pk_AuditLogs" PRIMARY KEY, entity_type TEXT,
    entity_id TEXT, action TEXT, old_value TEXT, new_value TEXT, user_id TEXT, ip_address TEXT,
    details TEXT, timestamp TEXT, machine TEXT);
CREATE TABLE "SchedulerExecutions" (id INTEGER PRIMARY KEY, job_id TEXT, success TEXT)
"""
SETTINGS: tuple[tuple[object, ...], ...] = (
    ("scheduler", "breeze_login_times", '["05:30", "08:30"]'),
    ("scheduler", "kite_login_times", '["05:45", "08:45"]'),
    ("scheduler", "weekdays_only", "True"),
    ("scheduler", "kite_headless", "True"),
    ("trading", "max_positions", "7"),
    ("trading", "default_lot_size", "50"),
    ("auth", "session_timeout_minutes", "720"),
    ("auth", "kite_api_key", "the-kite-key"),
    ("auth", "KITE_API_SECRET", API_SECRET),
    ("auth", "kite_password", PASSWORD),
    ("auth", "kite_access_token", TOKEN),
    ("api", "rate_limit_per_minute", "60"),
    ("trading", "max_position", "3"),
)
JOBS: tuple[tuple[object, ...], ...] = (
    # id, type, status, percent, result, parameters, error, message, created, started, completed
    (
        *(JOB_ID, "backtest", "completed", "100", '{"pnl": 1234.5, "trades": 12}'),
        *(json.dumps({"strategy": "S1", "api_secret": API_SECRET}), None, f"used {TOKEN}"),
        *("2025-03-01 10:00:00", "2025-03-01 10:00:05.1234567", "2025-03-01T10:05:00+00:00"),
    ),
    (
        LIVE_JOB_ID,
        "data_collection",
        "Running",
        "45",
        *[None] * 4,
        "2025-03-02 09:15:00",
        None,
        None,
    ),
    (
        "17",
        "strategy_runner",
        "failed",
        "12.5",
        "{not json",
        "[1, 2]",
        "boom",
        None,
        "yesterday",
        "2025-03-03 09:00:00",
        "0000-00-00",
    ),
    (JOB_ID, "BACKTEST", "success", "NaN", None, None, None, None, None, None, None),
    (
        None,
        None,
        None,
        None,
        HUGE,
        '{"a": {"a": 1e999}}',
        HUGE,
        "\U0001f600",
        "2025-03-04",
        None,
        "9999-12-31",
    ),
    (
        None,
        None,
        None,
        None,
        HUGE,
        '{"a": {"a": 1e999}}',
        HUGE,
        "\U0001f600",
        "2025-03-04",
        None,
        "9999-12-31",
    ),
)
AUDIT: tuple[tuple[object, ...], ...] = (
    # entity type, entity id, action, old, new, user, address, details, time, machine
    (
        "config",
        "trading/max_positions",
        "update",
        "5",
        "7",
        "asha",
        "192.0.2.9",
        '{"reason": "more room", "ratio": 0.25}',
        "2025-03-01 11:30:00",
        "DESK-1",
    ),
    (
        "config",
        "auth/KITE_API_SECRET",
        "update",
        "the-secret-before-it",
        API_SECRET,
        "asha",
        None,
        None,
        "2025-03-01 11:31:00",
        None,
    ),
    (
        "auth",
        "kite",
        "login",
        None,
        json.dumps({"access_token": TOKEN, "user": "AB1234"}),
        None,
        None,
        f"GET /?request_token={TOKEN}&x=1",
        "2025-03-02T03:45:00Z",
        None,
    ),
    (None, None, None, None, "{broken", None, None, None, "not a time", None),
    ("job", "j" * 5000, "note", HUGE, "[" * 3000, "a" * 5000, None, BREEZE_SESSION, None, None),
)


def make_old_desk(url: str, *, audit_rows: int = 0) -> None:
    """Make the tables; `audit_rows` more of a plain kind in the trail."""
    database = open_database(url)
    with database.engine.begin() as connection:
        for statement in _TABLES.split(";"):
            connection.execute(text(statement))
        connection.execute(
            text(
                "INSERT INTO \"AuthSessions\" VALUES (1, 'kite', :token, NULL, NULL), "
                "(2, 'breeze', NULL, :session, NULL)"
            ),
            {"token": TOKEN, "session": BREEZE_SESSION},
        )
        for number, row in enumerate(SETTINGS, start=1):
            _insert(connection, "SystemConfigurations", (number, *row, 1, True))
        for row in JOBS:
            _insert(connection, "BackgroundJobs", (*row, "DESK-1"))
        for number, row in enumerate(AUDIT, start=1):
            _insert(connection, "AuditLogs", (number, *row))
        for number in range(audit_rows):
            row = ("job", f"j{number}", "done", None, "{}", "asha", None, None, "2025-04-01", None)
            _insert(connection, "AuditLogs", (100 + number, *row))
    database.close()


def run_sql(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """The rows of the last statement that has any."""
    database = open_database(url)
    rows: list[tuple[Any, ...]] = []
    with database.engine.begin() as connection:
        for statement in statements:
            result = connection.execute(text(statement))
            if result.returns_rows:
                rows = [tuple(row) for row in result]
    database.close()
    return rows


def _insert(connection: Connection, table: str, row: tuple[object, ...]) -> None:
    names = ", ".join(f":v{at}" for at in range(len(row)))
    connection.execute(
        text(f'INSERT INTO "{table}" VALUES ({names})'),
        {f"v{at}": value for at, value in enumerate(row)},
    )
