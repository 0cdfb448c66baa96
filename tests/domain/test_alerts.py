"""Alerts as a state machine, their rules, and the rule of delivery: pure tables, no clock."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from munshi.domain.alert_delivery import (
    DeliveryOutcome,
    MessageState,
    Told,
    after_try,
    backoff,
    body_of,
    dedupe_key,
    is_quiet,
    plain,
    title_of,
)
from munshi.domain.alert_rules import (
    RULE_SHAPE,
    AlertRule,
    Condition,
    Fact,
    covered_components,
    judge,
    read_rule,
)
from munshi.domain.alerts import (
    Alert,
    AlertPolicy,
    AlertState,
    NoticeEvent,
    Severity,
    Standing,
    observe,
)
from munshi.domain.seeded_alerts import SEEDED_ALERTS, rules_in_force
from munshi.errors import ConfigValueInvalidError
from munshi.health.checks import CHECKS, COMPONENTS

START = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
SEEN, GONE = True, False
OFF, P, F, R = AlertState.INACTIVE, AlertState.PENDING, AlertState.FIRING, AlertState.RESOLVED

# For each policy: what is seen at which second, and the state afterwards.
LIVES: dict[str, tuple[AlertPolicy, list[tuple[int, bool | None, AlertState]]]] = {
    "at once": (AlertPolicy(), [(0, GONE, OFF), (1, SEEN, F), (2, SEEN, F), (3, GONE, R)]),
    "over is over": (AlertPolicy(), [(0, SEEN, F), (1, GONE, R), (2, GONE, R), (3, None, R)]),
    "a new one begins where one was resolved": (
        AlertPolicy(lasting=timedelta(seconds=9)),
        [(0, SEEN, P), (9, SEEN, F), (10, GONE, R), (11, SEEN, P)],
    ),
    "for a while": (
        AlertPolicy(lasting=timedelta(seconds=60)),
        [(0, SEEN, P), (59, SEEN, P), (60, SEEN, F), (61, GONE, R)],
    ),
    "time alone makes it fire": (
        AlertPolicy(lasting=timedelta(seconds=60)),
        [(0, SEEN, P), (30, None, P), (60, None, F)],
    ),
    "a pause begins anew": (
        AlertPolicy(lasting=timedelta(seconds=60)),
        [(0, SEEN, P), (40, GONE, OFF), (50, SEEN, P), (100, SEEN, P), (110, SEEN, F)],
    ),
    "so many times": (
        AlertPolicy(times=2),
        [(0, SEEN, P), (500, None, P), (900, SEEN, F), (901, GONE, R)],
    ),
    "both": (
        AlertPolicy(times=3, lasting=timedelta(seconds=10)),
        [(0, SEEN, P), (1, SEEN, P), (2, SEEN, P), (9, None, P), (10, None, F)],
    ),
    "kept firing": (
        AlertPolicy(keep_firing=timedelta(seconds=60)),
        [(0, SEEN, F), (10, GONE, F), (40, GONE, F), (69, None, F), (70, None, R)],
    ),
    "flapping is one alert": (
        AlertPolicy(keep_firing=timedelta(seconds=60)),
        [(0, SEEN, F), (10, GONE, F), (50, SEEN, F), (60, GONE, F), (119, GONE, F), (120, GONE, R)],
    ),
    "nobody looking changes nothing": (
        AlertPolicy(),
        [(0, None, OFF), (1, SEEN, F), (99_999, None, F)],
    ),
}


@pytest.mark.parametrize("name", LIVES)
def test_what_is_seen_becomes_what_the_table_says(name: str) -> None:
    policy, steps = LIVES[name]
    standing = Standing()
    for second, seen, expected in steps:
        now = START + timedelta(seconds=second)
        standing = observe(standing, seen=seen, policy=policy, now=now)
        assert standing.state is expected, (second, seen)


def fact(source: str = "health", name: str = "disk", **measures: float) -> Fact:
    return Fact(source=source, name=name, says="It is so.", measures=measures)


@pytest.mark.parametrize(
    ("condition", "what", "holds"),
    [
        (Condition(source="health", measure="free", below=10), fact(free=9.9), True),
        (Condition(source="health", measure="free", below=10), fact(free=10), False),
        (Condition(source="health", measure="free", above=10), fact(free=10), False),
        (Condition(source="health", measure="free", above=10), fact(free=10.1), True),
        (Condition(source="health", measure="other", above=0), fact(free=10.1), False),
        (Condition(source="jobs", measure="free", above=0), fact(free=1), False),
        (Condition(source="health", names="d*", measure="free", above=0), fact(free=1), True),
        (Condition(source="health", names="w*", measure="free", above=0), fact(free=1), False),
        (Condition(source="health", but="a disk", measure="free", above=0), fact(free=1), False),
        (
            Condition(source="health", status="warn"),
            Fact(source="health", name="x", says="", status="fail"),
            True,
        ),
        (
            Condition(source="health", status="fail"),
            Fact(source="health", name="x", says="", status="warn"),
            False,
        ),
        (
            Condition(source="health", status="warn"),
            Fact(source="health", name="x", says="", status="unknown"),
            False,
        ),
    ],
)
def test_a_condition_holds_of_what_it_is_about(
    condition: Condition, what: Fact, *, holds: bool
) -> None:
    rule = AlertRule(name="r", when=condition)
    assert [each for _, each in judge([rule], [what], is_trading_day=True)] == [what] * holds


def test_a_rule_for_trading_days_rests_on_others_and_so_does_one_that_is_off() -> None:
    condition = Condition(source="health", measure="free", above=0, trading_days=True)
    rule, off = AlertRule(name="r", when=condition), AlertRule(name="o", is_enabled=False)

    assert len(list(judge([rule, off], [fact(free=1)], is_trading_day=True))) == 1
    assert list(judge([rule, off], [fact(free=1)], is_trading_day=False)) == []


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"when": {"source": "moon", "status": "warn"}}, "must be one of health"),
        ({"when": {"source": "health"}}, "must have one of above, below, status"),
        ({"when": {"source": "health", "above": 1, "below": 2}}, "must have one of"),
        ({"when": {"source": "health", "above": 1}}, "lacks measure"),
        ({"when": {"source": "health", "measure": "x", "above": 0.5}}, "must be a whole number"),
        ({"labels": {"team": 5}}, "must be text"),
        ({"labels": {str(n): "x" for n in range(21)}}, "at most 20 labels"),
        ({"for_seconds": -1}, "must be from 0"),
        ({"times": 0}, "must be from 1"),
        ({"page": "@elsewhere.example/"}, "must be a path of this desk"),
        ({"page": "//elsewhere.example/"}, "must be a path of this desk"),
        ({"unless": True}, "has no field"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_one_sentence(
    document: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ConfigValueInvalidError, match=complaint):
        RULE_SHAPE.check(document, name="alerts/alert.x")


def test_the_seeded_rules_fit_their_shape_and_look_at_what_there_is() -> None:
    for seed in SEEDED_ALERTS:
        RULE_SHAPE.check(seed.document, name=seed.name)
    rules = rules_in_force({"disk_low": {"enabled": False}})

    assert covered_components(rules.values(), COMPONENTS) == {
        *("backlog", "workers", "disk", "database")
    }
    assert not rules["disk_low"].is_enabled
    assert {seed.name for seed in SEEDED_ALERTS} == rules.keys()
    assert {check.component for check in CHECKS} >= {"backlog", "workers", "disk", "database"}


@pytest.mark.parametrize(
    ("outcome", "severity", "tries", "state", "wait"),
    [
        (DeliveryOutcome.SENT, Severity.CRITICAL, 1, MessageState.SENT, None),
        (DeliveryOutcome.REFUSED, Severity.INFO, 1, MessageState.WAITING, 15),
        (DeliveryOutcome.REFUSED, Severity.WARNING, 3, MessageState.WAITING, 60),
        (DeliveryOutcome.REFUSED, Severity.WARNING, 5, MessageState.GIVEN_UP, None),
        # In doubt it may have arrived: what informs is left, what warns is sent again.
        (DeliveryOutcome.UNANSWERED, Severity.INFO, 1, MessageState.UNSURE, None),
        (DeliveryOutcome.BEGUN, Severity.INFO, 1, MessageState.UNSURE, None),
        (DeliveryOutcome.UNANSWERED, Severity.WARNING, 1, MessageState.WAITING, 15),
        (DeliveryOutcome.BEGUN, Severity.CRITICAL, 2, MessageState.WAITING, 30),
        (DeliveryOutcome.BEGUN, Severity.CRITICAL, 5, MessageState.GIVEN_UP, None),
    ],
)
def test_the_rule_of_delivery(
    outcome: DeliveryOutcome,
    severity: Severity,
    tries: int,
    state: MessageState,
    wait: int | None,
) -> None:
    step = after_try(outcome, severity=severity, tries=tries, most_tries=5, now=START)

    assert step.state is state
    assert step.not_before == (None if wait is None else START + timedelta(seconds=wait))


def test_waits_double_up_to_a_quarter_of_an_hour() -> None:
    assert [backoff(n).total_seconds() for n in (1, 2, 6, 7, 500)] == [15, 30, 480, 900, 900]


@pytest.mark.parametrize(
    ("hours", "at", "quiet"),
    [
        ({"from": "22:00", "to": "07:00"}, "21:59", False),
        ({"from": "22:00", "to": "07:00"}, "22:00", True),
        ({"from": "22:00", "to": "07:00"}, "06:59", True),
        ({"from": "22:00", "to": "07:00"}, "07:00", False),
        ({"from": "12:00", "to": "13:00"}, "12:30", True),
        ({"from": "12:00", "to": "13:00"}, "13:00", False),
        ({"from": "12:00", "to": "12:00"}, "12:00", False),
    ],
)
def test_quiet_hours_are_indian_and_may_go_over_midnight(
    hours: dict[str, str], at: str, *, quiet: bool
) -> None:
    now = datetime.fromisoformat(f"2026-11-20T{at}:00+05:30")

    assert is_quiet({"info": hours}, Severity.INFO, now=now) is quiet
    assert not is_quiet({"info": hours}, Severity.CRITICAL, now=now)


def alert(title: str = "Kite ended the login.", **given: object) -> Alert:
    fields: dict[str, object] = {
        "alert_id": UUID(int=7),
        "fingerprint": "broker_login:kite",
        "kind": "session_rejected",
        "severity": Severity.CRITICAL,
        "state": "firing",
        "link": None,
        "subject": None,
        "raised_at": START,
        "resolved_at": None,
    }
    return Alert(title=title, **(fields | given))  # type: ignore[arg-type]


def test_a_message_says_what_since_when_what_it_means_and_where_it_is_mended() -> None:
    rule = read_rule("session_rejected", {"means": "Nothing works.", "page": "/ui/"})
    told = [Told(alert=alert(labels={"team": "options"}), event=NoticeEvent.FIRED)]

    body = body_of(told, {rule.name: rule}, base_url="http://desk", mode="simulated")

    assert title_of(told) == "[CRITICAL] Kite ended the login."
    assert body.splitlines() == [
        "Kite ended the login.",
        "Critical, since 20 Nov 2026 10:00:00 IST.",
        "For today: Nothing works.",
        "Mend it: http://desk/ui/",
        "team: options",
        f"It is repeated until: munshi alerts ack {UUID(int=7)}",
        "",
        "Munshi, simulated brokers. http://desk/ui/alerts",
    ]


def test_many_are_told_together_with_a_bound() -> None:
    told = [Told(alert=alert(f"Number {n}."), event=NoticeEvent.FIRED) for n in range(25)]

    assert title_of(told) == "[CRITICAL] 25 alerts of session rejected"
    body = body_of(told, {}, base_url="http://desk", mode="live")
    assert "Number 19." in body
    assert "Number 20." not in body
    assert "And 5 more" in body


def test_what_is_over_says_so() -> None:
    over = alert(resolved_at=START + timedelta(hours=1), link="http://desk/login")
    told = [Told(alert=over, event=NoticeEvent.RESOLVED)]

    body = body_of(told, {}, base_url="http://desk", mode="live")

    assert title_of(told).startswith("[RESOLVED] ")
    assert "Over since 20 Nov 2026 11:00:00 IST" in body
    assert "login\n" not in body  # nothing is left to mend


def test_text_of_others_stays_one_line_of_text() -> None:
    said = "<script>alert(1)</script>\r\nBcc: all@example.test\x00\x1b[31m \u202eevil"

    assert plain(said) == "<script>alert(1)</script> Bcc: all@example.test[31m evil"
    assert plain("x" * 9, longest=5) == "xxxx…"


def test_a_dedupe_key_is_of_the_channel_and_the_set() -> None:
    one, two = UUID(int=1), UUID(int=2)

    assert dedupe_key(one, [one, two]) == dedupe_key(one, [two, one])
    assert dedupe_key(one, [one]) != dedupe_key(two, [one])
