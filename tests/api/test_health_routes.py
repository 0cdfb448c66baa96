"""Health over HTTP."""

from datetime import timedelta
from pathlib import Path

import pytest

from apis import slug
from asgi import Caller
from databases import open_database
from desks import Desk
from munshi.infrastructure.database import migrate

FOREIGN_WATCHDOG = {"x-forwarded-for": "192.0.2.7"}


def test_living_touches_nothing(api: Caller, desk: Desk) -> None:
    desk.services.database.close()
    _damage(desk)

    answer = api.get("/health/live", headers=FOREIGN_WATCHDOG)

    assert (answer.status, answer.json()) == (200, {"status": "alive"})


def test_a_desk_that_can_work_is_ready(api: Caller) -> None:
    answer = api.get("/health/ready", headers=FOREIGN_WATCHDOG)

    assert answer.status == 200
    assert answer.json() == {"status": "ready", "mode": "simulated", "database": "sqlite"}


def test_a_database_of_another_revision_is_not_ready(api: Caller, sqlite_url: str) -> None:
    other = open_database(sqlite_url)
    migrate.downgrade(other, migrate.revisions()[0])
    other.close()

    answer = api.get("/health/ready")

    assert (answer.status, slug(answer)) == (503, "database-stale")
    assert "munshi db upgrade" in answer.json()["hint"]


def test_a_database_that_cannot_be_reached_is_not_ready(api: Caller, desk: Desk) -> None:
    desk.services.database.close()
    _damage(desk)

    answer = api.get("/health/ready")

    assert answer.status == 503
    assert slug(answer) == "database-unreachable"
    assert "Traceback" not in answer.text


def test_health_is_told_in_the_words_of_health_json(api: Caller, desk: Desk) -> None:
    desk.log_in_everywhere()
    desk.services.health.sweep()

    answer = api.get("/health")
    told = answer.json()

    assert answer.headers["content-type"] == "application/health+json"
    # No worker runs beside this test, so the desk is not well.
    assert (answer.status, told["status"], told["mode"]) == (503, "fail", "simulated")
    assert list(told["checks"]) == [
        "database:responseTime",
        "disk:free",
        "workers:alive",
        "scheduler:lag",
        "backlog:age",
        "kite_session:secondsLeft",
        "breeze_session:secondsLeft",
        "kite_broker:responseTime",
        "breeze_broker:responseTime",
        "kite_circuit:failures",
        "breeze_circuit:failures",
        "clock:skew",
        "audit_seal:age",
        "candles:tradingDaysBehind",
        "sweep:age",
    ]
    [workers] = told["checks"]["workers:alive"]
    assert workers["output"] == workers["lastError"]
    assert workers["output"].startswith("No worker runs")
    assert (workers["observedValue"], workers["errorCount"]) == (0, 1)
    assert workers["time"] == workers["lastErrorTime"] == "2026-11-20T05:00:30Z"
    assert "status" not in told["checks"]["candles:tradingDaysBehind"][0]


def test_a_desk_in_which_nothing_fails_answers_200(api: Caller) -> None:
    answer = api.get("/health", headers=FOREIGN_WATCHDOG)

    assert (answer.status, answer.json()["status"]) == (200, "pass")


def test_a_stranger_is_told_which_part_fails_and_nothing_that_names_anything(
    api: Caller, desk: Desk
) -> None:
    desk.log_in_everywhere()
    desk.services.health.sweep()
    _damage(desk)
    desk.services.database.close()

    answer = api.get("/health", headers=FOREIGN_WATCHDOG)
    [database] = answer.json()["checks"]["database:responseTime"]

    assert (answer.status, database["status"], database["errorCount"]) == (503, "fail", 1)
    assert str(desk.services.settings.home) not in answer.text
    assert "output" not in answer.text
    assert "lastError" not in answer.text.replace("lastErrorTime", "")
    told = api.get("/health").json()["checks"]["database:responseTime"][0]["output"]
    assert str(desk.services.settings.home) in told


def test_a_component_has_a_past(api: Caller, desk: Desk) -> None:
    for _ in range(3):
        desk.clock.advance(timedelta(minutes=30))
        desk.services.health.sweep()

    past = api.get("/health/history/workers?limit=2").json()

    assert [sample["status"] for sample in past["samples"]] == ["fail", "fail"]
    assert [sample["error_count"] for sample in past["samples"]] == [3, 2]
    assert [(hour["hour"], hour["failures"]) for hour in past["hours"]] == [
        ("2026-11-20T06:00:00Z", 2),
        ("2026-11-20T05:00:00Z", 1),
    ]


@pytest.mark.parametrize(
    ("target", "status", "problem"),
    [
        ("/health/history/heart", 404, "health-component-unknown"),
        ("/health/history/workers?limit=0", 422, "request-invalid"),
    ],
)
def test_a_past_that_cannot_be_shown_is_refused(
    api: Caller, target: str, status: int, problem: str
) -> None:
    answer = api.get(target)

    assert (answer.status, slug(answer)) == (status, problem)


def _damage(desk: Desk) -> None:
    path = Path(str(desk.services.database.url.database))
    path.unlink()
    path.mkdir()
