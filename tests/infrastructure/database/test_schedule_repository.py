"""SchedulerExecutions and ScheduleCursors on both databases: one row a due time, quick to find."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Executable

from clocks import FakeClock
from munshi.domain.jobs import DEFAULT_QUEUE, AttemptOutcome, Job, JobEnding, JobState, NewJob
from munshi.domain.schedules import ExecutionStatus, ScheduleCursor
from munshi.infrastructure.database import schedule_statements
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_claims import Lane
from munshi.infrastructure.database.schedule_board import ScheduleBoard, ScheduleSigns
from munshi.infrastructure.database.transaction import Transaction

MANY = 100_000
MINUTE = timedelta(minutes=1)
FIRED, MISSED, GAP = ExecutionStatus.FIRED, ExecutionStatus.MISSED, ExecutionStatus.GAP


def cursor(clock: FakeClock, *, name: str = "x", due: datetime | None = None) -> ScheduleCursor:
    return ScheduleCursor(
        job_name=name, config_version=1, done_until=clock.now() - MINUTE, next_due=due
    )


def save(tx: Transaction, clock: FakeClock, new: ScheduleCursor) -> None:
    assert tx.schedules.save_cursor(new, seen=None, now=clock.now())


def test_a_due_time_has_one_row_and_the_second_is_told(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        first = tx.schedules.save_execution("x", FIRED, scheduled_for=clock.now())
        second = tx.schedules.save_execution("x", MISSED, scheduled_for=clock.now())
        other = tx.schedules.save_execution("y", FIRED, scheduled_for=clock.now())
        rows = tx.schedules.list_executions("x", limit=10)

    assert first is not None
    assert (second, other is not None) == (None, True)
    assert [(row.execution_id, row.status) for row in rows] == [(first, FIRED)]


def test_of_two_that_saw_the_same_cursor_one_moves_it(database: Database, clock: FakeClock) -> None:
    seen = cursor(clock, due=clock.now())
    moved = replace(seen, done_until=clock.now(), next_due=clock.now() + MINUTE)
    with database.transaction() as tx:
        save(tx, clock, seen)
        made_again = tx.schedules.save_cursor(seen, seen=None, now=clock.now())

        first = tx.schedules.save_cursor(moved, seen=seen, now=clock.now())
        second = tx.schedules.save_cursor(moved, seen=seen, now=clock.now())
        stored = tx.schedules.list_cursors()

    assert (made_again, first, second) == (False, True, False)
    assert stored == [moved]


def test_due_are_those_whose_time_has_come_the_longest_due_first(
    database: Database, clock: FakeClock
) -> None:
    now = clock.now()
    due = {"late": now - MINUTE, "now": now, "soon": now + MINUTE, "never": None}
    with database.transaction() as tx:
        for name, instant in due.items():
            save(tx, clock, cursor(clock, name=name, due=instant))

        found = [one.job_name for one in tx.schedules.list_due(now=now)]
        early = tx.schedules.is_due(now=now - 2 * MINUTE)

    assert found == ["late", "now"]
    assert not early


def test_the_board_says_the_same_either_way(database: Database, clock: FakeClock) -> None:
    board = ScheduleBoard(database)
    signs = []
    for instant in (clock.now() + MINUTE, clock.now()):
        with database.transaction() as tx:
            tx.schedules.delete_cursor("x")
            save(tx, clock, cursor(clock, due=instant))
            tx.config.set_config("jobs", "keep_days", 7, updated_by="asha", now=clock.now())
        quick = board.read(now=clock.now())
        assert quick == board.read_by_repositories(now=clock.now())
        signs.append(quick)

    first, second = signs
    assert (first.is_due, second.is_due) == (False, True)
    assert second == ScheduleSigns(revision=first.revision + 1, is_due=True)


def test_history_is_paged_by_due_time_and_misses_are_summed(
    database: Database, clock: FakeClock
) -> None:
    times = [clock.now() + number * MINUTE for number in range(5)]
    with database.transaction() as tx:
        for due in times[:3]:
            tx.schedules.save_execution("x", MISSED, scheduled_for=due, missed_count=1)
        tx.schedules.save_execution(
            "x", GAP, scheduled_for=times[3], missed_until=times[4], missed_count=40
        )

        page = tx.schedules.list_executions("x", limit=2)
        older = tx.schedules.list_executions("x", before=page[-1].scheduled_for, limit=9)
        missed = tx.schedules.count_missed("x", since=times[1])
        known = tx.schedules.list_recorded("x", after=times[0], until=times[3])
        day = tx.schedules.list_between("x", start=times[1], end=times[3], limit=9)
        outcomes = tx.schedules.count_outcomes("x", start=times[1], end=times[4])
        taken_back = tx.schedules.delete_missed("x", after=times[2])

    assert [row.scheduled_for for row in page] == [times[3], times[2]]
    assert [row.scheduled_for for row in older] == [times[1], times[0]]
    assert (missed, taken_back) == (42, 1)
    assert [row.scheduled_for for row in day] == [times[2], times[1]]
    assert outcomes == {(MISSED, False): 2, (GAP, False): 40}
    assert known == set(times[1:4])


def scheduled_job(tx: Transaction, clock: FakeClock, **fields: Any) -> UUID:  # noqa: ANN401
    usual: dict[str, Any] = {"parameters": {"service": "kite"}, "schedule_name": "x"}
    new = NewJob(
        job_id=uuid4(),
        job_type="auto_login",
        run_at=clock.now(),
        created_by="schedule:x",
        **{**usual, **fields},
    )
    row = tx.schedules.save_execution("x", FIRED, scheduled_for=clock.now())
    assert row is not None
    tx.schedules.give_job(row, tx.jobs.create_job(new, now=clock.now()).job_id)
    return new.job_id


def ended_job(tx: Transaction, clock: FakeClock, job_id: UUID, ending: JobEnding) -> Job:
    lanes = [Lane(DEFAULT_QUEUE, "auto_login")]
    lease = timedelta(seconds=30)
    tx.attempts.claim_jobs("here", lanes=lanes, limit=1, lease=lease, now=clock.now())
    clock.advance(timedelta(seconds=90))
    return tx.attempts.finish(job_id, 1, ending, now=clock.now())


def test_a_row_is_filled_from_the_jobs_end(database: Database, clock: FakeClock) -> None:
    ending = JobEnding(
        state=JobState.SUCCEEDED,
        outcome=AttemptOutcome.SUCCEEDED,
        message="Logged in.",
        result={"rows": 3},
    )
    with database.transaction() as tx:
        job_id = scheduled_job(tx, clock)
        began = clock.now()
        job = ended_job(tx, clock, job_id, ending)

        tx.schedules.record_job_end(replace(job, attempt=3), now=clock.now())
        (row,) = tx.schedules.list_executions("x", limit=9)

    assert (row.success, row.duration_ms, row.retry_count) == (True, 90_000, 2)
    assert (row.execution_time, row.platform) == (began, "kite")
    assert (row.result_message, row.error_details) == ("Logged in.", None)


def test_the_result_says_better_than_the_parameters_which_broker_it_was(
    database: Database, clock: FakeClock
) -> None:
    ending = JobEnding(
        state=JobState.FAILED,
        outcome=AttemptOutcome.ERROR,
        error="No.",
        result={"source": "breeze"},
    )
    with database.transaction() as tx:
        job = ended_job(tx, clock, scheduled_job(tx, clock, parameters={}), ending)
        tx.schedules.record_job_end(job, now=clock.now())
        (row,) = tx.schedules.list_executions("x", limit=9)

    assert (row.success, row.error_details, row.platform) == (False, "No.", "breeze")


def test_the_end_of_a_job_that_no_schedule_asked_for_changes_nothing(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        job_id = scheduled_job(tx, clock)
        job = tx.jobs.get_job(job_id)
        assert job is not None
        tx.schedules.record_job_end(replace(job, job_id=uuid4()), now=clock.now())

        (row,) = tx.schedules.list_executions("x", limit=9)

    assert row.success is None


def test_jobs_that_ended_unnoticed_are_found_until_their_row_says_so(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        ended = scheduled_job(tx, clock)
        clock.advance(MINUTE)
        scheduled_job(tx, clock)
        tx.jobs.request_cancel(ended, now=clock.now())

        (found,) = tx.schedules.list_ended_jobs()
        tx.schedules.record_job_end(found, now=clock.now())
        left = tx.schedules.list_ended_jobs()

    assert (found.job_id, left) == (ended, [])


# --- plans at a hundred thousand rows ------------------------------------------------------

_FILL = {
    "sqlite": """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
        INSERT INTO {into} SELECT {values} FROM n
    """,
    "postgresql": "INSERT INTO {into} SELECT {values} FROM generate_series(1, {rows}) AS n(i)",
}
_DAY = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2026-01-01', '+' || i || ' minutes')",
    "postgresql": "timestamptz '2026-01-01' + i * interval '1 minute'",
}
_HEX = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "gen_random_uuid()"}


@contextmanager
def filled(database: Database) -> Iterator[Transaction]:
    """A hundred thousand cursors and as many executions, all but a few of which have ended."""
    kind = database.dialect
    day, job_id = _DAY[kind], _HEX[kind]
    ended = "i % 1000 <> 0" if kind == "sqlite" else "mod(i, 1000) <> 0"
    true = "1" if kind == "sqlite" else "true"
    with database.transaction() as tx:
        for into, values in (
            (
                '"ScheduleCursors" (job_name, config_version, done_until, next_due, updated_at)',
                f"'s' || i, 1, {day}, {day}, {day}",
            ),
            (
                '"SchedulerExecutions" (job_name, job_id, scheduled_for, success)',
                f"'s' || (i / 1000), {job_id}, {day}, CASE WHEN {ended} THEN {true} END",
            ),
        ):
            tx.connection.exec_driver_sql(_FILL[kind].format(into=into, values=values, rows=MANY))
        tx.connection.exec_driver_sql("ANALYZE")
        yield tx


def plan(tx: Transaction, statement: Executable, values: dict[str, Any]) -> str:
    compiled = statement.compile(  # type: ignore[attr-defined]
        tx.connection, compile_kwargs={"render_postcompile": True}
    )
    given = compiled.construct_params(values)
    processors = compiled._bind_processors  # noqa: SLF001 - as the values go to the driver
    bound = {
        name: processors[name](value) if name in processors else value
        for name, value in given.items()
    }
    if tx.connection.dialect.name == "sqlite":
        ordered = tuple(bound[name] for name in compiled.positiontup)
        rows = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", ordered).all()
        return "\n".join(row.detail for row in rows)
    rows = tx.connection.exec_driver_sql(f"EXPLAIN {compiled}", bound).scalars().all()
    return json.dumps(rows)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("DUE", "ix_ScheduleCursors_next_due"),
        ("IS_DUE", "ix_ScheduleCursors_next_due"),
        ("HISTORY", "uq_SchedulerExecutions_job_name_scheduled_for"),
        ("COUNT_MISSED", "uq_SchedulerExecutions_job_name_scheduled_for"),
        ("RECORDED", "uq_SchedulerExecutions_job_name_scheduled_for"),
        ("JOB_END", "ix_SchedulerExecutions_job_id"),
        ("ENDED", "ix_SchedulerExecutions_open"),
    ],
)
def test_what_schedulers_ask_uses_its_index_among_a_hundred_thousand_rows(
    database: Database, clock: FakeClock, name: str, index: str
) -> None:
    now = clock.now().replace(month=1, day=2)
    values: dict[str, Any] = {
        "DUE": {"now": now, "most": 100},
        "IS_DUE": {"now": now},
        "HISTORY": {"name": "s7", "before": clock.now(), "most": 20},
        "COUNT_MISSED": {"name": "s7", "since": now},
        "RECORDED": {"name": "s7", "after": now, "until": now + MINUTE},
        "JOB_END": {
            **dict.fromkeys(("began", "succeeded", "took_ms", "said", "error", "broker")),
            "of_job": uuid4(),
            "retries": 0,
        },
        "ENDED": {"most": 100},
    }
    with filled(database) as tx:
        used = plan(tx, getattr(schedule_statements, name), values[name])

    assert index in used
    assert "Seq Scan" not in used.replace('Seq Scan on \\"BackgroundJobs\\"', "")
    assert "TEMP B-TREE" not in used
