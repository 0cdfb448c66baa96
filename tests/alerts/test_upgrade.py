"""Alerts of before they had a life cycle: open ones fire, and nobody is told of them anew."""

from datetime import timedelta

from sqlalchemy import text

from alerts.telling import Telling
from clocks import FakeClock
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database

BEFORE = "2026_11_26_masters"
# The state that stood for firing.
STATES = text('SELECT fingerprint, state FROM "Alerts" ORDER BY fingerprint')


def states(database: Database) -> list[tuple[str, str]]:
    with database.engine.connect() as connection:
        return [(row.fingerprint, row.state) for row in connection.execute(STATES)]


def test_open_alerts_go_down_and_up_as_what_they_are(telling: Telling, clock: FakeClock) -> None:
    database = telling.database
    telling.fire("fires")
    telling.fire("over")
    telling.end("over")
    telling.configure("alert.told_of", {"for_seconds": 600})
    telling.fire("pending")

    migrate.downgrade(database, BEFORE)
    below = states(database)
    migrate.upgrade(database)
    telling.add_channel("json://127.0.0.1:9/")
    clock.advance(timedelta(hours=1))

    assert below == [("fires", "open"), ("over", "resolved")]
    [alert] = telling.open()
    assert (alert.fingerprint, alert.state, alert.told) == ("fires", "firing", 0)
    assert alert.fired_at == alert.raised_at
    assert telling.plan() == 0
    telling.end("fires")
    assert telling.plan(10) == 1
