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


def test_an_alert_is_acknowledged_silenced_and_shown(
    munshi: Munshi, sqlite_database: Database, clock: FakeClock
) -> None:
    raise_alert(sqlite_database, clock)

    acknowledged = munshi("alerts", "ack", "login:kite").stdout
    silenced = munshi("alerts", "silence", "login:*", "--for", "2h", "--reason", "We know.").stdout
    shown = munshi("alerts", "show", "login:kite").stdout
    [silence] = json.loads(munshi("alerts", "silences", "--json").stdout)
    munshi("alerts", "unsilence", silence["silence_id"])

    assert acknowledged == "login:kite is acknowledged.\n"
    assert silenced.startswith("Silenced until ")
    assert "Log in at Kite" in shown
    assert "looks after it." in shown
    assert "We know." in shown
    assert "nobody was told." in shown
    assert munshi("alerts", "silences").stdout == "Silences: nothing is silenced.\n"
    assert (
        "is no length of time"
        in munshi("alerts", "silence", "x", "--for", "long", "--reason", "y").stderr
    )
    assert munshi("alerts", "unsilence", "nonsense").exit_code == 1


def test_the_rules_are_listed_with_what_they_look_at(munshi: Munshi) -> None:
    listed = {each["name"]: each for each in json.loads(munshi("alerts", "rules", "--json").stdout)}

    assert listed["disk_low"]["when"]["measure"] == "free_percent"
    assert listed["session_rejected"]["when"] is None
    assert "what the desk notices" in munshi("alerts", "rules").stdout


def test_a_channel_is_added_by_standard_input_tried_and_removed(munshi: Munshi) -> None:
    url = "json://desk:hush-hush@127.0.0.1:9/"
    nonsense = munshi("alerts", "channels", "add", "phone", typed="nonsense\n")
    added = munshi("alerts", "channels", "add", "phone", "--from", "critical", typed=f"{url}\n")
    twice = munshi("alerts", "channels", "add", "phone", typed=f"{url}\n")
    [listed] = json.loads(munshi("alerts", "channels", "list", "--json").stdout)
    tried = munshi("alerts", "test", "phone")
    removed = munshi("alerts", "channels", "remove", "phone")

    assert (nonsense.exit_code, nonsense.stderr.count("\n")) == (1, 1)
    assert "munshi alerts test phone" in added.stdout
    assert "already" in twice.stderr
    assert (listed["kind"], listed["least_severity"]) == ("json", "critical")
    assert (tried.exit_code, tried.stderr.count("\n")) == (1, 1)
    assert "phone did not take it" in tried.stderr
    assert removed.stdout == "phone is removed.\n"
    assert munshi("alerts", "test", "phone").exit_code == 1
    said = "".join(each.stdout + each.stderr for each in (added, twice, tried, removed))
    assert "hush" not in said + json.dumps(listed)
