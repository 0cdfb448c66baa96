"""The first run on pages, without scripts: each step shows how the desk stands."""

from urllib.parse import urlencode

import pytest

from asgi import Answer, Caller
from crowd import OWNER, PASSWORD, Browser, House, hash_cheaply
from desks import TESTER, Desk
from munshi.dashboard.schedule_plain_words import PLAIN_WORDS
from munshi.dashboard.site import Site
from munshi.domain.enums import Service
from munshi.domain.seeded_schedules import SEEDED_SCHEDULES

FORM = {
    "accept": "text/html",
    "sec-fetch-site": "same-origin",
    "content-type": "application/x-www-form-urlencoded",
}
KITE = "/ui/first-run/brokers/kite"
SEED = "GEZDGNBVGY3TQOJQ"
WHOLE = {
    "api_key": "livekey",
    "api_secret": "canary-secret",
    "user_id": "AB1234",
    "headless": "yes",
    "password": "canary-password",
    "totp_seed": SEED,
}


def _post(browser: Browser, target: str, typed: object) -> Answer:
    body = urlencode(typed, doseq=True).encode()  # type: ignore[arg-type]
    return browser.post(target, body=body, headers=FORM)


def test_the_link_leads_to_the_first_run_and_a_used_one_to_the_command_for_another(
    desk: Desk, site: Site
) -> None:
    hash_cheaply(desk.services.config)
    browser = Browser(Caller(site.app))
    token = desk.services.people.passwords.first_link(actor=OWNER)
    typed = {"token": token, "username": "asha", "password": PASSWORD, "again": PASSWORD}

    stored = _post(browser, "/ui/setup", typed)
    used = browser.get(f"/ui/setup?token={token}", headers={"accept": "text/html"})

    assert stored.headers["location"] == "/ui/sign-in?chosen=1&wanted=/ui/first-run"
    assert used.status == 403
    for way_on in ("munshi users add", "munshi users reset-password", 'href="/ui/sign-in"'):
        assert way_on in used.text


WRONG = [
    ({"api_secret": ""}, ["api_secret"]),
    ({"api_key": " ", "api_secret": ""}, ["api_key", "api_secret"]),
    ({"user_id": "", "password": ""}, ["user_id", "password"]),
    ({"totp_seed": "123456"}, ["totp_seed"]),
]


def test_credentials_are_stored_sealed_and_what_is_wrong_is_beside_its_field(
    inhabited: House,
) -> None:
    asha, config = inhabited.browser("asha"), inhabited.desk.services.config

    for changed, marked in WRONG:
        answer = _post(asha, KITE, {**WHOLE, **changed})
        assert answer.status == 422
        assert [name for name in WHOLE if f'id="wrong-{name}"' in answer.text] == marked
        assert "canary" not in answer.text
    assert not config.secret("auth", "kite.api_secret")
    stored = _post(asha, KITE, WHOLE)

    assert stored.headers["location"] == f"{KITE}?done=credentials"
    assert config.secret("auth", "kite.totp_seed") == SEED
    assert config.value("auth", "kite.headless") is True
    taken_back = {name: WHOLE[name] for name in ("api_key", "api_secret")}
    assert _post(asha, KITE, taken_back).status == 303
    assert not config.secret("auth", "kite.password")
    assert config.value("auth", "kite.headless") is False
    assert "canary" not in asha.get(KITE, headers={"accept": "text/html"}).text


def test_ticked_schedules_go_on_the_others_pause_and_it_ends_on_today(inhabited: House) -> None:
    asha, services = inhabited.browser("asha"), inhabited.desk.services
    services.config.seed(actor=TESTER)
    shown = [view.name for view in services.schedules.list_all()]
    text = asha.get("/ui/first-run/schedules", headers={"accept": "text/html"}).text
    assert [name for name in shown if f'value="{name}"' not in text] == []

    chosen = ["health_sweep", "morning_brief"]
    done = _post(asha, "/ui/first-run/schedules", {"shown": shown, "on": chosen})

    assert done.headers["location"] == "/ui/?done=first-run"
    assert "The desk is set up" in asha.get("/ui/?done=first-run").text
    assert [view.name for view in services.schedules.list_all() if view.enabled] == chosen


def test_every_schedule_that_comes_with_munshi_has_plain_words() -> None:
    assert PLAIN_WORDS.keys() == {seed.name for seed in SEEDED_SCHEDULES}


def test_the_overview_tells_how_each_step_stands(inhabited: House) -> None:
    asha = inhabited.browser("asha")
    before = asha.get("/ui/first-run", headers={"accept": "text/html"}).text
    inhabited.desk.log_in(Service.KITE)
    after = asha.get("/ui/first-run", headers={"accept": "text/html"}).text

    assert "Next: Kite" in before
    assert "Next: Breeze" in after
    assert "signed in as Simulated Trader" in after


@pytest.mark.parametrize("path", ["/ui/first-run", KITE, "/ui/first-run/schedules"])
def test_a_viewer_does_not_set_up(inhabited: House, path: str) -> None:
    assert inhabited.browser("vera").get(path, headers={"accept": "text/html"}).status == 403
