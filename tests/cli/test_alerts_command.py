"""`munshi alerts`: what needs a person, and putting it away."""

import json

from clocks import FakeClock
from command_line import Munshi
from munshi.domain.alerts import Severity
from munshi.infrastructure.database.engine import Database


def raise_alert(database: Database, clock: FakeClock) -> None:
    with database.transaction() as tx:
        tx.alerts.raise_alert(
            "login:kite",
            kind="login_needed",
            severity=Severity.WARNING,
            title="Log in at Kite",
            link="http://localhost:8000/login",
            now=clock.now(),
        )


def test_a_quiet_desk_says_so(munshi: Munshi) -> None:
    assert munshi("alerts").stdout == "Alerts: nothing needs you.\n"
    assert munshi("alerts", "--all").stdout == "Alerts: there were none.\n"
    assert json.loads(munshi("alerts", "--json").stdout) == []


def test_an_open_alert_is_shown_and_put_away(
    munshi: Munshi, sqlite_database: Database, clock: FakeClock
) -> None:
    raise_alert(sqlite_database, clock)

    shown = munshi("alerts").stdout
    resolved = munshi("alerts", "resolve", "login:kite")
    after = json.loads(munshi("alerts", "--all", "--json").stdout)

    assert "Log in at Kite" in shown
    assert "http://localhost:8000/login" in shown
    assert resolved.stdout == "login:kite is resolved.\n"
    assert [alert["state"] for alert in after] == ["resolved"]
    assert munshi("alerts").stdout == "Alerts: nothing needs you.\n"


def test_an_alert_that_is_not_open_is_one_line_on_stderr(munshi: Munshi) -> None:
    result = munshi("alerts", "resolve", "login:kite")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "There is no open alert 'login:kite'." in result.stderr
