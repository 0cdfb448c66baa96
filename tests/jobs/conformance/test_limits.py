"""Queues with limits: never one job more than they allow, whoever asks, and no place is lost."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle

import pytest
from sqlalchemy import text

from clocks import FakeClock
from jobs.conformance.bench import Bench
from munshi.domain.jobs import AttemptOutcome, Job, JobEnding, JobPause, JobState, PauseKind
from munshi.domain.jobs import QueueLimits as Limits
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.engine import Database

ENDINGS = {
    "success": JobEnding(
        state=JobState.SUCCEEDED, outcome=AttemptOutcome.SUCCEEDED, percent=100, result={}
    ),
    "error": JobEnding(state=JobState.FAILED, outcome=AttemptOutcome.ERROR, error="No."),
    "retry": JobEnding(state=JobState.SCHEDULED, outcome=AttemptOutcome.ERROR, error="Not yet."),
    "crash": JobEnding(state=JobState.QUEUED, outcome=AttemptOutcome.CRASHED, error="Died."),
    "cancel": JobEnding(state=JobState.CANCELLED, outcome=AttemptOutcome.CANCELLED),
    "release": JobEnding(state=JobState.QUEUED, outcome=AttemptOutcome.RELEASED),
    "hold": JobEnding(state=JobState.HELD, outcome=AttemptOutcome.RELEASED, error="Unsure."),
}


@pytest.fixture
def bench(database: Database, clock: FakeClock) -> Bench:
    """Limited queues are claimed in one way everywhere."""
    return Bench(database, clock, "core")


def end(bench: Bench, job: Job, how: str = "success") -> None:
    with bench.database.transaction() as tx:
        tx.attempts.finish(job.job_id, job.attempt, ENDINGS[how], now=bench.clock.now())


@contextmanager
def nothing_left_over(bench: Bench) -> Iterator[None]:
    """Afterwards places are held by running jobs alone."""
    yield
    with bench.database.reading() as tx:
        held = set(tx.connection.execute(text('SELECT job_id FROM "JobSlots"')).scalars())
        running = {job.job_id for job in tx.attempts.list_running_jobs(limit=500)}
    assert {str(job_id) for job_id in held} <= {str(job_id) for job_id in running}


def test_no_more_than_the_limit_run_and_the_longest_waiting_first(bench: Bench) -> None:
    ids = []
    for _ in range(5):
        ids.append(bench.create(queue="narrow"))
        bench.pass_time(seconds=1)

    first = bench.claim_limited("narrow", Limits(limit=3), limit=2)
    second = bench.claim_limited("narrow", Limits(limit=3))
    full = bench.claim_limited("narrow", Limits(limit=3))

    assert [job.job_id for job in (*first, *second)] == ids[:3]
    assert {(job.state, job.attempt) for job in (*first, *second)} == {(JobState.RUNNING, 1)}
    assert full == []
    assert len(bench.attempts(ids[0])) == 1


def test_a_key_has_its_own_limit_and_jobs_without_one_have_none(bench: Bench) -> None:
    keys = ["a", "a", "b", None, None, "b", "c"]
    for key in keys:
        bench.create(queue="narrow", concurrency_key=key)
        bench.pass_time(seconds=1)

    taken = bench.claim_limited("narrow", Limits(per_key=1))

    assert Counter(job.concurrency_key for job in taken) == {"a": 1, "b": 1, "c": 1, None: 2}
    assert bench.claim_limited("narrow", Limits(per_key=1)) == []


def test_a_crowd_of_one_key_does_not_keep_others_waiting_for_ever(bench: Bench) -> None:
    for _ in range(120):
        bench.create(queue="narrow", concurrency_key="crowd")
    bench.pass_time(seconds=1)
    other = bench.create(queue="narrow", concurrency_key="rare")

    taken = bench.claim_limited("narrow", Limits(per_key=1), limit=4)
    taken += bench.claim_limited("narrow", Limits(per_key=1), limit=4)

    assert {job.concurrency_key for job in taken} == {"crowd", "rare"}
    assert other in {job.job_id for job in taken}


@pytest.mark.parametrize("how", ENDINGS)
def test_a_place_is_free_again_however_the_job_ended(bench: Bench, how: str) -> None:
    limits = Limits(limit=1, per_key=1)
    bench.create(queue="narrow", concurrency_key="k")
    (job,) = bench.claim_limited("narrow", limits)
    bench.pass_time(minutes=-5)
    following = bench.create(queue="narrow", concurrency_key="k")
    before = bench.claim_limited("narrow", limits)

    with nothing_left_over(bench):
        end(bench, job, how)
        after = bench.claim_limited("narrow", limits)

    assert before == []
    assert [each.job_id for each in after] == [following]


@pytest.mark.parametrize("key", [None, "k"])
def test_a_lowered_limit_lets_nothing_start_before_enough_have_ended(
    bench: Bench, key: str | None
) -> None:
    def limits(most: int) -> Limits:
        return Limits(per_key=most) if key else Limits(limit=most)

    for _ in range(8):
        bench.create(queue="narrow", concurrency_key=key)
    running = bench.claim_limited("narrow", limits(4))
    started = []

    for job in running[:3]:
        end(bench, job)
        started.append(len(bench.claim_limited("narrow", limits(2))))

    assert len(running) == 4
    assert started == [0, 0, 1]


def test_a_raised_limit_lets_more_start_at_once(bench: Bench) -> None:
    for _ in range(6):
        bench.create(queue="narrow")
    bench.claim_limited("narrow", Limits(limit=2))

    assert len(bench.claim_limited("narrow", Limits(limit=5))) == 3


def test_pauses_hold_for_limited_queues_too(bench: Bench) -> None:
    bench.create("copy", queue="narrow")
    bench.create("move", queue="narrow")

    def pause(kind: PauseKind, name: str) -> None:
        pause = JobPause(
            kind=kind, name=name, reason=None, paused_by="asha", paused_at=bench.clock.now()
        )
        with bench.database.transaction() as tx:
            tx.queues.save_pause(pause)

    pause(PauseKind.JOB_TYPE, "copy")
    moved = bench.claim_limited("narrow", Limits(limit=1))
    end(bench, moved[0])
    pause(PauseKind.QUEUE, "narrow")

    assert [job.job_type for job in moved] == ["move"]
    assert bench.claim_limited("narrow", Limits(limit=1)) == []


class Churn:
    """Claimers that take, end and take again, while somebody counts what runs."""

    def __init__(self, bench: Bench, limits: Callable[[], Limits]) -> None:
        self.bench = bench
        self.limits = limits
        self.ended: list[Job] = []
        self.failures: list[BaseException] = []
        self.most_running = 0
        self.most_of_a_key = 0
        self.samples = 0
        self.over = threading.Event()

    def claim_and_end(self, worker: int) -> None:
        dice = random.Random(worker)  # noqa: S311 - the same course each time
        held: list[Job] = []
        try:
            while not self.over.is_set():
                held += self.bench.claim_limited(
                    "narrow", self.limits(), limit=2, worker_id=f"w{worker}"
                )
                if held and dice.random() < 0.7:
                    job = held.pop(dice.randrange(len(held)))
                    end(self.bench, job, dice.choice(["success", "success", "error", "crash"]))
                    self.ended.append(job)
        except BaseException as error:
            self.failures.append(error)
            raise

    def count(self) -> None:
        while not self.over.is_set():
            with self.bench.database.reading() as tx:
                running = tx.attempts.list_running_jobs(limit=500)
            of_keys = Counter(job.concurrency_key for job in running)
            self.samples += 1
            self.most_running = max(self.most_running, len(running))
            self.most_of_a_key = max(self.most_of_a_key, *of_keys.values(), 0)

    def go_on(self, *, until_ended: int) -> None:
        threads = [threading.Thread(target=self.claim_and_end, args=(n,)) for n in range(4)]
        threads.append(threading.Thread(target=self.count))
        for thread in threads:
            thread.start()
        deadline = threading.Event()
        for _ in range(300):
            if len(self.ended) >= until_ended or self.failures:
                break
            deadline.wait(0.1)
        self.over.set()
        for thread in threads:
            thread.join(60)


@pytest.mark.parametrize(
    ("limits", "most_running", "most_of_a_key"),
    [
        (Limits(limit=3), 3, 3),
        (Limits(per_key=1), 6, 1),
        (Limits(limit=5, per_key=2), 5, 2),
    ],
)
def test_under_churn_a_limit_is_never_overshot_and_nobody_gets_stuck(
    bench: Bench, limits: Limits, most_running: int, most_of_a_key: int
) -> None:
    bench.skip_where_locks_are_ignored()
    keys = cycle("abcdef")
    with bench.database.transaction() as tx:
        for _ in range(200):
            new = bench.new(queue="narrow", concurrency_key=next(keys))
            tx.jobs.create_job(new, now=bench.clock.now())
    churn = Churn(bench, lambda: limits)

    with nothing_left_over(bench):
        churn.go_on(until_ended=60)

    assert churn.failures == []
    assert len(churn.ended) >= 60
    assert 1 <= churn.most_running <= most_running
    assert churn.most_of_a_key <= most_of_a_key
    assert churn.samples > 20


def test_two_who_claim_different_keys_crosswise_do_not_wait_for_each_other_for_ever(
    bench: Bench,
) -> None:
    bench.skip_where_locks_are_ignored()
    with bench.database.transaction() as tx:
        for number in range(240):
            # So that whoever comes second looks at the same keys in the other order.
            key = "ab"[number % 2] if number < 60 else "ba"[number % 2]
            new = bench.new(queue="narrow", concurrency_key=key)
            tx.jobs.create_job(new, now=bench.clock.now())
            bench.pass_time(milliseconds=1)
    failures: list[DatabaseUnreachableError] = []
    start = threading.Barrier(4)

    def claim(worker: int) -> None:
        start.wait(20)
        for _ in range(15):
            try:
                for job in bench.claim_limited(
                    "narrow", Limits(per_key=1), limit=2, worker_id=f"w{worker}"
                ):
                    end(bench, job)
            except DatabaseUnreachableError as error:
                failures.append(error)

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
