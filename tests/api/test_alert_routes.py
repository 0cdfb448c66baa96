"""Alerts over HTTP: who sees what, who may do what, and that no address comes out."""

from datetime import timedelta

import pytest

from asgi import Caller
from crowd import House
from desks import Desk
from munshi.api.answers import utc_text
from munshi.domain.alerts import Severity

SCRIPT = "<script>alert(1)</script>"
CHANNEL = {"name": "phone", "url": "json://desk:hush-hush@127.0.0.1:9/"}


def fire(desk: Desk, title: str = SCRIPT) -> str:
    with desk.services.database.transaction() as tx:
        tx.alerts.raise_alert(
            "login:kite",
            kind="told_of",
            severity=Severity.CRITICAL,
            title=title,
            link="http://localhost/login?ticket=t",
            now=desk.clock.now(),
        )
    return str(desk.services.alerts.list_open()[0].alert_id)


def test_an_alert_is_shown_acknowledged_and_put_away(api: Caller, desk: Desk) -> None:
    alert_id = fire(desk)

    [shown] = api.get("/alerts").json()["alerts"]
    heard = api.post(f"/alerts/{alert_id}/acknowledge").json()
    story = api.get("/alerts/login:kite").json()
    left = api.post(f"/alerts/{alert_id}/resolve").json()["alerts"]
    everything = api.get("/alerts?state=all").json()["alerts"]

    assert (shown["title"], shown["state"], shown["severity"]) == (SCRIPT, "firing", "critical")
    assert shown["link"] == "http://localhost/login?ticket=t"
    assert shown["raised_at"] == shown["fired_at"] == utc_text(desk.clock.now())
    assert heard["acknowledged_by"] == "local-operator"
    assert story["rule"]["is_enabled"] is True
    assert (left, [each["state"] for each in everything]) == ([], ["resolved"])
    assert api.post(f"/alerts/{alert_id}/resolve").status == 404


def test_a_silence_has_a_reason_and_an_end_to_come(api: Caller, desk: Desk) -> None:
    later = (desk.clock.now() + timedelta(hours=2)).isoformat()
    body = {"pattern": "login:*", "reason": SCRIPT, "ends_at": later}
    made = api.post("/alerts/silences", json_body=body).json()
    past = api.post("/alerts/silences", json_body={**body, "ends_at": "2026-11-20T04:00:00Z"})
    empty = api.post("/alerts/silences", json_body={**body, "reason": " "})
    listed = api.get("/alerts/silences").json()["silences"]
    left = api.post(f"/alerts/silences/{made['silence_id']}/end").json()["silences"]

    assert (past.status, empty.status) == (422, 422)
    assert listed == [made]
    assert (made["reason"], left) == (SCRIPT, [])
    assert api.post(f"/alerts/silences/{made['silence_id']}/end").status == 404


def test_rules_are_told_with_what_they_mean(api: Caller) -> None:
    rules = {each["name"]: each for each in api.get("/alerts/rules").json()["rules"]}

    assert rules["worker_gone"]["severity"] == "critical"
    assert rules["worker_gone"]["for_seconds"] == 60
    assert (rules["worker_gone"]["is_evaluated"], rules["login_failed"]["times"]) == (True, 2)


def test_each_role_does_what_it_may_and_no_address_comes_out(house: House) -> None:
    fire(house.desk)
    viewer, operator, admin = (house.browser(name) for name in ("vera", "omar", "asha"))

    assert viewer.get("/alerts").json()["alerts"][0]["link"] is None
    for path in ("/alerts/messages", "/alerts/channels", "/alerts/login:kite"):
        assert viewer.get(path).status == 403
        assert operator.get(path).status == 200
    assert viewer.post("/alerts/login:kite/acknowledge").status == 403
    assert operator.post("/alerts/channels", json_body=CHANNEL).status == 403
    added = admin.post("/alerts/channels", json_body=CHANNEL)
    tried = operator.post("/alerts/channels/phone/test")
    removed = admin.post("/alerts/channels/phone/remove")

    assert (added.status, tried.status, removed.status) == (200, 200, 200)
    assert tried.json()["state"] == "given_up"
    assert [each["outcome"] for each in tried.json()["deliveries"]] == ["refused"]
    assert removed.json()["channels"] == []
    told = operator.get("/alerts/messages").text
    assert "[TEST]" in told
    assert "hush" not in f"{added.text}{tried.text}{removed.text}{told}"
    house.desk.clock.advance(timedelta(minutes=11))
    late = admin.post("/alerts/channels", json_body=CHANNEL)
    assert (late.status, "password" in late.text) == (403, True)


@pytest.mark.parametrize("url", ["nonsense", "file:///etc/passwd", "foo://bar", "syslog://"])
def test_an_address_that_is_no_channel_is_refused(house: House, url: str) -> None:
    admin = house.browser("asha")

    answer = admin.post("/alerts/channels", json_body={"name": "phone", "url": url})

    assert answer.status == 422
    assert url not in answer.text
