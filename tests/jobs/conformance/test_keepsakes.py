"""What jobs leave beside their result: lines of a log, and files with their hash."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from clocks import FakeClock
from jobs.conformance.staff import REGISTRY, Staff
from munshi.domain.jobs import Job, JobState, LogLevel
from munshi.errors import JobArtifactInvalidError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_claims import Lane
from munshi.jobs.artifacts import FOLDER, ArtifactStore
from munshi.jobs.job_log import MOST_LINES
from munshi.jobs.keeper import LeaseKeeper
from munshi.jobs.run import JobRun
from munshi.jobs.stops import JobFenced
from munshi.jobs.worker import Worker

LEASE = timedelta(seconds=3000)


class Unspeakable:
    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


def begin(staff: Staff) -> tuple[JobRun, LeaseKeeper]:
    """A job that a worker has taken, and who keeps it."""
    staff.ask("echo")
    with staff.database.transaction() as tx:
        (job,) = tx.attempts.claim_jobs(
            "here:1:aa",
            lanes=[Lane("default", "echo")],
            limit=1,
            lease=LEASE,
            now=staff.clock.now(),
        )
    return run_of(staff, job), LeaseKeeper(staff.database, staff.clock, lease=LEASE)


def run_of(staff: Staff, job: Job, *, desk: Worker | None = None) -> JobRun:
    until = staff.clock.now() + LEASE
    return JobRun(job, lease_until=until, desk=desk or staff.worker(), clock=staff.clock)


def log_of(staff: Staff, run: JobRun) -> list[tuple[int, LogLevel, str, Any]]:
    return [
        (line.line, line.level, line.event, line.fields) for line in staff.service.log(run.job_id)
    ]


def test_lines_are_kept_in_order_with_level_and_fields(staff: Staff) -> None:
    run, keeper = begin(staff)
    keeper.add([run])
    run.log("fetched", instrument="NSE:NIFTY 50", rows=3)
    run.log("odd bar", level=LogLevel.WARNING, at=staff.clock.now())
    keeper.beat()
    run.print_line("printed")
    keeper.beat()

    assert log_of(staff, run) == [
        (1, LogLevel.INFO, "fetched", {"instrument": "NSE:NIFTY 50", "rows": 3}),
        (2, LogLevel.WARNING, "odd bar", {"at": str(staff.clock.now())}),
        (3, LogLevel.OUTPUT, "printed", None),
    ]


def test_a_chatty_log_is_capped_with_one_line_that_says_so(staff: Staff) -> None:
    job_id = staff.ask("say", str(MOST_LINES + 500))

    staff.run_until_idle()

    lines = staff.service.log(job_id, limit=5000)
    assert [line.line for line in lines] == list(range(1, MOST_LINES + 2))
    assert [line.event for line in lines[:2]] == ["line 0", "line 1"]
    assert "is full: 1,000 lines are kept" in lines[-1].event
    assert staff.state(job_id) is JobState.SUCCEEDED


@pytest.fixture
def writes(sqlite_database: Database) -> Iterator[list[str]]:
    """The statements that write log lines."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:  # noqa: ANN401
        if statement.startswith('INSERT INTO "JobLogs"'):
            seen.append(statement)

    event.listen(sqlite_database._quick, "before_cursor_execute", note)  # noqa: SLF001
    yield seen
    event.remove(sqlite_database._quick, "before_cursor_execute", note)  # noqa: SLF001


def test_many_lines_between_two_beats_are_one_write(
    sqlite_database: Database, writes: list[str], clock: FakeClock
) -> None:
    staff = Staff(sqlite_database, clock)
    run, keeper = begin(staff)
    keeper.add([run])

    for number in range(500):
        run.log(f"line {number}")
    keeper.beat()

    assert len(writes) == 1
    assert len(staff.service.log(run.job_id)) == 500


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"access_token": "hush"}, {"access_token": "…"}),
        ({"password": "two words"}, {"password": "…"}),
        ({"totp": 123456, "rows": 1}, {"totp": "…", "rows": 1}),
        ({"deep": {"api_key": ["hush"], "a": 1}}, {"deep": {"api_key": "…", "a": 1}}),
        ({"url": "https://x.y/?api_key=hush&b=1"}, {"url": "https://x.y/?api_key=…&b=1"}),
        ({"nan": float("nan")}, {"left_out": "fields that are not JSON"}),
        ({"text": "a\0b\ud800"}, {"text": "ab?"}),
        ({"odd": Unspeakable()}, {"left_out": "fields that are not JSON"}),
        ({"big": "x" * 5000}, {"left_out": "5,011 characters of fields"}),
        ({"back\\u0000slash": "a\\u0000b"}, {"back\\u0000slash": "a\\u0000b"}),
    ],
)
def test_fields_are_cleaned_of_secrets_and_of_what_no_database_takes(
    staff: Staff, fields: dict[str, Any], kept: dict[str, object]
) -> None:
    run, keeper = begin(staff)
    keeper.add([run])

    run.log("event token=hush", **fields)
    keeper.beat()

    ((_, _, said, stored),) = log_of(staff, run)
    assert (said, stored) == ("event token=…", kept)


def test_logging_never_fails_whatever_is_logged(staff: Staff) -> None:
    run, keeper = begin(staff)
    keeper.add([run])

    run.log(Unspeakable())  # type: ignore[arg-type]
    run.log("fine", unfit={1, 2}, loop=object)
    keeper.beat()

    assert [line[2] for line in log_of(staff, run)] == ["Unspeakable", "fine"]


def test_a_message_that_no_database_takes_is_cleaned_and_hurts_no_other_job(staff: Staff) -> None:
    odd, keeper = begin(staff)
    good, _ = begin(staff)
    keeper.add([odd, good])
    odd.progress(30, "half \ud800 a \0 character")
    good.progress(60, "Good.")
    staff.clock.advance(LEASE / 2)

    keeper.beat()

    assert staff.get(odd.job_id).message == "half ? a  character"
    assert staff.get(good.job_id).message == "Good."
    assert good.lease_until == staff.clock.now() + LEASE


def test_one_jobs_row_that_cannot_be_written_keeps_no_other_from_its_heartbeat(
    staff: Staff,
) -> None:
    broken, keeper = begin(staff)
    others = [begin(staff)[0] for _ in range(3)]
    keeper.add([broken, *others])
    broken._meter.last = broken._meter.last._replace(percent=500)  # noqa: SLF001
    broken._meter.put_back()  # noqa: SLF001
    staff.clock.advance(LEASE / 2)

    with pytest.raises(Exception, match="progress_percent"):
        keeper.beat()

    assert {run.lease_until for run in others} == {staff.clock.now() + LEASE}


# --- files -------------------------------------------------------------------------------------


def kept(staff: Staff, home: Path) -> tuple[JobRun, ArtifactStore]:
    run, _ = begin(staff)
    return run, ArtifactStore(staff.database, staff.clock, home=home)


def test_a_file_is_kept_with_its_hash_and_replaced_by_its_name(
    staff: Staff, tmp_path: Path
) -> None:
    run, store = kept(staff, tmp_path)
    source = tmp_path / "source.csv"
    source.write_bytes(b"second")
    store.keep(run, "trades.csv", b"first", "text/csv")
    store.keep(run, "trades.csv", source, "text/csv")
    store.keep(run, "equity.csv", b"", "text/csv")

    artifacts = staff.service.artifacts(run.job_id)

    assert [(each.name, each.size) for each in artifacts] == [("equity.csv", 0), ("trades.csv", 6)]
    assert store.read(artifacts[1]) == b"second"
    files = [path for path in (tmp_path / FOLDER).rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path).as_posix() for path in files} >= {
        each.path for each in artifacts
    }
    assert not [path for path in files if path.name.startswith(".")]


@pytest.mark.parametrize("change", [b"other", None])
def test_a_file_that_was_changed_or_is_gone_is_not_handed_out(
    staff: Staff, tmp_path: Path, change: bytes | None
) -> None:
    run, store = kept(staff, tmp_path)
    artifact = store.keep(run, "trades.csv", b"first", "text/csv")
    path = tmp_path / artifact.path
    path.unlink() if change is None else path.write_bytes(change)

    with pytest.raises(JobArtifactInvalidError):
        store.read(artifact)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".x", "a" * 101, "a\0b", "ü.csv", "x\n"])
def test_a_name_that_is_none_is_refused(staff: Staff, tmp_path: Path, name: str) -> None:
    run, store = kept(staff, tmp_path)

    with pytest.raises(JobArtifactInvalidError):
        store.keep(run, name, b"x", "text/plain")

    assert staff.service.artifacts(run.job_id) == []


def test_a_fenced_attempt_keeps_no_file_and_learns_that_it_is_fenced(
    staff: Staff, tmp_path: Path
) -> None:
    run, store = kept(staff, tmp_path)
    worker = Worker(
        staff.database, staff.clock, registry=REGISTRY, services=staff.stage, artifacts=store
    )
    late = run_of(staff, replace(run.job, attempt=run.attempt - 1), desk=worker)

    with pytest.raises(JobFenced):
        late.add_artifact("late.txt", b"late")

    assert late.is_fenced
    assert staff.service.artifacts(run.job_id) == []


def test_files_of_jobs_that_are_gone_are_swept_and_no_others(staff: Staff, tmp_path: Path) -> None:
    (gone, store), (there, _) = kept(staff, tmp_path), kept(staff, tmp_path)
    for run in (gone, there):
        store.keep(run, "x.txt", b"x", "text/plain")
    (tmp_path / FOLDER / "not-a-job").mkdir()
    with staff.database.transaction() as tx:
        tx.connection.exec_driver_sql('DELETE FROM "JobArtifacts"')
        tx.connection.exec_driver_sql(
            f"DELETE FROM \"BackgroundJobs\" WHERE job_id = '{gone.job_id}'"
        )

    swept = store.sweep()

    left = {path.name for path in (tmp_path / FOLDER).iterdir()}
    assert (swept, left) == (1, {str(there.job_id), "not-a-job"})
