"""What Prometheus is told, read back by its own parser."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from apis import slug
from asgi import Answer, Caller
from desks import TESTER, Desk
from munshi.api.app import create_app
from munshi.domain.enums import Service
from munshi.errors import BrokerSessionExpiredError
from munshi.infrastructure.database.models import job_workers
from munshi.jobs.service import JobRequest

Metrics = Mapping[tuple[str, ...], float]


def read(answer: Answer) -> Metrics:
    """Every value by its name and its labels' values, in the order of the labels' names."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """A desk with a worker, a login, a job that was done, one that waits and one for later."""
    desk.log_in(Service.KITE)
    now = desk.clock.now()
    asked = {"service": "kite"}
    desk.services.jobs.enqueue("auto_login", asked, actor=TESTER)
    desk.services.worker().run_until_idle()
    desk.services.jobs.enqueue("auto_login", asked, actor=TESTER)
    later = JobRequest(run_at=now + timedelta(hours=1))
    desk.services.jobs.enqueue("auto_login", asked, actor=TESTER, request=later)
    with desk.services.database.engine.begin() as connection:
        connection.execute(
            insert(job_workers).values(
                worker_id=str(uuid4()),
                host="desk-1",
                process_id=1,
                status="working",
                threads=4,
                running=2,
                abandoned=0,
                started_at=now,
                heartbeat_at=now,
            )
        )
    desk.services.health.sweep()
    desk.clock.advance(timedelta(seconds=40))
    return desk


def test_a_scrape_tells_of_jobs_workers_logins_and_health(api: Caller, busy: Desk) -> None:
    answer = api.get("/metrics")
    found = read(answer)

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert busy.services.settings.brokers == "simulated"
    wanted: Metrics = {
        ("munshi_database_up",): 1,
        ("munshi_jobs", "auto_login", "succeeded"): 1,
        ("munshi_jobs", "auto_login", "queued"): 1,
        ("munshi_jobs", "auto_login", "scheduled"): 1,
        ("munshi_job_attempts", "auto_login", "succeeded"): 1,
        ("munshi_queue_jobs", "default"): 1,
        ("munshi_queue_oldest_seconds", "default"): 40,
        ("munshi_workers", "working"): 1,
        ("munshi_worker_threads",): 4,
        ("munshi_worker_running_jobs",): 2,
        ("munshi_worker_abandoned_jobs",): 0,
        ("munshi_scheduler_lag_seconds",): 0,
        ("munshi_health_status", "workers", "pass"): 1,
        ("munshi_health_status", "workers", "fail"): 0,
        ("munshi_health_status", "candles", "unknown"): 1,
        ("munshi_health_errors", "workers"): 0,
    }
    assert {key: found.get(key) for key in wanted} == wanted
    assert found["munshi_session_seconds_left", "kite"] > 3600
    assert ("munshi_session_seconds_left", "breeze") not in found
    assert found["process_resident_memory_bytes",] > 1e6
    assert found["process_cpu_seconds_total",] > 0


def test_requests_are_counted_by_method_and_status(api: Caller) -> None:
    for target in ("/health/live", "/health/live", "/nowhere"):
        api.get(target)
    api.ask("BREW", "/coffee")
    found = read(api.get("/metrics"))

    counted = {key[1:]: value for key, value in found.items() if "http_requests_total" in key[0]}
    assert counted == {("GET", "200"): 2, ("GET", "404"): 1, ("other", "404"): 1}


def test_two_applications_in_a_process_count_apart(api: Caller, desk: Desk) -> None:
    api.get("/health/live")
    other = read(Caller(create_app(desk.services)).get("/metrics"))

    assert [key for key in other if key[0] == "munshi_http_requests_total"] == []


def test_metrics_of_a_desk_without_its_database_say_so(api: Caller, desk: Desk) -> None:
    desk.services.database.close()
    path = Path(str(desk.services.database.url.database))
    path.unlink()
    path.mkdir()

    answer = api.get("/metrics")
    found = read(answer)

    assert answer.status == 200
    assert found["munshi_database_up",] == 0
    assert [key for key in found if key[0] == "munshi_jobs"] == []


def test_a_stranger_is_told_no_metrics(api: Caller) -> None:
    answer = api.get("/metrics", headers={"x-forwarded-for": "192.0.2.7"})

    assert (answer.status, slug(answer)) == (401, "authentication-needed")


def test_states_of_logins_and_failing_brokers_are_told(desk: Desk) -> None:
    session = desk.log_in(Service.KITE)
    desk.services.kite.book.mark_rejected(session, BrokerSessionExpiredError("dead"))
    mode, now = desk.services.settings.brokers, desk.clock.now()
    with desk.services.database.transaction() as tx:
        until = now + timedelta(seconds=20)
        tx.circuits.count_failure(Service.BREEZE, why="down", mode=mode, now=now)
        tx.circuits.open(Service.BREEZE, over=now, until=until, mode=mode, now=now)

    metrics = read(Caller(create_app(desk.services)).get("/metrics"))

    assert metrics["munshi_session_state", "kite", "rejected"] == 1
    assert metrics["munshi_session_state", "kite", "active"] == 0
    assert metrics["munshi_session_state", "breeze", "absent"] == 1
    assert metrics["munshi_broker_failures", "kite"] == 0
    assert metrics["munshi_broker_failures", "breeze"] == 1
    assert metrics["munshi_broker_resting_seconds", "breeze"] == 20
