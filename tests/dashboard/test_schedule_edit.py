"""A schedule changed on a page: shown before it is stored, and nothing typed is lost."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest

from asgi import Answer
from crowd import Browser, House
from desks import TESTER

HTML = {"accept": "text/html", "sec-fetch-site": "same-origin"}
FORM = {**HTML, "content-type": "application/x-www-form-urlencoded"}
EDIT, SAVE = "/ui/schedules/kite_login/edit", "/ui/schedules/kite_login/save"


def _typed(browser: Browser, **changed: str) -> dict[str, str]:
    """All that the form sends, as a browser reads it, with some of it changed."""
    text = browser.get(EDIT, headers=HTML).text
    found = {
        name: unescape(value)
        for name, value in re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', text)
    }
    for name, inside in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', text):
        chosen = re.search(r'value="([^"]*)" selected', inside)
        found[name] = chosen[1] if chosen else ""
    written = re.search(r"<textarea[^>]*>(.*?)</textarea>", text, re.DOTALL)
    assert written is not None
    found["parameters"] = unescape(written[1])
    return {**found, **changed}


def _post(browser: Browser, target: str, typed: dict[str, str]) -> Answer:
    return browser.post(target, body=urlencode(typed).encode(), headers=FORM)


# What is changed of the form, the field that is marked, and what is said there.
WRONG = [
    ({"times": "25:00"}, "times", "not a time from 00:00"),
    ({"times": ""}, "times", "must be a list of times"),
    ({"kind": "cron", "expression": "5 6 * *"}, "expression", "4 fields instead of five"),
    ({"kind": "cron", "expression": "0 0 31 2 *"}, "expression", "never due"),
    ({"kind": "cron", "expression": "5 6 * * *", "zone": "Mars/Base"}, "zone", "no time zone"),
    ({"kind": "interval", "every": "often"}, "every", "a whole number, not &#39;often&#39;"),
    ({"kind": "interval", "every": "5", "anchor": "noon"}, "anchor", "a point in time"),
    ({"kind": "market", "offset": "9999"}, "offset", "from -720 to 720"),
    ({"kind": "market", "event": "at", "at": "x"}, "at", "not a time"),
    ({"kind": "market", "days": "expiry"}, "underlying", "must not be empty"),
    ({"kind": "moon"}, "kind", "one of times, cron"),
    ({"grace": "-1"}, "grace", "from 0 to 86400"),
    ({"policy": "run_all", "most": "0"}, "most", "from 1 to 100"),
    ({"priority": "high"}, "priority", "a whole number"),
    ({"queue": "nowhere"}, "queue", "There is no queue"),
    ({"parameters": "{"}, "parameters", "must be JSON"),
    ({"parameters": '{"service": "<script>"}'}, "parameters", "&lt;script&gt;"),
]


@pytest.mark.usefixtures("schedule")
def test_what_is_wrong_is_said_beside_its_field_and_stores_nothing(inhabited: House) -> None:
    omar = inhabited.browser("omar")
    before = inhabited.desk.services.schedules.get("kite_login")
    typed = _typed(omar)

    for changed, field, said in WRONG:
        for target in (EDIT, SAVE):
            answer = _post(omar, target, {**typed, **changed})

            assert answer.status == 422, (changed, answer.text)
            beside = re.search(rf'id="wrong-{field}"[^>]*>([^<]*)<', answer.text)
            assert beside is not None, (changed, target)
            assert said in beside[1], (changed, beside[1])
            assert f'aria-describedby="wrong-{field}"' in answer.text, changed
    assert inhabited.desk.services.schedules.get("kite_login") == before


@pytest.mark.usefixtures("schedule")
def test_the_page_between_shows_the_next_runs_and_saving_is_audited(inhabited: House) -> None:
    omar, schedules = inhabited.browser("omar"), inhabited.desk.services.schedules
    typed = _typed(omar, times="7:05 09:00", weekdays_only="")

    shown = _post(omar, EDIT, typed)
    assert schedules.get("kite_login").timing == "at 06:15 and 07:35 IST, Monday to Friday"
    again = _post(omar, EDIT, {**typed, "again": "yes"})
    saved = _post(omar, SAVE, typed)

    assert shown.status == 200
    next_runs = re.search(r'id="next">(.*?)</dd>', shown.text)
    assert next_runs is not None
    assert next_runs[1].count("<time") == 5
    assert next_runs[1].count("07:05:00 IST") >= 2
    assert "<td>06:15, 07:35</td><td>7:05 09:00</td>" in shown.text
    assert 'value="7:05 09:00"' in again.text
    assert (saved.status, saved.headers["location"]) == (
        303,
        "/ui/schedules/kite_login?done=saved",
    )
    assert schedules.get("kite_login").timing == "at 07:05 and 09:00 IST, every day"
    with inhabited.desk.services.database.reading() as tx:
        newest = tx.audit.get_logs_by_entity("config", "scheduler/schedule.kite_login")[0]
    assert newest.user_id == "omar"


@pytest.mark.usefixtures("schedule")
def test_who_was_slower_keeps_what_they_typed_and_sees_what_differs(inhabited: House) -> None:
    omar, schedules = inhabited.browser("omar"), inhabited.desk.services.schedules
    typed = _typed(omar, times="09:00")
    schedules.pause("kite_login", actor=TESTER)

    for target in (EDIT, SAVE):
        slower = _post(omar, target, typed)

        assert slower.status == 412
        assert "Somebody changed this schedule meanwhile" in slower.text
        assert "<td>Starts by itself</td><td>(empty)</td><td>yes</td>" in slower.text
        assert 'value="09:00"' in slower.text
    assert not schedules.get("kite_login").enabled
    version = re.search(r'name="version" value="(\d+)"', slower.text)
    assert version is not None
    assert _post(omar, SAVE, {**typed, "version": version[1]}).status == 303
    assert schedules.get("kite_login").enabled


@pytest.mark.usefixtures("schedule")
def test_every_kind_of_trigger_goes_through_the_form_unchanged(inhabited: House) -> None:
    omar, services = inhabited.browser("omar"), inhabited.desk.services
    services.config.seed(actor=TESTER)

    for view in services.schedules.list_all():
        page = f"/ui/schedules/{view.name}/edit"
        text = omar.get(page, headers=HTML).text
        assert f"Edit {view.name}" in text
    kinds = [
        {"kind": "cron", "expression": "5 6 * * 1", "zone": "Europe/London"},
        {"kind": "interval", "every": 5, "unit": "hours", "anchor": "2026-11-25T09:15:00+05:30"},
        {"kind": "market", "segment": "fno", "event": "close", "offset_minutes": -5},
        {"kind": "market", "at": ["10:00"], "days": "expiry", "underlying": "NIFTY"},
    ]
    for trigger in kinds:
        document = {
            "job_type": "auto_login",
            "parameters": {"service": "kite"},
            "trigger": trigger,
            "missed": {"policy": "run_all", "most": 3},
            "enabled": False,
        }
        stored = services.schedules.set("kite_login", document, actor=TESTER)
        shown = _post(omar, EDIT, _typed_of(omar))
        assert "Nothing differs from what is stored." in shown.text, trigger
        assert _post(omar, SAVE, _typed_of(omar)).status == 303
        assert services.schedules.get("kite_login").schedule == stored.schedule


def _typed_of(browser: Browser) -> dict[str, str]:
    """As `_typed`, but boxes that are not ticked are not sent."""
    text, typed = browser.get(EDIT, headers=HTML).text, _typed(browser)
    boxes = re.findall(r'<input type="checkbox"[^>]* name="(\w+)"[^>]*>', text)
    ticked = re.findall(r'<input type="checkbox"[^>]* name="(\w+)"[^>]* checked>', text)
    return {name: value for name, value in typed.items() if name in ticked or name not in boxes}


def test_a_viewer_may_look_only(inhabited: House, schedule: str) -> None:
    vera = inhabited.browser("vera")

    assert vera.get(EDIT, headers=HTML).status == 403
    assert _post(vera, SAVE, {"times": "09:00"}).status == 403
    assert "/edit" not in vera.get(f"/ui/schedules/{schedule}", headers=HTML).text
