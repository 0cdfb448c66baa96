"""Who is told what, and when: groups, silences, quiet hours, repeats. Nothing is sent here."""

from datetime import timedelta

import pytest

from alerts.telling import BASE, Telling
from munshi.domain.alert_delivery import MessageState
from munshi.domain.alerts import Severity
from munshi.domain.audit import Actor
from munshi.errors import AlertSilenceInvalidError, AlertSilenceUnknownError, AlertUnknownError

ASHA = Actor(user_id="asha")
NOWHERE = "json://127.0.0.1:9/"


def titles(telling: Telling) -> list[str]:
    return [each.message.title for each in telling.messages]


def arrive(telling: Telling) -> None:
    """All that waits is taken by its channel."""
    now = telling.clock.now()
    with telling.database.transaction() as tx:
        for message in tx.alert_outbox.list_due(now=now):
            tx.alert_outbox.step(message, MessageState.SENT, not_before=None, now=now)


def test_alerts_of_one_kind_are_gathered_and_told_once_each_channel(telling: Telling) -> None:
    telling.add_channel(NOWHERE, "phone", Severity.WARNING)
    telling.add_channel(NOWHERE, "mail", Severity.INFO)
    telling.add_channel(NOWHERE, "siren", Severity.CRITICAL)
    telling.fire("one", title="One.")
    early = telling.plan(5)
    telling.fire("two", title="Two.")
    telling.fire("three", kind="other", title="Three.", severity=Severity.INFO)
    made = [telling.plan(5), telling.plan(5), telling.plan(5)]

    assert (early, made) == (0, [2, 1, 0])
    told = {(each.message.channel, each.message.title) for each in telling.messages}
    assert told == {
        ("phone", "[WARNING] 2 alerts of told of"),
        ("mail", "[WARNING] 2 alerts of told of"),
        ("mail", "[INFO] Three."),
    }
    assert BASE in telling.messages[0].message.body


KITE, BREEZE = "login:kite", "login:breeze"


@pytest.mark.parametrize(
    ("group_by", "titles_told"),
    [
        (
            None,  # kind and broker
            ["[CRITICAL] 2 alerts of login", "[WARNING] Login b.", "[WARNING] Quota k."],
        ),
        (["kind"], ["[CRITICAL] 3 alerts of login", "[WARNING] Quota k."]),
        (["broker"], ["[CRITICAL] 3 alerts: broker kite", "[WARNING] Login b."]),
        (["team"], ["[CRITICAL] 3 alerts of login", "[WARNING] Quota k."]),
        (["team", "nothing such"], ["[CRITICAL] 3 alerts of login", "[WARNING] Quota k."]),
        (["severity", "source"], ["[CRITICAL] Again k.", "[WARNING] 3 alerts: severity warning"]),
        ([], ["[CRITICAL] 4 alerts"]),
    ],
)
def test_alerts_are_gathered_by_what_the_configuration_names(
    quick_telling: Telling, group_by: list[str] | None, titles_told: list[str]
) -> None:
    telling = quick_telling
    if group_by is not None:
        telling.configure("delivery.group_by", group_by)
    telling.configure("alert.login", {"labels": {"team": "access"}})
    telling.add_channel(NOWHERE)
    telling.fire(KITE, kind="login", title="Login k.")
    telling.fire(BREEZE, kind="login", title="Login b.")
    telling.fire("again:kite", kind="login", title="Again k.", severity=Severity.CRITICAL)
    telling.fire("quota:kite_calls", kind="quota", title="Quota k.")
    telling.plan(10)

    assert sorted(titles(telling)) == sorted(titles_told)
    told = "".join(each.message.body for each in telling.messages)
    assert all(told.count(f"{said}\n") == 1 for said in ("Login k.", "Login b.", "Quota k."))
    assert telling.plan(60) == 0


def test_repeats_of_a_group_come_together_and_none_later_than_its_time(telling: Telling) -> None:
    """Two fired seven minutes apart, a third one minute before the first is due again."""
    telling.add_channel(NOWHERE)
    for fingerprint, wait in ((KITE, 7 * 60 - 10), ("again:kite", 7 * 60 - 10), ("new:kite", 0)):
        telling.fire(fingerprint, title=f"{fingerprint}.", severity=Severity.CRITICAL)
        telling.plan(10)
        arrive(telling)
        telling.plan(wait)
    before = len(telling.messages)
    telling.plan(51)
    telling.plan(10)
    arrive(telling)
    [first] = telling.messages[before:]
    telling.plan(15 * 60 - 10)
    telling.plan(10)

    assert first.message.title == "[CRITICAL] 2 alerts of told of"
    assert first.message.body.count("Still so, not acknowledged.") == 2
    assert [each.message.title for each in telling.messages[before + 1 :]] == [
        "[CRITICAL] 3 alerts of told of"
    ]


def test_what_begins_and_ends_at_once_is_told_as_over(telling: Telling) -> None:
    telling.add_channel(NOWHERE)
    telling.fire()
    telling.end()

    assert telling.plan(10) == 1
    assert titles(telling) == ["[RESOLVED] Kite ended the login."]


def test_a_critical_alert_is_repeated_until_somebody_acknowledges_it(telling: Telling) -> None:
    telling.add_channel(NOWHERE)
    telling.fire(severity=Severity.CRITICAL)
    first = telling.plan(10)
    early = telling.plan(14 * 60)
    telling.plan(60)
    unheard = telling.plan(10)
    arrive(telling)
    telling.plan(15 * 60)
    again = telling.plan(10)
    telling.service.acknowledge("login:kite", actor=ASHA)
    heard = [telling.plan(3600), telling.plan(3600)]
    telling.end()
    over = telling.plan(10)

    assert (first, early, again, heard, over) == (1, 0, 1, [0, 0], 1)
    assert unheard == 0  # a channel that takes nothing does not pile repeats up
    assert "Still so, not acknowledged." in telling.messages[1].message.body
    [alert] = telling.service.list_recent()
    assert (alert.acknowledged_by, alert.told) == ("asha", 4)


def test_a_repeat_that_was_acknowledged_meanwhile_is_not_told(telling: Telling) -> None:
    telling.add_channel(NOWHERE)
    telling.fire(severity=Severity.CRITICAL)
    telling.plan(10)
    arrive(telling)
    telling.plan(15 * 60)  # the repeat is noted, and gathered for some seconds
    telling.service.acknowledge("login:kite", actor=ASHA)

    assert telling.plan(10) == 0


def test_what_is_silenced_is_told_when_the_silence_ends_unless_it_is_over(
    telling: Telling,
) -> None:
    telling.add_channel(NOWHERE)
    until = telling.clock.now() + timedelta(hours=1)
    telling.service.silence("log*", reason="We know.", ends_at=until, actor=ASHA)
    telling.service.silence("unmatched", reason="We know.", ends_at=until, actor=ASHA)
    telling.fire("login:kite", title="Stays.", severity=Severity.CRITICAL)
    telling.fire("login:breeze", title="Goes.")
    telling.end("login:breeze")
    silent = [telling.plan(10), telling.plan(1800), telling.plan(1200)]
    [*_, alert] = telling.open()
    telling.clock.advance(timedelta(minutes=10))

    assert silent == [0, 0, 0]
    assert alert.told == 1  # repeats do not pile up behind a silence
    assert telling.plan() == 1
    assert titles(telling) == ["[CRITICAL] Stays."]
    assert telling.service.list_silences() == []


def test_a_silence_can_be_ended_and_must_make_sense(telling: Telling) -> None:
    now = telling.clock.now()
    made = telling.service.silence(
        "x", reason=" two\nlines ", ends_at=now + timedelta(days=1), actor=ASHA
    )
    telling.service.end_silence(made.silence_id, actor=ASHA)

    assert made.reason == "two lines"
    assert telling.service.list_silences() == []
    with pytest.raises(AlertSilenceUnknownError, match="munshi alerts silences"):
        telling.service.end_silence(made.silence_id, actor=ASHA)
    for pattern, reason, ends_at in (
        (" ", "why", now + timedelta(days=1)),
        ("x" * 201, "why", now + timedelta(days=1)),
        ("x", "\n", now + timedelta(days=1)),
        ("x", "why", now),
    ):
        with pytest.raises(AlertSilenceInvalidError):
            telling.service.silence(pattern, reason=reason, ends_at=ends_at, actor=ASHA)
    with telling.database.reading() as tx:
        rows = tx.audit.get_logs_by_entity("alert_silence", str(made.silence_id))
    assert sorted(each.action for each in rows) == ["created", "ended"]


def test_quiet_hours_hold_back_what_can_wait(telling: Telling) -> None:
    """It is 10:00 IST; the night begins at once for information only."""
    telling.configure("delivery.quiet_hours", {"info": {"from": "09:00", "to": "10:30"}})
    telling.add_channel(NOWHERE)
    telling.fire("one", severity=Severity.INFO, kind="a", title="Can wait.")
    telling.fire("two", severity=Severity.WARNING, kind="b", title="Cannot.")
    at_once = telling.plan(10)
    telling.plan(600)
    before = titles(telling)
    telling.plan(1200)

    assert (at_once, before) == (1, ["[WARNING] Cannot."])
    assert titles(telling) == ["[WARNING] Cannot.", "[INFO] Can wait."]


def test_without_a_channel_nothing_waits_for_ever(telling: Telling) -> None:
    telling.fire()
    telling.plan(10)
    telling.add_channel(NOWHERE)

    assert telling.plan(10) == 0


def test_an_alert_tells_its_whole_story(telling: Telling) -> None:
    telling.add_channel(NOWHERE)
    telling.fire()
    telling.plan(10)
    [alert] = telling.open()
    story = telling.service.show("login:kite")
    telling.end()

    assert [each.message.title for each in story.messages] == ["[WARNING] Kite ended the login."]
    assert telling.service.show(str(alert.alert_id)).alert.state == "resolved"
    for unknown in ("login:kite", "no uuid", str(alert.alert_id).replace("-", "0")):
        with pytest.raises(AlertUnknownError, match="munshi alerts"):
            telling.service.show(unknown)
