"""Health over HTTP."""

from pathlib import Path

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


def _damage(desk: Desk) -> None:
    path = Path(str(desk.services.database.url.database))
    path.unlink()
    path.mkdir()
