"""What a worker makes of jobs that go well, badly, too long or not at all."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from jobs.desk import ASHA, Desk
from jobs.waiting import until
from munshi.clock import SystemClock
from munshi.domain.enums import Service
from munshi.domain.jobs import AttemptOutcome, Job, JobState, NewJob
from quotas import set_limit


def test_a_job_runs_once_and_its_result_is_kept(desk: Desk) -> None:
    job_id = desk.ask("echo", "namaste")

    worker = desk.worker()
    ran = worker.run_until_idle()
    again = worker.run_until_idle()

    job = desk.get(job_id)
    assert (ran, again) == (1, 0)
    assert (job.state, job.result_data) == (JobState.SUCCEEDED, {"text": "namaste"})
    assert (job.progress_percent, job.message) == (100, "Echoing namaste.")
    assert desk.stage.seen == ["namaste"]
    assert desk.outcomes(job_id) == [AttemptOutcome.SUCCEEDED]
    assert desk.service.attempts(job_id)[0].worker_id == worker.worker_id
    assert desk.audited(job_id) == ["enqueue"]


def test_more_jobs_than_threads_all_run(desk: Desk) -> None:
    ids = [desk.ask("echo", str(number)) for number in range(11)]

    assert desk.run_until_idle() == 11

    assert sorted(desk.stage.seen, key=int) == [str(number) for number in range(11)]
    assert {desk.get(job_id).state for job_id in ids} == {JobState.SUCCEEDED}


def test_a_worker_is_woken_by_a_new_job_and_does_not_wait_for_its_poll(desk: Desk) -> None:
    desk.worker(poll_seconds=60.0).start()

    first = [desk.ask("echo", "first"), desk.ask("echo", "second")]
    until(lambda: all(desk.get(job_id).state.is_final for job_id in first), seconds=20)
    last = desk.ask("echo", "third")

    until(lambda: desk.get(last).state is JobState.SUCCEEDED, seconds=20)


def test_two_workers_never_run_the_same_job(desk: Desk) -> None:
    ids = [desk.ask("echo", str(number)) for number in range(40)]

    for worker in (desk.worker(), desk.worker()):
        worker.start()
    until(lambda: all(desk.get(job_id).state.is_final for job_id in ids))

    assert len(desk.stage.seen) == 40
    assert {desk.get(job_id).attempt for job_id in ids} == {1}


def test_progress_and_message_are_visible_while_the_job_runs(desk: Desk) -> None:
    job_id = desk.ask("wait", "Fetching NIFTY.")
    desk.worker().start()
    assert desk.stage.entered.wait(20)

    until(lambda: desk.get(job_id).progress_percent == 40)

    (job,) = desk.service.running()
    assert (job.job_id, job.state, job.message) == (job_id, JobState.RUNNING, "Fetching NIFTY.")


def test_a_chatty_handler_is_written_down_only_a_few_times_a_second(desk: Desk) -> None:
    worker = desk.worker(clock=SystemClock(), lease_seconds=30.0)
    job_id = desk.ask("chatter", "tick")
    worker.start()
    assert desk.stage.entered.wait(20)
    clock = SystemClock()
    began, written = clock.monotonic(), set[str]()

    while clock.monotonic() < began + 2:
        written.add(desk.get(job_id).message)
        clock.sleep(0.01)
    worker.stop(grace=0)

    assert max(int(message.split()[1]) for message in written if message) > 200
    assert 2 <= len(written - {""}) <= 6


def test_the_last_progress_is_kept_when_a_job_fails(desk: Desk) -> None:
    job_id = desk.ask("report_then_fail")

    desk.run_until_idle()

    job = desk.get(job_id)
    assert (job.state, job.progress_percent, job.message) == (JobState.FAILED, 73, "Nearly.")


def test_cancel_stops_a_running_job_at_its_next_progress_call(desk: Desk) -> None:
    job_id = desk.ask("chatter")
    desk.worker().start()
    assert desk.stage.entered.wait(20)

    told = desk.service.cancel(job_id, actor=ASHA)
    until(lambda: desk.get(job_id).state is JobState.CANCELLED)

    assert (told.state, told.cancel_requested) == (JobState.RUNNING, True)
    assert desk.outcomes(job_id) == [AttemptOutcome.CANCELLED]
    assert desk.audited(job_id) == ["enqueue", "cancel", "cancelled"]


def test_a_job_cancelled_before_its_turn_never_runs(desk: Desk) -> None:
    job_id = desk.ask("echo")

    desk.service.cancel(job_id, actor=ASHA)

    assert desk.run_until_idle() == 0
    assert desk.stage.seen == []


def test_a_job_that_needs_a_login_pauses_with_the_link_and_runs_again_after_it(desk: Desk) -> None:
    job_id = desk.ask("login_first")
    desk.run_until_idle()
    paused = desk.get(job_id)
    nothing_to_do = desk.run_until_idle()

    with desk.database.transaction() as tx:
        resumed = tx.jobs.resume_paused(Service.KITE, now=desk.clock.now())
    desk.run_until_idle()

    job = desk.get(job_id)
    assert (paused.state, paused.waits_for_service) == (JobState.PAUSED, Service.KITE)
    assert paused.message == "Log in at Kite: http://localhost/login"
    assert (nothing_to_do, resumed) == (0, 1)
    assert (job.state, job.result_data) == (JobState.SUCCEEDED, {"attempt": 2})
    assert desk.outcomes(job_id) == [AttemptOutcome.PAUSED, AttemptOutcome.SUCCEEDED]


def test_the_login_itself_completes_a_paused_auto_login(desk: Desk) -> None:
    job_id = desk.ask("auto_login")
    desk.run_until_idle()

    with desk.database.transaction() as tx:
        result = {"session_id": "s-1"}
        now = desk.clock.now()
        elsewhere = tx.jobs.complete_paused_logins(Service.BREEZE, result=result, now=now)
        here = tx.jobs.complete_paused_logins(Service.KITE, result=result, now=now)

    job = desk.get(job_id)
    assert (elsewhere, [job.job_id for job in here]) == ([], [job_id])
    assert (job.state, job.result_data, job.attempt) == (JobState.SUCCEEDED, result, 1)
    assert desk.run_until_idle() == 0


def test_a_retryable_error_is_tried_again_after_a_pause(desk: Desk) -> None:
    job_id = desk.ask("unavailable", "1")
    desk.run_until_idle()
    between = desk.get(job_id)
    too_early = desk.run_until_idle()

    desk.clock.advance(timedelta(seconds=10))
    desk.run_until_idle()

    job = desk.get(job_id)
    assert (between.state, between.error_details) == (JobState.SCHEDULED, "The broker is down.")
    assert timedelta(seconds=1) < between.run_at - between.updated_at < timedelta(seconds=3)
    assert too_early == 0
    assert (job.state, job.error_details, job.attempt) == (JobState.SUCCEEDED, None, 2)
    errors = [attempt.error for attempt in desk.service.attempts(job_id)]
    assert errors == ["The broker is down.", None]
    assert desk.audited(job_id) == ["enqueue"]


def test_a_job_is_dead_when_its_tries_are_used_up(desk: Desk) -> None:
    job_id = desk.ask("unavailable", "99")

    for _ in range(5):
        desk.run_until_idle()
        desk.clock.advance(timedelta(hours=1))

    job = desk.get(job_id)
    assert (job.state, job.attempt) == (JobState.DEAD, 3)
    assert job.error_details == "The broker is down."
    assert desk.audited(job_id) == ["enqueue", "dead"]


def test_a_job_that_must_not_run_twice_is_not_tried_again(desk: Desk) -> None:
    job_id = desk.ask("unavailable_once", "1")

    desk.run_until_idle()
    desk.clock.advance(timedelta(hours=1))
    desk.run_until_idle()

    assert desk.get(job_id).state is JobState.DEAD
    assert desk.stage.seen == ["tried"]


def test_a_broker_that_said_when_to_come_back_is_not_asked_before(desk: Desk) -> None:
    job_id = desk.ask("throttled", "600")

    desk.run_until_idle()

    assert desk.get(job_id).run_at == desk.clock.now() + timedelta(seconds=600)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("SystemExit", "SystemExit: 3"),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("ZeroDivisionError", "ZeroDivisionError: division by zero"),
        ("secret", "ValueError: refused: https://example.com/?access_token=…&x=1"),
    ],
)
def test_whatever_a_handler_raises_is_a_clear_failure_and_the_worker_goes_on(
    desk: Desk, how: str, said: str
) -> None:
    bad, good = desk.ask("raise_badly", how), desk.ask("echo")

    desk.run_until_idle()

    job = desk.get(bad)
    assert (job.state, job.error_details) == (JobState.FAILED, said)
    assert desk.service.attempts(bad)[0].error == said
    assert desk.audited(bad) == ["enqueue", "failed"]
    assert desk.get(good).state is JobState.SUCCEEDED


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("nothing", "returned NoneType, not a JSON object"),
        ("list", "returned list, not a JSON object"),
        ("set", "is not JSON: Object of type set"),
        ("nan", "is not JSON"),
        ("nul", "NUL character"),
        ("surrogate", "is not JSON"),
        ("large", "takes 1,000,014 bytes; the most is 1,000,000"),
    ],
)
def test_a_result_that_cannot_be_stored_is_a_clear_failure(
    desk: Desk, what: str, said: str
) -> None:
    job_id = desk.ask("return_unfit", what)

    desk.run_until_idle()

    job = desk.get(job_id)
    assert (job.state, job.result_data) == (JobState.FAILED, None)
    assert said in (job.error_details or "")


@pytest.mark.parametrize(
    ("job_type", "parameters", "said"),
    [
        ("echo", {"texts": 1}, "The one parameter is text."),
        ("missing_handler", {"text": "x"}, "The handler jobs.handlers:missing_handler does not"),
    ],
)
def test_a_stored_job_that_this_version_cannot_run_fails_clearly(
    desk: Desk, job_type: str, parameters: dict[str, object], said: str
) -> None:
    new = NewJob(
        job_id=uuid4(),
        job_type=job_type,
        parameters=parameters,
        run_at=desk.clock.now(),
        created_by="asha",
    )
    with desk.database.transaction() as tx:
        tx.jobs.create_job(new, now=desk.clock.now())

    desk.run_until_idle()

    job = desk.get(new.job_id)
    assert job.state is JobState.FAILED
    assert said in (job.error_details or "")


def stop_while_running(desk: Desk, job_id: UUID) -> Job:
    worker = desk.worker()
    worker.start()
    assert desk.stage.entered.wait(20)
    worker.stop(grace=0.05)
    return desk.get(job_id)


def test_a_stopped_worker_hands_its_job_back_and_what_it_says_later_is_refused(desk: Desk) -> None:
    job_id = desk.ask("wait")
    handed_back = stop_while_running(desk, job_id)
    desk.stage.go_on.set()

    desk.worker().run_until_idle()

    job = desk.get(job_id)
    assert handed_back.state is JobState.QUEUED
    assert (job.state, job.result_data) == (JobState.SUCCEEDED, {"attempt": 2})
    assert desk.outcomes(job_id) == [AttemptOutcome.RELEASED, AttemptOutcome.SUCCEEDED]
    assert desk.stage.seen == ["attempt 2 went on"]


def test_a_stopped_worker_holds_what_must_not_run_twice_and_asks_a_person(desk: Desk) -> None:
    job_id = desk.ask("deaf_once")

    held = stop_while_running(desk, job_id)

    with desk.database.reading() as tx:
        (alert,) = tx.alerts.list_open_alerts()
    assert held.state is JobState.HELD
    assert (alert.kind, alert.subject) == ("job_held", str(job_id))
    assert desk.worker().run_until_idle() == 0
    desk.service.cancel(job_id, actor=ASHA)
    with desk.database.reading() as tx:
        assert tx.alerts.list_open_alerts() == []


def test_a_stopping_worker_lets_a_job_finish_within_the_grace(desk: Desk) -> None:
    job_id = desk.ask("wait")
    worker = desk.worker()
    worker.start()
    assert desk.stage.entered.wait(20)
    desk.stage.go_on.set()

    worker.stop(grace=20)

    assert desk.get(job_id).state is JobState.SUCCEEDED


def test_cancel_ends_a_long_wait_for_a_brokers_permit(desk: Desk) -> None:
    one_in_80_seconds = {"requests": 1, "seconds": 80}
    set_limit(desk.database, desk.clock, "kite.quote", one_in_80_seconds)
    job_id = desk.ask("wait_for_permit", desk.database.url.render_as_string(hide_password=False))
    desk.worker().start()
    assert desk.stage.entered.wait(20)

    desk.service.cancel(job_id, actor=ASHA)

    until(lambda: desk.get(job_id).state is JobState.CANCELLED, seconds=20)
