"""A desk with the job types of these tests: brief ones, slow ones, families, deaf ones."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from clocks import FakeClock
from jobs.handlers import Stage, TextParams
from jobs.waiting import until
from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.job_specs import Backoff, JobSpec
from munshi.domain.jobs import AttemptOutcome, Job, JobState
from munshi.errors import BrokerUnavailableError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.wake import Wake
from munshi.jobs.fan_out import NewChild
from munshi.jobs.run import JobRun
from munshi.jobs.service import JobRequest, JobService
from munshi.jobs.worker import Worker

ASHA = Actor(user_id="asha", request_id="r-1")


def echo(stage: Stage, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    stage.seen.append(parameters.text)
    return {"attempt": run.attempt}


def wait(stage: Stage, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    """Wait until told to go on, or to stop."""
    stage.seen.append(parameters.text)
    stage.entered.set()
    while not stage.go_on.wait(0.005):
        run.check_cancelled()
    return {"attempt": run.attempt}


def deaf(stage: Stage, run: JobRun, _: TextParams) -> dict[str, Any]:
    """Never looks up."""
    stage.entered.set()
    assert stage.go_on.wait(60)
    return {"attempt": run.attempt}


def nap(_: object, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    time.sleep(float(parameters.text))
    run.progress(50)
    return {}


def unavailable(stage: Stage, _: JobRun, __: TextParams) -> dict[str, Any]:
    stage.seen.append("tried")
    raise BrokerUnavailableError("The broker is down.")


def parent(stage: Stage, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    """Fan out into the job types that the parameter names, then tell how they ended."""
    children = run.children()
    if not children:
        stage.entered.set()
        names = parameters.text.split()
        run.fan_out([NewChild(job_type=name, parameters={"text": name}) for name in names])
    return {"ended": [str(child.state) for child in children]}


def grandparent(_: object, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    if not run.children():
        run.fan_out([NewChild(job_type="parent", parameters={"text": parameters.text})] * 2)
    return {"ended": [str(child.state) for child in run.children()]}


def odd_parent(_: object, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    run.fan_out(ODD_CHILDREN[parameters.text])


def fail(_: object, __: JobRun, ___: TextParams) -> dict[str, Any]:
    raise ZeroDivisionError("division by zero")


def say(_: object, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    for number in range(int(parameters.text)):
        run.log(f"line {number}", number=number)
    return {}


ODD_CHILDREN: Mapping[str, Any] = {
    "text": ["echo"],
    "none": [None],
    "number": 7,
    "unknown type": [NewChild(job_type="ecko", parameters={"text": "x"})],
    "unknown queue": [NewChild(job_type="echo", parameters={"text": "x"}, queue="nowhere")],
    "bad parameters": [NewChild(job_type="echo", parameters={"texts": "x"})],
    "no mapping": [NewChild(job_type="echo", parameters=None)],  # type: ignore[arg-type]
    "priority": [NewChild(job_type="echo", parameters={"text": "x"}, priority=10**15)],
    "long key": [NewChild(job_type="echo", parameters={"text": "x"}, concurrency_key="k" * 999)],
}


def _spec(name: str, **given: Any) -> JobSpec:  # noqa: ANN401
    wanted: dict[str, Any] = {"runs_in": "thread", "idempotent": True, **given}
    return JobSpec(params=TextParams, entry=f"jobs.conformance.staff:{name}", **wanted)


REGISTRY: Mapping[str, JobSpec] = {
    **{
        name: _spec(name)
        for name in (
            *("echo", "wait", "deaf", "nap", "parent", "grandparent", "odd_parent", "fail", "say"),
        )
    },
    "brief": _spec("echo", brief=True),
    "brief_wait": _spec("wait", brief=True),
    "brief_deaf": _spec("deaf", brief=True, timeout_seconds=2.0),
    "brief_in_time": _spec("echo", brief=True, timeout_seconds=2.0),
    "slow": _spec("wait", timeout_seconds=5.0),
    "slow_deaf": _spec("deaf", timeout_seconds=5.0),
    "wait_once": _spec("wait", idempotent=False),
    "deaf_once": _spec("deaf", idempotent=False),
    "unavailable": _spec(
        "unavailable", max_attempts=4, backoff=Backoff(first_seconds=10, longest_seconds=25)
    ),
}


@dataclass(slots=True)
class Staff:
    """`stage` is where tests and handlers meet; workers are stopped at the end."""

    database: Database
    clock: FakeClock
    wake: Wake = field(default_factory=Wake)
    stage: Stage = field(default_factory=Stage)
    workers: list[Worker] = field(default_factory=list)

    @property
    def service(self) -> JobService:
        return JobService(self.database, self.clock, registry=REGISTRY, rouse=self.wake.set)

    def ask(self, job_type: str, text: str = "x", **request: Any) -> UUID:  # noqa: ANN401
        asked = JobRequest(**request)
        return self.service.enqueue(job_type, {"text": text}, actor=ASHA, request=asked).job_id

    def ask_all(self, *job_types: str, **request: Any) -> list[UUID]:  # noqa: ANN401
        """In one transaction, so that one claim finds them all; each a moment after the other."""
        service, asked = self.service, JobRequest(**request)
        ids = []
        with self.database.transaction() as tx:
            for name in job_types:
                job = service.enqueue_in(tx, name, {"text": name}, actor=ASHA, request=asked)
                ids.append(job.job_id)
                self.clock.advance(timedelta(milliseconds=1))
        return ids

    def worker(self, **given: Any) -> Worker:  # noqa: ANN401
        wanted: dict[str, Any] = {
            "threads": 4,
            "lease_seconds": 3000,
            "poll_seconds": 0.05,
            **given,
        }
        clock: Clock = wanted.pop("clock", self.clock)
        made = Worker(
            self.database,
            clock,
            registry=REGISTRY,
            services=self.stage,
            wake=self.wake,
            **wanted,
        )
        self.workers.append(made)
        return made

    def start(self, **given: Any) -> Worker:  # noqa: ANN401
        worker = self.worker(**given)
        worker.start()
        return worker

    def run_until_idle(self, **given: Any) -> int:  # noqa: ANN401
        return self.worker(**given).run_until_idle()

    def get(self, job_id: UUID) -> Job:
        return self.service.get(job_id)

    def state(self, job_id: UUID) -> JobState:
        return self.get(job_id).state

    def states(self, ids: list[UUID]) -> list[JobState]:
        return [self.state(job_id) for job_id in ids]

    def outcomes(self, job_id: UUID) -> list[AttemptOutcome | None]:
        return [attempt.outcome for attempt in self.service.attempts(job_id)]

    def audited(self, job_id: UUID) -> list[str]:
        with self.database.reading() as tx:
            found = tx.audit.get_logs_by_entity("job", str(job_id))
        return [entry.action for entry in reversed(found)]

    def alerts(self) -> list[str | None]:
        """The subjects of the open ones."""
        with self.database.reading() as tx:
            return [alert.subject for alert in tx.alerts.list_open_alerts()]

    def until(self, state: JobState, *ids: UUID, seconds: float = 20) -> None:
        until(lambda: {self.state(job_id) for job_id in ids} == {state}, seconds=seconds)

    def close(self) -> None:
        self.stage.go_on.set()
        for worker in self.workers:
            worker.stop(grace=5)
        until(lambda: not any(thread.name == "job-runner" for thread in threading.enumerate()))
