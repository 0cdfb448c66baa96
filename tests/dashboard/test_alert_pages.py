"""Alerts on pages: acknowledged, silenced and put away; channels without their addresses."""

import re
from datetime import timedelta

from asgi import Caller
from crowd import House
from dashboard.forms import HTML, post
from desks import TESTER, Desk
from munshi.dashboard.alert_pages import HISTORY_SHOWN
from munshi.domain.alerts import Severity


def _raise(desk: Desk, fingerprint: str = "job_dead:swing", *, title: str = "Swing died") -> str:
    with desk.services.database.transaction() as tx:
        tx.alerts.raise_alert(
            fingerprint,
            kind=fingerprint.partition(":")[0],
            severity=Severity.CRITICAL,
            title=title,
            now=desk.clock.now(),
        )
        found = tx.alerts.get_open_alert(fingerprint)
    assert found is not None
    return str(found.alert_id)


def test_an_alert_is_acknowledged_silenced_heard_again_and_put_away(inhabited: House) -> None:
    alert_id, omar = _raise(inhabited.desk), inhabited.browser("omar")
    alerts = inhabited.desk.services.alerts

    assert (
        "Yes, acknowledge it" in omar.get(f"/ui/alerts/{alert_id}/acknowledge", headers=HTML).text
    )
    post(omar, f"/ui/alerts/{alert_id}/acknowledge")
    form = omar.get("/ui/alerts/silences/new?pattern=job_dead%3Aswing", headers=HTML).text
    post(omar, "/ui/alerts/silences/new", pattern="job_dead:swing", reason="known", hours="4")
    (silence,) = alerts.list_silences()
    page = omar.get(f"/ui/alerts/{alert_id}", headers=HTML).text
    post(omar, f"/ui/alerts/silences/{silence.silence_id}/end")
    post(omar, f"/ui/alerts/{alert_id}/resolve")

    assert 'value="job_dead:swing"' in form
    assert silence.ends_at - inhabited.now == timedelta(hours=4)
    assert "by omar" in page
    assert "Silenced until" in page
    assert alerts.list_silences() == []
    assert alerts.list_open() == []
    after = omar.get("/ui/alerts/history", headers=HTML).text
    assert f'href="/ui/alerts/{alert_id}"' in after


def test_a_silence_without_reason_or_end_is_refused_and_nothing_typed_is_lost(
    inhabited: House,
) -> None:
    omar = inhabited.browser("omar")
    whole = {"pattern": "job_dead:*", "reason": "known", "hours": "4"}
    for wrong in ({"reason": " "}, {"hours": "9"}, {"until": "yesterday"}, {"until": "2020-01-01"}):
        answer = post(omar, "/ui/alerts/silences/new", **{**whole, **wrong})

        assert answer.status == 422, wrong
        assert 'value="job_dead:*"' in answer.text, wrong
        assert 'role="alert"' in answer.text, wrong
    assert inhabited.desk.services.alerts.list_silences() == []


def test_each_role_sees_and_does_what_it_may(inhabited: House) -> None:
    alert_id = _raise(inhabited.desk)
    vera, omar, asha = (inhabited.browser(name) for name in ("vera", "omar", "asha"))

    seen = vera.get("/ui/alerts", headers=HTML).text
    assert "Swing died" in seen
    assert "Acknowledge" not in seen
    assert vera.get("/ui/alerts/channels", headers=HTML).status == 403
    assert post(vera, f"/ui/alerts/{alert_id}/acknowledge").status == 403
    assert "Add a channel" not in omar.get("/ui/alerts/channels", headers=HTML).text
    assert post(omar, "/ui/alerts/channels/new", name="ops", url="json://h/swordfish").status == 403
    added = post(
        asha, "/ui/alerts/channels/new", name="ops", url="json://127.0.0.1:9/swordfish",
        least_severity="warning",
    )  # fmt: skip
    assert added.status == 303, added.text
    told = post(omar, "/ui/alerts/channels/ops/test").text
    assert "Test of ops: given up" in told
    shown = omar.get("/ui/alerts/channels", headers=HTML).text
    assert "swordfish" not in shown + told
    assert re.search(r"refused|unanswered", shown)
    post(asha, "/ui/alerts/channels/ops/remove")
    assert inhabited.desk.services.alert_channels.list_channels() == []


def test_all_alerts_there_were_are_reached_page_by_page(desk: Desk, local: Caller) -> None:
    with desk.services.database.transaction() as tx:
        for number in range(HISTORY_SHOWN + 3):
            tx.alerts.raise_alert(
                f"one:{number}",
                kind="one",
                severity=Severity.INFO,
                title=f"Number {number}.",
                now=desk.clock.now(),
            )

    first = local.get("/ui/alerts/history").text
    [older] = re.findall('rel="next" href="([^"]+)"', first)
    second = local.get(older.replace("&amp;", "&")).text

    seen = [re.findall(r"Number \d+\.", text) for text in (first, second)]
    assert [len(each) for each in seen] == [HISTORY_SHOWN, 3]
    assert len({*seen[0], *seen[1]}) == HISTORY_SHOWN + 3
    assert 'rel="next"' not in second
    assert 'href="/ui/alerts/history">Newest' in second
    assert local.get("/ui/alerts/history?cursor=forged").status == 422


def test_a_label_silences_every_alert_that_has_it(inhabited: House) -> None:
    omar, services = inhabited.browser("omar"), inhabited.desk.services
    rule = {"enabled": True, "labels": {"team": "data"}}
    services.config.set("alerts", "alert.job_dead", rule, actor=TESTER)
    labelled, other = _raise(inhabited.desk), _raise(inhabited.desk, "quota_high:kite")

    post(omar, "/ui/alerts/silences/new", pattern="team=da*", reason="known", hours="1")

    assert len(services.alerts.show(labelled).silences) == 1
    assert services.alerts.show(other).silences == []


def test_script_in_an_alert_is_text(desk: Desk, local: Caller) -> None:
    script = "<script>alert(1)</script>"
    alert_id = _raise(desk, "job_dead:<b>", title=script)

    for path in ("/ui/alerts", f"/ui/alerts/{alert_id}", "/ui/alerts/history", "/ui/"):
        text = local.get(path).text
        assert script not in text, path
        assert "&lt;script&gt;" in text, path
