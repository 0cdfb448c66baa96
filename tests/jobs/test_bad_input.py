"""Whatever a handler does: a clear error on its job, and the worker goes on."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from clocks import FakeClock
from jobs.bad_handlers import RAISED, REGISTRY, RETURNED
from jobs.desk import ASHA
from jobs.handlers import Stage
from munshi.clock import SystemClock
from munshi.domain.jobs import Job, JobState, NewJob
from munshi.infrastructure.database.engine import Database
from munshi.jobs.children import ChildPool
from munshi.jobs.output import route_output
from munshi.jobs.service import JobService
from munshi.jobs.worker import Worker

TESTS = Path(__file__).parents[1]
PLACES = "thread", "process"
F, S = JobState.FAILED, JobState.SUCCEEDED
D, C = JobState.SCHEDULED, JobState.CANCELLED
RAISED_SAYS: Mapping[str, tuple[JobState, str]] = {
    "SystemExit": (F, "SystemExit: 3"),
    "KeyboardInterrupt": (F, "KeyboardInterrupt"),
    "GeneratorExit": (F, "GeneratorExit"),
    "BaseException": (F, "BaseException: as it is"),
    "StopIteration": (F, "StopIteration"),
    "MemoryError": (F, "MemoryError"),
    "RecursionError": (F, "RecursionError"),
    "mute": (F, "MuteError"),
    "deadly": (F, "DeadlyError"),
    "group": (F, "BaseExceptionGroup: both (2 sub-exceptions)"),
    "long": (F, "ValueError: xxx"),
    "half": (F, "ValueError: half ? a character"),
    "never": (D, "Come back."),
    "soon": (F, "It ended with TypeError while its end was told."),
    "cancelled": (C, ""),
    "nothing to wait for": (F, "It asked for no parts at all"),
}
RETURNED_SAYS = {
    "bytes": "returned bytes, not a JSON object",
    "object": "returned object, not a JSON object",
    "odd mapping": "ZeroDivisionError",
    "tuple keys": "not JSON: keys must be str",
    "deep": "not JSON: maximum recursion depth",
    "infinite": "not JSON",
    "huge number": "not JSON: Exceeds the limit",
    "large": "the most is 1,000,000",
    "class": "returned type, not a JSON object",
    "generator": "returned generator, not a JSON object",
}


class Shop:
    """A worker with one thread and one process, which stays the same throughout a test."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.database = database
        self.clock = clock
        self.service = JobService(database, clock, registry=REGISTRY)
        self.pool = ChildPool(
            size=1, context="jobs.bad_handlers:stage", clock=SystemClock(), grace_seconds=0.5
        )
        self.worker = Worker(
            database,
            clock,
            registry=REGISTRY,
            services=Stage(),
            threads=1,
            processes=1,
            children=self.pool,
            lease_seconds=3000,
            poll_seconds=0.05,
        )

    def ask(self, job_type: str, text: str = "x") -> UUID:
        return self.service.enqueue(job_type, {"text": text}, actor=ASHA).job_id

    def run(self, *ids: UUID) -> list[Job]:
        """What has become of them once nothing is due; a good job of each kind goes on after."""
        good = [self.ask(f"{place}_echo", "good") for place in PLACES]
        with route_output():
            self.worker.run_until_idle()
        assert [self.service.get(job_id).result_data for job_id in good] == [{"text": "good"}] * 2
        return [self.service.get(job_id) for job_id in ids]


@pytest.fixture
def shop(
    sqlite_database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    opened = Shop(sqlite_database, clock)
    yield opened
    opened.pool.close()


@pytest.mark.parametrize("place", PLACES)
def test_whatever_a_handler_raises_is_told_on_its_job(shop: Shop, place: str) -> None:
    ids = [shop.ask(f"{place}_raise_it", what) for what in RAISED]

    jobs = shop.run(*ids)

    told = {
        what: (job.state, job.error_details or "") for what, job in zip(RAISED, jobs, strict=True)
    }
    wrong = {
        what: (state, said[:100])
        for what, (state, said) in told.items()
        if state is not RAISED_SAYS[what][0] or RAISED_SAYS[what][1] not in said
    }
    assert wrong == {}
    assert max(len(said) for _, said in told.values()) <= 500


@pytest.mark.parametrize("place", PLACES)
def test_whatever_a_handler_returns_is_stored_or_told_on_its_job(shop: Shop, place: str) -> None:
    ids = [shop.ask(f"{place}_return_it", what) for what in RETURNED]

    jobs = shop.run(*ids)

    told = {
        what: (job.state, job.error_details or "") for what, job in zip(RETURNED, jobs, strict=True)
    }
    wrong = {
        what: (state, said[:100])
        for what, (state, said) in told.items()
        if state is not F or RETURNED_SAYS[what] not in said
    }
    assert wrong == {}
    assert {job.result_data is None for job in jobs} == {True}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("missing_extra", "needs no_such_library, which is not installed"),
        ("missing_module", "no_such_module"),
        ("missing_function", "jobs.bad_handlers:no_such_function does not exist"),
        ("not_callable", "jobs.bad_handlers:RAISED does not exist"),
        ("no_entry", ""),
        ("print_without_end", "printed more than 10 million characters"),
    ],
)
def test_a_job_that_cannot_be_run_is_told_why(shop: Shop, place: str, what: str, said: str) -> None:
    (job,) = shop.run(shop.ask(f"{place}_{what}"))

    assert job.state is F
    assert said in (job.error_details or "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(("place", "state"), [("thread", F), ("process", S)])
def test_a_handler_that_forks_harms_nobody(shop: Shop, place: str, state: JobState) -> None:
    (job,) = shop.run(shop.ask(f"{place}_fork"))

    assert job.state is state
    assert ("must not fork" in (job.error_details or "")) is (place == "thread")


@pytest.mark.parametrize("place", PLACES)
def test_a_handler_that_swallows_everything_may_still_end_well(shop: Shop, place: str) -> None:
    (job,) = shop.run(shop.ask(f"{place}_swallow_all"))

    assert (job.state, job.result_data) == (S, {"text": "went on"})


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("stored", [{"texts": "x"}, {}, {"text": 7}, {"text": "x", "more": 1}])
def test_parameters_of_another_version_that_no_longer_fit_are_told(
    shop: Shop, place: str, stored: dict[str, object]
) -> None:
    new = NewJob(
        job_id=uuid4(),
        job_type=f"{place}_echo",
        parameters=stored,
        run_at=shop.clock.now(),
        created_by="asha",
    )
    with shop.database.transaction() as tx:
        tx.jobs.create_job(new, now=shop.clock.now())

    (job,) = shop.run(new.job_id)

    assert (job.state, job.error_details) == (F, "The one parameter is text.")
