"""Jobs in parts: stored with the end or not at all, told of each other, cancelled downwards."""

import threading
import time
from uuid import UUID

import pytest

from jobs.conformance.bench import Bench, success_of
from jobs.conformance.staff import ASHA, Staff
from munshi.domain.jobs import AttemptOutcome, Job, JobEnding, JobState
from munshi.errors import JobAttemptFencedError
from munshi.jobs.endings import record_ending

S = JobState


def fan_out(bench: Bench, *, children: int) -> tuple[Job, list[Job]]:
    """A waiting parent, and its children, which run."""
    bench.create("move")
    (parent,) = bench.claim()
    made = tuple(bench.new(parent_id=parent.job_id) for _ in range(children))
    ending = JobEnding(
        state=S.WAITING, outcome=AttemptOutcome.WAITING, percent=0, message="W.", children=made
    )
    with bench.database.transaction() as tx:
        tx.attempts.finish(parent.job_id, parent.attempt, ending, now=bench.clock.now())
    return parent, bench.claim(children)


def end(bench: Bench, job: Job, state: JobState = S.SUCCEEDED) -> None:
    outcome = AttemptOutcome.SUCCEEDED if state is S.SUCCEEDED else AttemptOutcome.ERROR
    ending = JobEnding(state=state, outcome=outcome, percent=None, message=None, result={})
    with bench.database.transaction() as tx:
        record_ending(tx, job, ending, spec=None, now=bench.clock.now())


def test_children_are_stored_with_the_end_that_asks_for_them(plain_bench: Bench) -> None:
    parent, children = fan_out(plain_bench, children=3)

    job = plain_bench.get(parent.job_id)
    with plain_bench.database.reading() as tx:
        stored = tx.jobs.list_children(parent.job_id)
    assert (job.state, [child.job_id for child in stored]) == (
        S.WAITING,
        sorted(child.job_id for child in stored),
    )
    assert {child.job_id for child in stored} == {child.job_id for child in children}
    assert [each.outcome for each in plain_bench.attempts(parent.job_id)] == [
        AttemptOutcome.WAITING
    ]


def test_a_fenced_parent_leaves_no_children(plain_bench: Bench) -> None:
    bench = plain_bench
    bench.create("move")
    (parent,) = bench.claim()
    bench.succeed(parent)
    made = (bench.new(parent_id=parent.job_id),)
    ending = JobEnding(state=S.WAITING, outcome=AttemptOutcome.WAITING, children=made)

    with pytest.raises(JobAttemptFencedError), bench.database.transaction() as tx:
        tx.attempts.finish(parent.job_id, parent.attempt, ending, now=bench.clock.now())

    with bench.database.reading() as tx:
        assert tx.jobs.list_children(parent.job_id) == []


def test_a_parent_that_was_told_to_cancel_does_not_fan_out(plain_bench: Bench) -> None:
    bench = plain_bench
    bench.create("move")
    (parent,) = bench.claim()
    made = (bench.new(parent_id=parent.job_id),)
    ending = JobEnding(state=S.WAITING, outcome=AttemptOutcome.WAITING, children=made)
    with bench.database.transaction() as tx:
        tx.jobs.request_cancel(parent.job_id, now=bench.clock.now())

        ended = tx.attempts.finish(parent.job_id, parent.attempt, ending, now=bench.clock.now())
        children = tx.jobs.list_children(parent.job_id)

    assert (ended.state, children) == (S.CANCELLED, [])


def test_a_fan_out_into_nothing_goes_on_at_once(plain_bench: Bench) -> None:
    parent, _ = fan_out(plain_bench, children=0)

    (again,) = plain_bench.claim()

    assert (again.job_id, again.attempt) == (parent.job_id, 2)


def test_a_parents_progress_is_that_of_its_children_and_the_last_one_wakes_it(
    plain_bench: Bench,
) -> None:
    bench = plain_bench
    parent, children = fan_out(bench, children=4)
    with bench.database.operational() as tx:
        tx.attempts.record_progress(
            children[0].job_id, 1, percent=60, message="", now=bench.clock.now()
        )
        some = tx.jobs.family_progress(parent.job_id)
    seen = []
    for child, state in zip(children, (S.SUCCEEDED, S.FAILED, S.DEAD, S.SUCCEEDED), strict=True):
        end(bench, child, state)
        seen.append((bench.state(parent.job_id), bench.get(parent.job_id).message))

    assert some == 15
    assert seen == [
        (S.WAITING, "1 of 4 parts have ended."),
        (S.WAITING, "2 of 4 parts have ended."),
        (S.WAITING, "3 of 4 parts have ended."),
        (S.QUEUED, "4 of 4 parts have ended."),
    ]


def test_two_last_children_that_end_at_once_wake_their_parent_once(plain_bench: Bench) -> None:
    bench = plain_bench
    bench.skip_where_locks_are_ignored()
    for _ in range(8):
        parent, children = fan_out(bench, children=2)
        start = threading.Barrier(2)

        def finish(child: Job, start: threading.Barrier = start) -> None:
            start.wait(10)
            end(bench, child)

        threads = [threading.Thread(target=finish, args=(child,)) for child in children]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

        assert bench.state(parent.job_id) is S.QUEUED
        (again,) = bench.claim()
        assert (again.job_id, again.attempt) == (parent.job_id, 2)
        end(bench, again)


def test_cancel_goes_down_through_queued_running_held_and_nested_parts(staff: Staff) -> None:
    top = staff.ask("grandparent", "wait wait_once")
    staff.start(threads=3)
    middle = staff_children(staff, top, 2)
    leaves = [leaf for each in middle for leaf in staff_children(staff, each, 2)]
    staff.stage.entered.wait(20)

    staff.service.cancel(top, actor=ASHA)

    staff.until(S.CANCELLED, top, *middle, *leaves)
    time.sleep(0.2)
    assert {staff.state(job_id) for job_id in (top, *middle, *leaves)} == {S.CANCELLED}
    assert staff.alerts() == []


def staff_children(staff: Staff, job_id: UUID, count: int) -> list[UUID]:
    deadline = time.monotonic() + 20
    while len(found := staff.service.children(job_id)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return [job.job_id for job in found]


def test_cancelling_a_family_puts_away_the_alert_of_a_held_part(plain_bench: Bench) -> None:
    staff = Staff(plain_bench.database, plain_bench.clock)
    parent, children = fan_out(plain_bench, children=2)
    held = JobEnding(state=S.HELD, outcome=AttemptOutcome.RELEASED, error="Unsure.")
    with plain_bench.database.transaction() as tx:
        record_ending(tx, children[0], held, spec=None, now=plain_bench.clock.now())
    before = staff.alerts()

    staff.service.cancel(parent.job_id, actor=ASHA)

    assert before == [str(children[0].job_id)]
    assert staff.state(children[0].job_id) is S.CANCELLED
    assert staff.alerts() == []


def test_a_child_of_a_cancelled_parent_that_still_succeeds_wakes_nobody(plain_bench: Bench) -> None:
    bench = plain_bench
    parent, children = fan_out(bench, children=1)
    with bench.database.transaction() as tx:
        tx.jobs.request_cancel(parent.job_id, now=bench.clock.now())

    end(bench, children[0])

    assert bench.state(parent.job_id) is S.CANCELLED
    assert bench.state(children[0].job_id) is S.SUCCEEDED
    assert bench.claim() == []


def test_a_child_that_is_tried_again_is_waited_for(plain_bench: Bench) -> None:
    bench = plain_bench
    parent, children = fan_out(bench, children=2)
    end(bench, children[0], S.FAILED)
    with bench.database.transaction() as tx:
        tx.jobs.retry_job(children[0].job_id, now=bench.clock.now())
    end(bench, children[1])
    meanwhile = bench.state(parent.job_id)
    (again,) = bench.claim()
    end(bench, again)

    assert (meanwhile, again.job_id) == (S.WAITING, children[0].job_id)
    assert bench.state(parent.job_id) is S.QUEUED


def test_a_parent_runs_again_with_its_children_whatever_became_of_them(staff: Staff) -> None:
    job_id = staff.ask("parent", "echo fail brief")
    for _ in range(3):
        staff.run_until_idle()

    job = staff.get(job_id)
    assert job.state is S.SUCCEEDED
    assert job.result_data is not None
    ended = job.result_data["ended"]
    assert isinstance(ended, list)
    assert sorted(ended) == ["failed", "succeeded", "succeeded"]
    assert staff.outcomes(job_id) == [AttemptOutcome.WAITING, AttemptOutcome.SUCCEEDED]


def test_a_family_is_done_without_waiting_for_a_poll(staff: Staff) -> None:
    staff.start(poll_seconds=60.0)
    job_id = staff.ask("grandparent", "echo echo")

    staff.until(S.SUCCEEDED, job_id, seconds=15)

    assert success_of(staff.get(job_id)).attempt == 2


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("text", "str is not a part of a job"),
        ("none", "NoneType is not a part of a job"),
        ("number", "int"),
        ("unknown type", "There is no job type 'ecko'"),
        ("unknown queue", "There is no queue 'nowhere'; there are"),
        ("bad parameters", "The one parameter is text."),
        ("no mapping", ""),
        ("priority", "priority must be from -100 to 100"),
        ("long key", "concurrency_key must have 1 to 200 characters"),
    ],
)
def test_parts_that_are_none_fail_their_parent_clearly_and_the_worker_goes_on(
    staff: Staff, what: str, said: str
) -> None:
    bad, good = staff.ask("odd_parent", what), staff.ask("echo")
    worker = staff.start(threads=1)

    staff.until(S.SUCCEEDED, good)
    staff.until(S.FAILED, bad)

    worker.stop()
    assert said in (staff.get(bad).error_details or "")
    assert staff.service.children(bad) == []
