"""What lets people in stands nowhere but where it was told: not in a file, a log or an answer."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from crowd import BROWSER, OTHER_PASSWORD, OWNER, PASSWORD, Browser, House
from leak_watch import LeakWatch
from munshi.infrastructure.security.totp import STEP_SECONDS, one_time_code

WRONG = "typed into the wrong field"


def token_of(browser: Browser) -> str:
    assert browser.cookie is not None
    return browser.cookie.partition("=")[2]


def come_and_go(house: House) -> list[str]:
    """Everything people do to get in and to change how; the secrets of it."""
    admin, omar = house.browser("asha"), house.browser("omar")
    secrets = [PASSWORD, OTHER_PASSWORD, WRONG, token_of(admin), token_of(omar)]
    house.browser().sign_in(WRONG, WRONG)
    house.browser().sign_in("omar", WRONG, code=WRONG)
    seed = omar.post("/people/totp/offer").json()["seed"]
    proof = {"code": one_time_code(seed, now=house.now)}
    codes = omar.post("/people/totp/enable", json_body=proof).json()["recovery_codes"]
    house.desk.clock.advance(timedelta(seconds=STEP_SECONDS))
    again = {"password": PASSWORD, "code": codes[0]}
    omar.post("/people/confirm", json_body=again)
    secrets += [seed, *codes, *(code.replace("-", "") for code in codes), token_of(omar)]
    change = {"old_password": PASSWORD, "new_password": OTHER_PASSWORD}
    omar.post("/people/password", json_body=change)
    key = omar.post("/api-keys", json_body={"name": "script"}).json()["api_key"]
    link = admin.post("/users", json_body={"username": "devi"}).json()["link"]
    token = link.partition("token=")[2]
    secrets += [token_of(omar), key, token]
    form = {"token": token, "password": OTHER_PASSWORD, "again": OTHER_PASSWORD}
    kind = {"content-type": "application/x-www-form-urlencoded"}
    house.browser().post("/ui/setup", body=urlencode(form).encode(), headers=kind)
    house.browser().post("/ui/setup", body=urlencode(form).encode(), headers=kind)
    house.caller.post("/jobs/cleanup", headers={"authorization": f"Bearer {key}"})
    house.caller.post("/jobs/cleanup", headers={"authorization": f"Bearer x{key}"})
    look_around(admin)
    return secrets


def look_around(admin: Browser) -> None:
    paths = ("/users", "/api-keys", "/people/sessions", "/people/me", "/audit/recent", "/ui/")
    for path in (*paths, "/config/all", "/metrics", "/health", "/nowhere"):
        admin.get(path)
    admin.post("/people/confirm", json_body={"password": [WRONG]})
    admin.post("/people/sign-out")


def test_nothing_that_lets_people_in_is_left_lying_about(house: House) -> None:
    watch = LeakWatch()

    with watch.listening():
        secrets = come_and_go(house)

    assert len(set(secrets)) > 25
    assert len(watch.places) > 10
    assert watch.find(house.desk.services, also=set(secrets)) == []


def test_a_token_that_is_planted_is_found(house: House) -> None:
    watch = LeakWatch()
    planted: dict[str, Any] = {**BROWSER, "cookie": None}

    with watch.listening():
        browser = house.browser("omar")
        token = token_of(browser)
        house.caller.get(f"/problems/{token}", headers=planted)
        with house.desk.services.database.transaction() as tx:
            tx.audit.log("test", "plant", details={"token": token}, actor=OWNER, now=house.now)

    found = watch.find(house.desk.services, also=[token])
    assert any("/problems/" in hit for hit in found)
    assert any(hit.startswith("munshi.db") for hit in found)
