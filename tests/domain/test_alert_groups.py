"""What alerts say of themselves, and which are told again together."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from munshi.domain.alert_groups import due_again, group_key, words_of
from munshi.domain.alert_rules import LabelNames
from munshi.domain.alerts import Alert, Severity
from munshi.errors import ConfigValueInvalidError

NOW = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def alert(fingerprint: str = "login:kite", *, minutes_ago: int = 0, **labels: str) -> Alert:
    return Alert(
        alert_id=uuid4(),
        fingerprint=fingerprint,
        kind="login",
        severity=Severity.CRITICAL,
        state="firing",
        title="Kite ended the login.",
        link=None,
        subject=None,
        raised_at=NOW,
        resolved_at=None,
        told_at=NOW - timedelta(minutes=minutes_ago),
        labels=labels,
    )


@pytest.mark.parametrize(
    ("told", "names", "key"),
    [
        (alert(), (), ()),
        (alert(), ("kind", "severity"), ("login", "critical")),
        (alert("quota:kite_calls_a_day"), ("broker",), ("kite",)),
        (alert("broker_login:simulated:breeze"), ("broker",), ("breeze",)),
        (alert("job_dead:kitesurfing"), ("broker",), ("",)),
        (alert(broker="both"), ("broker",), ("both",)),
        (alert(team="data"), ("team", "desk"), ("data", "")),
        (alert(), ("source", "subject"), ("", "")),
        (alert(), ("fingerprint", "alert_id", "__class__"), ("", "", "")),
    ],
)
def test_an_alert_says_its_labels_and_its_own_words(
    told: Alert, names: tuple[str, ...], key: tuple[str, ...]
) -> None:
    assert group_key(told, names) == key


def test_what_a_group_has_in_common_is_told_without_what_nobody_says() -> None:
    said = words_of(alert(team="data"), ("broker", "desk", "team"))

    assert said == "broker kite, team data"


@pytest.mark.parametrize(
    ("minutes_ago", "again"),
    [
        ((14,), ()),
        ((15,), (15,)),
        ((15, 8), (15, 8)),
        ((15, 7), (15,)),
        ((14, 8), ()),
        ((40, 15, 9, 1), (40, 15, 9)),
    ],
)
def test_with_one_that_is_due_go_those_told_half_as_long_ago(
    minutes_ago: tuple[int, ...], again: tuple[int, ...]
) -> None:
    group = [alert(minutes_ago=each) for each in minutes_ago]
    other = alert("login:breeze", minutes_ago=14)

    due = due_again([*group, other], ("broker",), every=QUARTER, now=NOW)

    assert due == group[: len(again)]


@pytest.mark.parametrize("value", [[], ["kind"], ["kind", "broker", "my team"]])
def test_any_few_names_may_be_grouped_by(value: object) -> None:
    LabelNames().check(value, name="x")


@pytest.mark.parametrize("value", ["kind", None, [1], [""], ["a", "a"], ["x"] * 21, ["y" * 51]])
def test_what_is_no_list_of_names_is_refused(value: object) -> None:
    with pytest.raises(ConfigValueInvalidError):
        LabelNames().check(value, name="x")
