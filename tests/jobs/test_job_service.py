"""Asking for jobs: checks before anything is stored, one audit row a decision, pages."""

import threading
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from jobs.desk import ASHA, Desk
from munshi.domain.jobs import Job, JobState
from munshi.errors import (
    CursorInvalidError,
    JobParametersInvalidError,
    JobStateConflictError,
    JobTypeUnknownError,
    JobUnknownError,
    RequestInvalidError,
)
from munshi.infrastructure.database.audit_queries import AuditFilter
from munshi.jobs.service import JobRequest


def test_an_unknown_type_is_refused_with_the_nearest_known_one(sqlite_desk: Desk) -> None:
    with pytest.raises(JobTypeUnknownError, match="no job type 'ecko'") as refused:
        sqlite_desk.service.enqueue("ecko", {"text": "x"}, actor=ASHA)

    assert refused.value.hint is not None
    assert "Did you mean echo" in refused.value.hint
    assert sqlite_desk.service.recent().jobs == ()


def test_a_type_like_no_other_is_answered_with_the_list(sqlite_desk: Desk) -> None:
    with pytest.raises(JobTypeUnknownError) as refused:
        sqlite_desk.service.enqueue("zzz", {"text": "x"}, actor=ASHA)

    assert refused.value.hint is not None
    assert refused.value.hint.startswith("The job types are auto_login, chatter,")


def test_parameters_that_do_not_fit_are_refused_before_anything_is_stored(
    sqlite_desk: Desk,
) -> None:
    with pytest.raises(JobParametersInvalidError, match="The one parameter is text"):
        sqlite_desk.service.enqueue("echo", {"words": "x"}, actor=ASHA)

    assert sqlite_desk.service.recent().jobs == ()


@pytest.mark.parametrize(
    "options",
    [
        {"priority": 101},
        {"idempotency_key": ""},
        {"idempotency_key": "k" * 201},
        {"run_at": datetime(2026, 11, 21)},  # noqa: DTZ001
        {"concurrency_key": ""},
        {"unique_for": timedelta(hours=1)},
        {"idempotency_key": "k", "unique_for": timedelta()},
    ],
)
def test_options_out_of_range_are_refused(sqlite_desk: Desk, options: dict[str, object]) -> None:
    request = JobRequest(**options)  # type: ignore[arg-type]

    with pytest.raises(RequestInvalidError):
        sqlite_desk.service.enqueue("echo", {"text": "x"}, actor=ASHA, request=request)

    assert sqlite_desk.service.recent().jobs == ()


def test_asking_is_audited_once_however_often_the_same_key_is_used(desk: Desk) -> None:
    first = desk.service.enqueue(
        "echo", {"text": "x"}, actor=ASHA, request=JobRequest(idempotency_key="nifty")
    )
    second = desk.service.enqueue(
        "echo", {"text": "x"}, actor=ASHA, request=JobRequest(idempotency_key="nifty")
    )

    with desk.database.reading() as tx:
        (entry,) = tx.audit.get_logs_by_entity("job", str(first.job_id))
    assert second == first
    assert (entry.action, entry.user_id, entry.request_id) == ("enqueue", "asha", "r-1")
    assert entry.details == {"job_type": "echo", "parameters": '{"text": "x"}'}


def test_two_who_ask_at_once_under_one_key_get_the_same_job(desk: Desk) -> None:
    second: list[Job] = []

    def ask() -> Job:
        return desk.service.enqueue(
            "echo", {"text": "x"}, actor=ASHA, request=JobRequest(idempotency_key="nifty")
        )

    other = threading.Thread(target=lambda: second.append(ask()))
    with desk.database.transaction() as tx:
        first = desk.service.enqueue_in(
            tx, "echo", {"text": "x"}, actor=ASHA, request=JobRequest(idempotency_key="nifty")
        )
        other.start()
        other.join(0.3)
        waited = other.is_alive()
    other.join(30)

    assert waited
    assert second == [first]
    assert desk.audited(first.job_id) == ["enqueue"]


def test_a_job_and_the_change_that_causes_it_commit_together_or_not_at_all(desk: Desk) -> None:
    def change_and_fail() -> None:
        with desk.database.transaction() as tx:
            desk.service.enqueue_in(tx, "echo", {"text": "x"}, actor=ASHA)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()

    assert desk.service.recent().jobs == ()


def test_a_job_for_later_is_scheduled(desk: Desk) -> None:
    tomorrow = desk.clock.now() + timedelta(days=1)

    job = desk.service.enqueue(
        "echo", {"text": "x"}, actor=ASHA, request=JobRequest(run_at=tomorrow)
    )

    assert (job.state, job.run_at) == (JobState.SCHEDULED, tomorrow)
    assert desk.run_until_idle() == 0


@pytest.mark.parametrize("job_id", [str(UUID(int=7)), "not-an-id", "x" * 5000])
def test_a_job_that_is_not_there_is_one_short_sentence(sqlite_desk: Desk, job_id: str) -> None:
    for look in (sqlite_desk.service.get, sqlite_desk.service.attempts):
        with pytest.raises(JobUnknownError) as refused:
            look(job_id)
        assert len(refused.value.detail) < 100


def test_a_job_that_is_over_cannot_be_cancelled(desk: Desk) -> None:
    job_id = desk.ask("echo")
    desk.run_until_idle()

    with pytest.raises(JobStateConflictError, match="succeeded"):
        desk.service.cancel(job_id, actor=ASHA)

    assert desk.audited(job_id) == ["enqueue"]


def test_pages_show_every_job_once_newest_first(desk: Desk) -> None:
    ids = []
    for number in range(7):
        ids.append(desk.ask("echo", str(number)))
        desk.clock.advance(timedelta(seconds=1))

    shown: list[Job] = []
    page = desk.service.recent(3)
    shown += page.jobs
    while page.next_cursor is not None:
        page = desk.service.recent(3, cursor=page.next_cursor)
        shown += page.jobs

    assert [job.job_id for job in shown] == ids[::-1]


def test_a_page_can_be_narrowed_to_states_and_type(desk: Desk) -> None:
    done = desk.ask("echo")
    desk.run_until_idle()
    waiting = desk.ask("echo")
    desk.ask("hang")

    over = desk.service.recent(states={JobState.SUCCEEDED, JobState.FAILED})
    queued = desk.service.recent(states={JobState.QUEUED}, job_type="echo")

    assert [job.job_id for job in over.jobs] == [done]
    assert [job.job_id for job in queued.jobs] == [waiting]


@pytest.mark.parametrize("cursor", ["", "x", "é", "am9icyAx", "eyJhIjoxfQ", "A" * 9999])
def test_a_made_up_cursor_is_refused(sqlite_desk: Desk, cursor: str) -> None:
    with pytest.raises(CursorInvalidError):
        sqlite_desk.service.recent(cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_page_has_a_sensible_size(sqlite_desk: Desk, limit: int) -> None:
    with pytest.raises(RequestInvalidError, match="limit must be from 1 to 500"):
        sqlite_desk.service.recent(limit)


def test_cleanup_deletes_old_finished_jobs_and_says_so_once(desk: Desk) -> None:
    old = desk.ask("echo")
    desk.run_until_idle()
    desk.clock.advance(timedelta(days=8))
    kept = desk.ask("echo")

    deleted = desk.service.cleanup(7, actor=ASHA)

    with desk.database.reading() as tx:
        (entry,) = tx.audit.list_logs(AuditFilter(action="cleanup"), limit=9)
    assert deleted == 1
    assert [job.job_id for job in desk.service.recent().jobs] == [kept]
    assert entry.details == {"days": 7, "deleted": 1}
    with pytest.raises(JobUnknownError):
        desk.service.get(old)


@pytest.mark.parametrize("days", [-1, 40_000])
def test_cleanup_refuses_a_senseless_age(sqlite_desk: Desk, days: int) -> None:
    with pytest.raises(RequestInvalidError):
        sqlite_desk.service.cleanup(days, actor=ASHA)
