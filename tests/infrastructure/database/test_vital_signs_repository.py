"""What checks and metrics ask, on both databases: the counts, and that indexes are walked."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, event, insert, text

from clocks import FakeClock
from munshi.domain.enums import Service
from munshi.domain.sessions import BrokerSession
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import background_jobs, job_attempts
from munshi.infrastructure.database.vital_signs_repository import LastLogin, VitalSignsRepository
from munshi.settings import BrokerMode

DAY = timedelta(days=1)


def add_job(
    database: Database,
    now: datetime,
    status: str,
    *outcomes: str | None,
    **other: Any,  # noqa: ANN401
) -> None:
    """A job in that state, and an attempt for each outcome."""
    job: Mapping[str, Any] = {
        "job_id": uuid4(),
        "job_type": "auto_login",
        "status": status,
        "parameters": {},
        "run_at": now,
        "turn_at": now,
        "cancel_requested": False,
        "created_by": "tester",
        "created_at": now,
        "updated_at": now,
    } | other
    with database.engine.begin() as connection:
        connection.execute(insert(background_jobs).values(**job))
        for number, outcome in enumerate(outcomes, start=1):
            connection.execute(
                insert(job_attempts).values(
                    job_id=job["job_id"],
                    attempt=number,
                    worker_id="w",
                    lease_until=now,
                    heartbeat_at=now,
                    started_at=now,
                    finished_at=None if outcome is None else now,
                    outcome=outcome,
                )
            )


def test_jobs_are_counted_by_state_and_type(database: Database, clock: FakeClock) -> None:
    now = clock.now()
    add_job(database, now, "queued")
    add_job(database, now - 9 * DAY, "running", "lease_expired", None)
    for state in ("scheduled", "waiting", "paused", "held", "held"):
        add_job(database, now - 9 * DAY, state)
    add_job(database, now, "succeeded", "error", "succeeded", job_type="data_collection")
    add_job(database, now, "dead", "crashed")
    add_job(database, now - 2 * DAY, "succeeded", "succeeded")

    with database.reading() as tx:
        jobs = tx.vital_signs.count_jobs(ended_since=now - DAY)
        outcomes = tx.vital_signs.count_outcomes(since=now - DAY)

    assert jobs == {
        ("running", "auto_login"): 1,
        ("scheduled", "auto_login"): 1,
        ("waiting", "auto_login"): 1,
        ("paused", "auto_login"): 1,
        ("held", "auto_login"): 2,
        ("succeeded", "data_collection"): 1,
        ("dead", "auto_login"): 1,
    }
    assert outcomes == {
        ("data_collection", "error"): 1,
        ("data_collection", "succeeded"): 1,
        ("auto_login", "crashed"): 1,
    }


def test_waiting_jobs_are_summed_by_queue_and_type(database: Database, clock: FakeClock) -> None:
    now = clock.now()
    add_job(database, now - DAY, "queued")
    add_job(database, now, "queued")
    add_job(database, now - 2 * DAY, "scheduled")
    add_job(database, now + DAY, "scheduled")
    add_job(database, now, "queued", queue="research")

    with database.reading() as tx:
        found = tx.vital_signs.list_waiting(now=now)

    assert [(each.queue, each.queued, each.due, each.jobs, each.oldest) for each in found] == [
        ("default", 2, 1, 3, now - 2 * DAY),
        ("research", 1, 0, 1, now),
    ]


def test_a_service_has_its_active_login_or_else_the_last_that_ended(
    database: Database, clock: FakeClock
) -> None:
    def save(service: Service, hours: int) -> None:
        with database.transaction() as tx:
            tx.auth.save_session(
                BrokerSession(
                    service=service,
                    mode=BrokerMode.SIMULATED,
                    access_token="t",
                    user_id="u",
                    user_name="U",
                    expires_at=clock.now() + timedelta(hours=hours),
                ),
                now=clock.now(),
            )

    save(Service.KITE, 9)
    save(Service.KITE, 5)
    save(Service.BREEZE, 7)
    with database.transaction() as tx:
        tx.auth.deactivate_session(Service.BREEZE, mode=BrokerMode.SIMULATED, now=clock.now())

    with database.reading() as tx:
        simulated = tx.vital_signs.list_logins(mode=BrokerMode.SIMULATED)
        live = tx.vital_signs.list_logins(mode=BrokerMode.LIVE)

    assert simulated == {
        Service.KITE: LastLogin(expires_at=clock.now() + timedelta(hours=5), is_active=True),
        Service.BREEZE: LastLogin(expires_at=clock.now() + timedelta(hours=7), is_active=False),
    }
    assert live == {}


def statements_of(connection: Connection, clock: FakeClock) -> list[tuple[str, Any]]:
    """Every statement with its parameters that a scrape and a sweep send about jobs."""
    sent: list[tuple[str, Any]] = []

    def keep(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:  # noqa: ANN401
        sent.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", keep)
    signs = VitalSignsRepository(connection)
    signs.list_waiting(now=clock.now())
    signs.count_jobs(ended_since=clock.now() - DAY)
    signs.count_outcomes(since=clock.now() - DAY)
    event.remove(connection, "before_cursor_execute", keep)
    return [(statement, given) for statement, given in sent if "BackgroundJobs" in statement]


def fill(database: Database, clock: FakeClock, *, rows: int) -> None:
    """So many jobs that were done, with statistics as the monthly care takes them."""
    ids = [uuid4() for _ in range(rows)]
    now = clock.now()
    times = dict.fromkeys(("run_at", "turn_at", "created_at", "updated_at"), now)
    job = {"job_type": "backtest", "status": "succeeded", "parameters": {}, "created_by": "tester"}
    done = {"outcome": "succeeded", "attempt": 1, "worker_id": "w"}
    lease = dict.fromkeys(("lease_until", "heartbeat_at", "started_at", "finished_at"), now)
    with database.engine.begin() as connection:
        connection.execute(
            insert(background_jobs),
            [{"job_id": each, "cancel_requested": False, **job, **times} for each in ids],
        )
        connection.execute(
            insert(job_attempts), [{"job_id": each, **done, **lease} for each in ids]
        )
        connection.execute(text("ANALYZE"))


@pytest.mark.parametrize("rows", [0, 3000])
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_no_question_about_jobs_reads_the_whole_table(
    dialect: str, rows: int, clock: FakeClock, request: pytest.FixtureRequest
) -> None:
    database: Database = request.getfixturevalue(f"{dialect}_database")
    if rows:
        fill(database, clock, rows=rows)
    explain = "EXPLAIN QUERY PLAN " if dialect == "sqlite" else "EXPLAIN "
    with database.engine.connect() as connection:
        if dialect == "postgresql":  # of so small a table the planner would rather read everything
            connection.execute(text("SET enable_seqscan = off"))
        plans = [
            "\n".join(str(row) for row in connection.exec_driver_sql(explain + statement, given))
            for statement, given in statements_of(connection, clock)
        ]

    assert len(plans) == 5
    for plan in plans:
        assert re.search(r"ix_BackgroundJobs_|pk_BackgroundJobs|ix_JobAttempts_open", plan), plan
        assert not re.search(r'Seq Scan on "?BackgroundJobs|SCAN BackgroundJobs\'', plan), plan
