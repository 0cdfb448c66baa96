"""Several workers, people and a clock at one queue, in any order that Hypothesis thinks of."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from clocks import FakeClock
from databases import FRIDAY_TEN_IST
from jobs.handlers import TextParams
from jobs.lifecycle.ledger import Ledger, check, check_step, read_ledger
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.job_specs import Backoff, JobSpec
from munshi.domain.jobs import (
    AUTO_LOGIN,
    Job,
    JobEnding,
    JobPause,
    JobState,
    NewJob,
    PauseKind,
    QueueLimits,
)
from munshi.errors import (
    BrokerUnavailableError,
    JobAttemptFencedError,
    JobProcessDiedError,
    JobStateConflictError,
)
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_claims import Lane, Success
from munshi.infrastructure.database.job_exchange import RepositoryExchange, Wanted, open_exchange
from munshi.infrastructure.wake import Wake
from munshi.jobs import endings
from munshi.jobs.acts import cancel_in, discard_in, retry_in
from munshi.jobs.recovery import UNCLAIMABLE_AFTER, hold_unclaimable, recover
from munshi.jobs.stops import JobPaused

S = JobState
ASHA = Actor(user_id="asha", request_id="r-1")
LEASE = timedelta(seconds=30)
WORKERS = 3
LIMITS = {"narrow": QueueLimits(limit=2, per_key=1)}
DAYS = 7


def _spec(*, idempotent: bool = True) -> JobSpec:
    return JobSpec(
        params=TextParams,
        entry="nobody:runs",
        runs_in="thread",
        idempotent=idempotent,
        max_attempts=3,
        max_crashes=2,
        backoff=Backoff(first_seconds=5, longest_seconds=20),
    )


REGISTRY = {"copy": _spec(), "once": _spec(idempotent=False), AUTO_LOGIN: _spec()}
LANES = tuple(Lane("default", name) for name in REGISTRY)
TYPES = (*REGISTRY, "copy", "copy")
DELAYS = (0, 0, 0, 5, 60)
ENDS = (*("success", "error", "retry", "timeout", "crash", "cancel", "stop", "stop", "pause"),)
OF_CLAIMS = {"end", "fan_out", "report", "succeed_together"}
# How often each, from the commonest on.
WEIGHTS = {
    "end": 10,
    "claim": 8,
    "fan_out": 4,
    "enqueue": 5,
    "succeed_together": 4,
    "pass_time": 4,
    "promote": 3,
    "cancel": 3,
    "retry": 3,
    "claim_limited": 3,
    "enqueue_limited": 2,
    "end_all_that_run": 2,
    "recover_the_lost": 2,
    "enqueue_by_key": 2,
    "report": 1,
    "log_in": 1,
    "discard": 1,
    "hold_what_nobody_can_run": 1,
    "pause_or_resume_a_type": 1,
    "pass_days_and_clean_up": 1,
}
HAPPENS = [what for what, times in WEIGHTS.items() for _ in range(times)]


class QueueMachine(RuleBasedStateMachine):
    """Rules say what must come of each step; `ledger.check` what must hold after any."""

    def __init__(self, open_database: Callable[[], Database], *, way: str = "driver") -> None:
        super().__init__()
        endings._random.seed(7)  # noqa: SLF001 - the same waits in every run
        self.clock = FakeClock(FRIDAY_TEN_IST)
        self.database = open_database()
        make = open_exchange if way == "driver" else RepositoryExchange
        self.exchanges = [
            make(self.database, worker_id=f"here:{n}:aa", lease=LEASE, wake=Wake())
            for n in range(WORKERS)
        ]
        self.claims: list[Job] = []
        self.dice: Callable[[st.SearchStrategy[Any]], Any] = lambda _: None
        self.made = 0
        self.tokens: dict[UUID, str] = {}
        self.paused = False
        self.ledger = self.look()

    def teardown(self) -> None:
        for exchange in self.exchanges:
            exchange.close()
        self.database.close()

    # --- how the rules look and choose -------------------------------------------------------

    def look(self) -> Ledger:
        return read_ledger(self.database, now=self.clock.now())

    @invariant()
    def everything_holds(self) -> None:
        after = self.look()
        check_step(self.ledger, after)
        check(after, LIMITS)
        for job in after.in_state(S.SUCCEEDED):
            if job.job_id in self.tokens:
                assert (job.result_data or {}).get("token") == self.tokens[job.job_id]
        self.ledger = after

    def is_current(self, claim: Job) -> bool:
        job = self.ledger.jobs.get(claim.job_id)
        return job is not None and (job.state, job.attempt) == (S.RUNNING, claim.attempt)

    def number(self, smallest: int, largest: int) -> int:
        drawn: int = self.dice(st.integers(min_value=smallest, max_value=largest))
        return drawn

    def one_of(self, choices: Sequence[Any]) -> Any:  # noqa: ANN401 - one of them
        return self.dice(st.sampled_from(choices))

    def any_claim(self) -> Job:
        """Mostly one that runs, sometimes one that another has taken over, or any at all."""
        current = [claim for claim in self.claims if self.is_current(claim)]
        taken_over = [claim for claim in self.claims if self.is_taken_over(claim)]
        kind = self.one_of((current, current, taken_over, self.claims))
        claim: Job = self.one_of(kind or self.claims)
        return claim

    def is_taken_over(self, claim: Job) -> bool:
        job = self.ledger.jobs.get(claim.job_id)
        return job is not None and job.state is S.RUNNING and job.attempt > claim.attempt

    def any_job(self) -> Job:
        """Mostly one that something can be done to, or one with parts."""
        jobs = sorted(self.ledger.jobs.values(), key=lambda job: job.job_id)
        state = self.one_of(sorted({job.state for job in jobs}))
        job: Job = self.one_of([job for job in jobs if job.state is state])
        return job

    def new(self, job_type: str = "copy", **given: object) -> NewJob:
        self.made += 1
        wanted: dict[str, object] = {
            "job_id": UUID(int=self.made),
            "job_type": job_type,
            "parameters": {"text": "x"},
            "run_at": self.clock.now(),
            "max_attempts": 3 if REGISTRY[job_type].idempotent else 1,
            "created_by": "asha",
            **given,
        }
        return NewJob(**wanted)  # type: ignore[arg-type]

    @rule(what=st.sampled_from(HAPPENS), dice=st.data())
    def something_happens(self, what: str, dice: st.DataObject) -> None:
        """One rule, because of several Hypothesis leaves some out of each walk."""
        self.dice = dice.draw
        if not self.ledger.jobs:
            what = "enqueue"
        elif what in OF_CLAIMS and not self.claims:
            what = "claim"
        getattr(self, what)()

    # --- what is asked for -------------------------------------------------------------------

    def enqueue(self) -> None:
        job_type, delay = self.one_of(TYPES), self.one_of(DELAYS)
        priority = self.number(-2, 2)
        run_at = self.clock.now() + timedelta(seconds=delay)
        new = self.new(job_type, run_at=run_at, priority=priority)
        with self.database.transaction() as tx:
            job = tx.jobs.create_job(new, now=self.clock.now())
        assert job.state is (S.SCHEDULED if delay else S.QUEUED)

    def enqueue_limited(self) -> None:
        key = self.one_of(("a", "b", None))
        with self.database.transaction() as tx:
            tx.jobs.create_job(self.new(queue="narrow", concurrency_key=key), now=self.clock.now())

    def enqueue_by_key(self) -> None:
        key, period = self.one_of(("k", "l")), self.one_of((None, 40))
        now = self.clock.now()
        until = now + timedelta(seconds=period) if period else None
        holders = {
            job.job_id
            for job in self.ledger.jobs.values()
            if job.idempotency_key == key
            and (
                not job.state.is_final
                or (job.idempotency_until is not None and job.idempotency_until > now)
            )
        }
        new = self.new(idempotency_key=key, idempotency_until=until)
        with self.database.transaction() as tx:
            job = tx.jobs.create_job(new, now=now)
        assert job.job_id in (holders or {new.job_id})

    # --- what workers do ---------------------------------------------------------------------

    def claim(self) -> None:
        worker, limit = self.number(0, WORKERS - 1), self.number(1, 4)
        eligible = [job for job in self.ledger.in_state(S.QUEUED) if self.may_be_taken(job)]
        swapped = self.exchanges[worker].swap((), [Wanted(LANES, limit)], now=self.clock.now())
        taken = swapped.claimed[0]
        self.claims += taken
        assert len(taken) == min(limit, len(eligible))
        assert all(job.state is S.RUNNING for job in taken)

    def may_be_taken(self, job: Job) -> bool:
        return job.queue == "default" and not (self.paused and job.job_type == "copy")

    def claim_limited(self) -> None:
        worker, limit = self.number(0, WORKERS - 1), self.number(1, 4)
        running = [job for job in self.ledger.in_state(S.RUNNING) if job.queue == "narrow"]
        with self.database.transaction() as tx:
            taken = tx.queues.claim_limited(
                "narrow",
                LIMITS["narrow"],
                job_types=list(REGISTRY),
                worker_id=f"here:{worker}:aa",
                limit=limit,
                lease=LEASE,
                now=self.clock.now(),
            )
        self.claims += taken
        keys = [job.concurrency_key for job in (*running, *taken) if job.concurrency_key]
        assert len(running) + len(taken) <= 2
        assert len(set(keys)) == len(keys)

    def report(self) -> None:
        claim, percent = self.any_claim(), self.number(0, 100)
        wrote = False
        with suppress(JobAttemptFencedError), self.database.operational() as tx:
            now = self.clock.now()
            key = claim.job_id, claim.attempt
            tx.attempts.record_progress(*key, percent=percent, message="On.", now=now)
            tx.attempts.heartbeat(*key, lease=LEASE, now=now)
            wrote = True
        assert wrote == self.is_current(claim)

    def succeed_together(self) -> None:
        claims = [self.any_claim() for _ in range(self.number(1, 5))]
        worker, more = self.number(0, WORKERS - 1), self.one_of((False, True))
        chosen = {(one.job_id, one.attempt): one for one in claims}
        plain = [one for one in chosen.values() if not one.parent_id and one.queue == "default"]
        done = [
            Success(one.job_id, one.attempt, None, f'{{"token": "{one.job_id} {one.attempt}"}}')
            for one in plain
        ]
        wanted = [Wanted(LANES, 2)] if more else []
        swapped = self.exchanges[worker].swap(done, wanted, now=self.clock.now())
        for jobs in swapped.claimed:
            self.claims += jobs
        kept = {one.job_id for one in plain if self.is_current(one)}
        self.tokens |= {
            one.job_id: f"{one.job_id} {one.attempt}" for one in plain if self.is_current(one)
        }
        assert swapped.kept == kept

    def end(self) -> None:
        self.end_one(self.any_claim(), self.one_of(ENDS), parts=0)

    def fan_out(self) -> None:
        claim = self.any_claim()
        is_nested = claim.parent_id is not None
        self.end_one(claim, "parts", parts=self.number(0, 1 if is_nested else 3))

    def end_one(self, claim: Job, how: str, *, parts: int) -> None:
        ending = self.ending(claim, how, parts)
        ended: Job | None = None
        with suppress(JobAttemptFencedError), self.database.transaction() as tx:
            spec = REGISTRY[claim.job_type]
            ended = endings.record_ending(tx, claim, ending, spec=spec, now=self.clock.now())
        assert (ended is not None) == self.is_current(claim)
        if ended is not None and how == "success":
            self.tokens[claim.job_id] = f"{claim.job_id} {claim.attempt}"
        if ended is not None and not REGISTRY[claim.job_type].idempotent and how == "crash":
            assert ended.state in {S.HELD, S.CANCELLED}

    def ending(self, claim: Job, how: str, parts: int) -> JobEnding:
        spec, now = REGISTRY[claim.job_type], self.clock.now()
        made = [self.new(name, parent_id=claim.job_id) for name in ("copy", "once", "copy")[:parts]]
        endings_of: dict[str, Callable[[], JobEnding]] = {
            "success": lambda: endings.after_success(
                {"token": f"{claim.job_id} {claim.attempt}"}, "Done."
            ),
            "error": lambda: endings.after_error(ZeroDivisionError("no"), now=now),
            "retry": lambda: endings.after_error(BrokerUnavailableError("Down."), now=now),
            "timeout": lambda: endings.after_timeout(spec, now=now),
            "crash": lambda: endings.after_crash(
                claim, spec, JobProcessDiedError("Died.").detail, now=now
            ),
            "cancel": endings.after_cancel,
            "stop": lambda: endings.after_stop(spec),
            "pause": lambda: endings.after_pause(JobPaused(Service.KITE, "http://here")),
            "parts": lambda: endings.after_fan_out(made),
        }
        return endings_of[how]()

    def end_all_that_run(self) -> None:
        """Most go well, one does not."""
        index = self.number(0, 3)
        for number, claim in enumerate(filter(self.is_current, self.claims)):
            how = "stop" if number == index % 4 else "success"
            with self.database.transaction() as tx:
                ended = endings.record_ending(
                    tx,
                    claim,
                    self.ending(claim, how, 0),
                    spec=REGISTRY[claim.job_type],
                    now=self.clock.now(),
                )
            if ended.state is S.SUCCEEDED:
                self.tokens[claim.job_id] = f"{claim.job_id} {claim.attempt}"

    def recover_the_lost(self) -> None:
        lost = {
            job.job_id
            for job in self.ledger.in_state(S.RUNNING)
            if self.ledger.attempts[job.job_id][-1].lease_until <= self.clock.now()
        }
        recovered = recover(self.database, self.clock, REGISTRY)
        assert {job.job_id for job in recovered} == lost
        for job in recovered:
            assert job.state in {S.QUEUED, S.HELD, S.DEAD, S.CANCELLED}
            assert REGISTRY[job.job_type].idempotent or job.state is not S.QUEUED

    def promote(self) -> None:
        due = [job for job in self.ledger.in_state(S.SCHEDULED) if job.run_at <= self.clock.now()]
        with self.database.operational() as tx:
            promoted = tx.jobs.promote_due_jobs(now=self.clock.now())
        assert promoted == len(due)

    def hold_what_nobody_can_run(self) -> None:
        lanes = [lane for lane in (*LANES, Lane("narrow", "copy")) if lane.job_type != AUTO_LOGIN]
        before = self.clock.now() - UNCLAIMABLE_AFTER
        held = hold_unclaimable(self.database, self.clock, lanes)
        assert all(job.job_type == AUTO_LOGIN and job.run_at < before for job in held)

    # --- what people do ----------------------------------------------------------------------

    def cancel(self) -> None:
        job = self.any_job()
        below = [each for each in self.ledger.below(job.job_id) if not each.state.is_final]
        cancelled: Job | None = None
        with suppress(JobStateConflictError), self.database.transaction() as tx:
            cancelled = cancel_in(tx, job.job_id, actor=ASHA, now=self.clock.now())
        assert (cancelled is None) == job.state.is_final
        if cancelled is not None:
            after = self.look().jobs
            for each in (job, *below):
                wanted = S.RUNNING if each.state is S.RUNNING else S.CANCELLED
                assert after[each.job_id].state is wanted
                assert after[each.job_id].cancel_requested

    def retry(self) -> None:
        job = self.any_job()
        again: Job | None = None
        with suppress(JobStateConflictError), self.database.transaction() as tx:
            again = retry_in(tx, job.job_id, actor=ASHA, now=self.clock.now())
        if job.state not in {S.SCHEDULED, S.HELD, S.FAILED, S.DEAD, S.CANCELLED}:
            assert again is None
        elif job.idempotency_key is None:
            assert again is not None
        if again is not None:
            assert (again.state, again.errors, again.crashes) == (S.QUEUED, 0, 0)
            assert not again.cancel_requested

    def discard(self) -> None:
        job = self.any_job()
        is_gone = False
        with suppress(JobStateConflictError), self.database.transaction() as tx:
            discard_in(tx, job.job_id, actor=ASHA, now=self.clock.now())
            is_gone = True
        assert is_gone == (job.state.is_final and not self.ledger.children(job.job_id))

    def log_in(self) -> None:
        with self.database.transaction() as tx:
            ended, _ = tx.jobs.resume_after_login(
                Service.KITE, result={"token": "login"}, now=self.clock.now()
            )
        self.tokens |= {job.job_id: "login" for job in ended}
        assert all(job.job_type == AUTO_LOGIN for job in ended)
        assert self.look().in_state(S.PAUSED) == []

    def pause_or_resume_a_type(self) -> None:
        pause = JobPause(
            kind=PauseKind.JOB_TYPE,
            name="copy",
            reason=None,
            paused_by="asha",
            paused_at=self.clock.now(),
        )
        with self.database.transaction() as tx:
            if self.paused:
                assert tx.queues.remove_pause(PauseKind.JOB_TYPE, "copy")
            else:
                assert tx.queues.save_pause(pause)
        self.paused = not self.paused

    # --- what time does ----------------------------------------------------------------------

    def pass_time(self) -> None:
        self.clock.advance(timedelta(seconds=self.one_of((1, 5, 20, 31, 700))))

    def pass_days_and_clean_up(self) -> None:
        days = self.one_of((1, DAYS + 1))
        self.clock.advance(timedelta(days=days))
        before = self.clock.now() - timedelta(days=DAYS)
        with self.database.transaction() as tx:
            deleted = tx.jobs.cleanup_old_jobs(days=DAYS, now=self.clock.now())
        gone = self.ledger.jobs.keys() - self.look().jobs.keys()
        assert len(gone) == deleted
        for job_id in gone:
            job = self.ledger.jobs[job_id]
            assert job.completed_at is not None
            assert job.completed_at < before
