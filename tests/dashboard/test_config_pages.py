"""Settings on pages: a form made of the shape, nothing lost, and the second of two is told."""

import re

from crowd import Browser, House
from dashboard.forms import HTML, post

KEEP_DAYS = "/ui/configuration/jobs/keep_days"
BACKLOG = "/ui/configuration/alerts/alert.backlog_old"


def _version(browser: Browser, path: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', browser.get(path, headers=HTML).text)
    assert found, path
    return found[1]


def test_a_setting_is_changed_seen_in_its_history_and_brought_back(inhabited: House) -> None:
    omar, config = inhabited.browser("omar"), inhabited.desk.services.config
    before = config.value("jobs", "keep_days")

    for days in ("45", "46"):
        stored = post(omar, KEEP_DAYS, version=_version(omar, KEEP_DAYS), value=days)
        assert stored.headers["location"] == f"{KEEP_DAYS}?done=stored"
    page = omar.get(KEEP_DAYS, headers=HTML).text
    found = re.search(r'href="(/ui/configuration/revisions/[^"]+)"', page)
    assert found
    way_back = found[1].replace("&amp;", "&")
    preview = omar.get(way_back, headers=HTML).text
    current = re.search(r'name="current" value="(\d+)"', preview)
    assert current
    back = post(omar, way_back, current=current[1], config_type="jobs", config_key="keep_days")

    assert "<del>" in page
    assert "46" in preview
    assert "45" in preview
    assert back.headers["location"] == f"{KEEP_DAYS}?done=back"
    assert config.value("jobs", "keep_days") == 45
    asked = omar.get(f"{KEEP_DAYS}/default", headers=HTML)
    assert "Yes, put the default back" in asked.text
    post(omar, f"{KEEP_DAYS}/default", version=_version(omar, KEEP_DAYS))
    assert config.value("jobs", "keep_days") == before


def test_what_is_wrong_is_said_beside_it_and_what_was_typed_stands(inhabited: House) -> None:
    omar, config = inhabited.browser("omar"), inhabited.desk.services.config
    cases = [
        (KEEP_DAYS, {"value": "many"}, "many", "keep_days must be a whole number"),
        (KEEP_DAYS, {"value": "99999999"}, "99999999", "keep_days must be from 1 to"),
        (KEEP_DAYS, {}, "", "keep_days must be a whole number"),
        (BACKLOG, {"value.severity": "loud"}, "", "severity must be one of"),
        (BACKLOG, {"value.enabled": "true", "value.when": "{1"}, "{1", "when must be an object"),
        ("/ui/configuration/auth/kite.headless", {"value": "maybe"}, "", "true or false"),
        ("/ui/configuration/auth/kite.api_secret", {"value": ""}, "", "Nothing was typed"),
    ]
    for path, fields, typed, said in cases:
        answer = post(omar, path, version=_version(omar, path), **fields)

        assert answer.status == 422, (path, answer.text)
        assert said in answer.text, path
        assert 'aria-invalid="true"' in answer.text, path
        assert typed in answer.text, path
    assert config.view("jobs", "keep_days").version == 0


def test_the_second_of_two_is_told_and_keeps_what_they_typed(inhabited: House) -> None:
    omar, asha = inhabited.browser("omar"), inhabited.browser("asha")
    seen = _version(omar, KEEP_DAYS)
    post(asha, KEEP_DAYS, version=seen, value="50")

    late = post(omar, KEEP_DAYS, version=seen, value="60")
    unsaid = post(omar, KEEP_DAYS, value="60")

    assert late.status == 412
    assert "Somebody changed this meanwhile" in late.text
    assert "asha" in late.text
    assert 'value="60"' in late.text
    assert unsaid.status == 412
    assert inhabited.desk.services.config.value("jobs", "keep_days") == 50
    again = post(omar, KEEP_DAYS, version=_version(omar, KEEP_DAYS), value="60")
    assert again.status == 303


def test_a_document_has_a_field_for_each_part(inhabited: House) -> None:
    omar, config = inhabited.browser("omar"), inhabited.desk.services.config

    stored = post(
        omar,
        BACKLOG,
        version=_version(omar, BACKLOG),
        **{"value.severity": "critical", "value.for_seconds": "60", "value.enabled": "false"},
    )

    assert stored.status == 303, stored.text
    assert config.value("alerts", "alert.backlog_old") == {
        "severity": "critical",
        "for_seconds": 60,
        "enabled": False,
    }


def test_a_secret_goes_in_and_never_comes_out(inhabited: House) -> None:
    asha, path = inhabited.browser("asha"), "/ui/configuration/auth/kite.api_secret"

    stored = post(asha, path, version=_version(asha, path), value="swordfish-secret")

    assert stored.status == 303
    for page in (path, "/ui/configuration", "/ui/configuration/revisions"):
        text = asha.get(page, headers=HTML).text
        assert "swordfish" not in text, page
    assert inhabited.desk.services.config.secret("auth", "kite.api_secret") == "swordfish-secret"


def test_each_role_changes_what_it_may(inhabited: House) -> None:
    vera, omar, asha = (inhabited.browser(name) for name in ("vera", "omar", "asha"))
    idle = "/ui/configuration/auth/session_idle_minutes"

    assert 'name="version"' not in vera.get(KEEP_DAYS, headers=HTML).text
    assert post(vera, KEEP_DAYS, version=0, value="45").status == 403
    assert 'name="version"' not in omar.get(idle, headers=HTML).text
    refused = post(omar, idle, version=0, value="45")
    assert refused.status == 403
    assert 'href="/ui/configuration"' in refused.text
    assert post(asha, idle, version=_version(asha, idle), value="45").status == 303
