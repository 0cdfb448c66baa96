"""Users, keys, sessions and the cache on pages."""

import re
from datetime import timedelta
from urllib.parse import quote

from asgi import Caller
from crowd import OTHER_PASSWORD, PASSWORD, House
from dashboard.forms import HTML, post
from munshi.infrastructure.security.totp import one_time_code

SCRIPT = "<img src=x onerror=alert(1)>"


def test_a_user_is_added_changed_and_removed_and_the_link_is_shown_once(inhabited: House) -> None:
    asha, people = inhabited.browser("asha"), inhabited.people

    made = post(asha, "/ui/users/new", username="nina", role="viewer")
    wrong = post(asha, "/ui/users/new", username="nina", role="operator")
    link = re.search(r"/ui/setup\?token=([\w-]+)", made.text)
    assert link
    assert people.passwords.look_at(link[1]) is not None
    assert wrong.status == 409
    assert 'value="nina"' in wrong.text
    assert link[1] not in asha.get("/ui/users/nina", headers=HTML).text
    post(asha, "/ui/users/nina/role", role="operator")
    assert people.users.get("nina").role.word == "operator"
    post(asha, "/ui/users/nina/disable")
    assert not people.users.get("nina").is_active
    post(asha, "/ui/users/nina/enable")
    assert "token=" in post(asha, "/ui/users/nina/password").text
    omar = inhabited.browser("omar")
    post(asha, "/ui/users/omar/sessions")
    assert omar.get("/ui/jobs", headers=HTML).status == 303
    assert post(asha, "/ui/users/nina/remove").headers["location"] == "/ui/users?done=removed"
    last = post(asha, "/ui/users/asha/remove")
    assert last.status == 409
    assert "last administrator" in last.text
    for act in ("users", "users/vera", "users/new"):
        refused = inhabited.browser("vera").get(f"/ui/{act}", headers=HTML)
        assert refused.status == 403
        assert "This needs the role admin" in refused.text


def test_who_has_not_given_the_password_lately_is_asked_and_led_on(inhabited: House) -> None:
    asha = inhabited.browser("asha")
    inhabited.desk.clock.advance(timedelta(minutes=20))

    for asked in (
        asha.get("/ui/users/new", headers=HTML),
        post(asha, "/ui/users/new", username="nina", role="viewer"),
    ):
        assert asked.status == 303
        assert asked.headers["location"] == f"/ui/confirm?wanted={quote('/ui/users/new', safe='')}"
    wrong = post(asha, "/ui/confirm", password="no", wanted="/ui/users/new")
    right = post(asha, "/ui/confirm", password=PASSWORD, wanted="/ui/users/new")
    away = post(asha, "/ui/confirm", password=PASSWORD, wanted="//elsewhere.example")

    assert wrong.status == 401
    assert 'value="/ui/users/new"' in wrong.text
    assert right.headers["location"] == "/ui/users/new"
    assert away.headers["location"] == "/ui/"
    assert asha.get("/ui/users/new", headers=HTML).status == 200


def test_a_key_is_shown_once_works_and_is_revoked_by_its_owner_alone(inhabited: House) -> None:
    vera, omar = inhabited.browser("vera"), inhabited.browser("omar")

    made = post(vera, "/ui/keys/new", name=SCRIPT, role="viewer", days="30", groups="jobs data")
    assert made.status == 422
    assert SCRIPT not in made.text
    made = post(vera, "/ui/keys/new", name="script", role="viewer", days="30", groups="jobs data")
    key = re.search(r"mk_[\w-]+", made.text)
    assert key
    (stored,) = inhabited.people.api_keys.list_keys()
    revoke = f"/ui/keys/{stored.key_id}/revoke"

    assert stored.groups is not None
    assert set(stored.groups) == {"jobs", "data"}
    listed = vera.get("/ui/keys", headers=HTML).text
    assert stored.hint in listed
    assert key[0] not in listed
    bearer = {"authorization": f"Bearer {key[0]}"}
    assert inhabited.caller.get("/jobs", headers=bearer).status == 200
    assert (
        "script"
        not in omar.get("/ui/keys", headers=HTML).text.partition("<main")[2].partition("</main>")[0]
    )
    assert post(omar, revoke).status == 404
    assert post(vera, "/ui/keys/new", name="x", role="admin", days="30").status == 422
    assert post(vera, "/ui/keys/new", name="x", role="viewer", days="1e3").status == 422
    assert post(vera, revoke).headers["location"] == "/ui/keys?done=revoked"
    assert inhabited.caller.get("/jobs", headers=bearer).status == 401


def test_own_sessions_are_seen_ended_and_survive_another_password(inhabited: House) -> None:
    other, third, vera = (inhabited.browser() for _ in range(3))
    other.headers["user-agent"] = SCRIPT
    for each in (other, third, vera):
        assert each.sign_in("vera").status == 200

    page = vera.get("/ui/sessions", headers=HTML).text
    ends = re.findall(r'href="(/ui/sessions/[\w-]+/end)"', page)
    assert len(ends) == 3
    assert SCRIPT not in page
    assert "&lt;img" in page
    first = re.search(r"&lt;img.*?(/ui/sessions/[\w-]+/end)", page, re.DOTALL)
    assert first
    assert "Yes, sign out there" in vera.get(first[1], headers=HTML).text
    assert post(vera, first[1]).status == 303
    assert other.get("/ui/sessions", headers=HTML).status == 303
    again = post(vera, first[1])
    assert again.status == 404
    assert 'href="/ui/sessions"' in again.text
    post(vera, "/ui/sessions/others/end")
    assert third.get("/ui/sessions", headers=HTML).status == 303
    differs = post(vera, "/ui/password", old=PASSWORD, new=OTHER_PASSWORD, again="other")
    assert differs.status == 422
    wrong = post(vera, "/ui/password", old="no", new=OTHER_PASSWORD, again=OTHER_PASSWORD)
    assert wrong.status == 401
    done = post(vera, "/ui/password", old=PASSWORD, new=OTHER_PASSWORD, again=OTHER_PASSWORD)
    assert done.headers["location"] == "/ui/sessions?done=password"
    assert vera.get("/ui/sessions", headers=HTML).status == 200


def test_the_cache_is_cleared_by_operators_and_that_is_audited(inhabited: House) -> None:
    omar, vera = inhabited.browser("omar"), inhabited.browser("vera")
    shelf = inhabited.desk.services.cache_service.status().shelves[0].name

    assert f"/ui/cache/{shelf}/clear" in omar.get("/ui/cache", headers=HTML).text
    assert "Yes, clear it" in omar.get(f"/ui/cache/{shelf}/clear", headers=HTML).text
    assert post(omar, f"/ui/cache/{shelf}/clear").headers["location"] == "/ui/cache?done=cleared"
    assert post(omar, "/ui/cache/all/clear").status == 303
    assert "Clear" not in vera.get("/ui/cache", headers=HTML).text
    assert post(vera, "/ui/cache/all/clear").status == 403
    found = inhabited.desk.services.audit.page(entity_type="cache", user_id="omar")
    assert len(found.entries) == 2


def test_the_local_operator_has_no_sessions_and_is_told_so_on_a_page(local: Caller) -> None:
    for path in ("/ui/sessions", "/ui/keys", "/ui/password"):
        answer = local.get(path, headers={"accept": "text/html"})

        assert answer.status == 403, path
        assert "Only a person who signed in" in answer.text, path
        assert 'href="/ui/"' in answer.text, path


BAD_INPUT = [
    ("/ui/configuration/jobs/nothing", 404, "/ui/configuration"),
    ("/ui/configuration/nothing/x", 404, "/ui/configuration"),
    ("/ui/configuration/jobs/" + "x" * 300, 422, "/ui/configuration"),
    ("/ui/configuration/revisions/999999", 404, "/ui/configuration"),
    ("/ui/configuration/revisions/9" + "9" * 40, 422, "/ui/configuration"),
    ("/ui/configuration/revisions?before=0", 422, "/ui/configuration"),
    ("/ui/audit/99999999999999999999999", 404, "/ui/audit"),
    ("/ui/audit/999999", 404, "/ui/audit"),
    ("/ui/audit/x", 404, "/ui/audit"),
    ("/ui/audit?cursor=99999999999999999999", 422, "/ui/audit"),
    ("/ui/audit?since=yesterday", 422, "/ui/audit"),
    ("/ui/audit?since=2026-11-20&until=2026-11-19", 422, "/ui/audit"),
    ("/ui/audit?action=" + "x" * 300, 422, "/ui/audit"),
    ("/ui/alerts/nothing", 404, "/ui/alerts"),
    ("/ui/alerts/00000000-0000-7000-8000-000000000000/acknowledge", 404, "/ui/alerts"),
    ("/ui/alerts/x/explode", 404, "/ui/alerts"),
    ("/ui/alerts/silences/x/end", 404, "/ui/alerts"),
    ("/ui/alerts/channels/nothing/test", 404, "/ui/alerts"),
    ("/ui/cache/nothing/clear", 404, "/ui/cache"),
]


def test_bad_input_has_a_page_with_a_way_on(local: Caller) -> None:
    for path, status, way_on in BAD_INPUT:
        answer = local.get(path, headers={"accept": "text/html"})

        assert answer.status == status, (path, answer.text)
        assert answer.headers["content-type"].startswith("text/html"), path
        assert f'href="{way_on}"' in answer.text.partition("<main")[2], path


def test_a_second_factor_is_set_up_used_and_ended_on_pages(inhabited: House) -> None:
    vera, other = inhabited.browser("vera"), inhabited.browser("vera")
    page = "/ui/second-factor"
    assert "None: your password alone" in vera.get(page, headers=HTML).text
    assert "Yes, show me a seed" in vera.get(f"{page}/set-up", headers=HTML).text

    offered = post(vera, f"{page}/set-up")
    seed = re.search(r'id="once"[^>]*>([A-Z2-7 ]+)<', offered.text)
    assert seed
    assert f"secret={seed[1].replace(' ', '')}" in offered.text
    assert offered.headers["cache-control"] == "no-store"
    wrong = post(vera, f"{page}/code", code=SCRIPT)
    assert wrong.status == 401
    assert "not the one this seed shows" in wrong.text
    assert SCRIPT not in wrong.text
    now = inhabited.desk.clock.now()
    made = post(vera, f"{page}/code", code=one_time_code(seed[1], now=now))
    codes = re.findall(r"(?:[A-Z2-7]{6}-){3}[A-Z2-7]{6}", made.text)
    assert len(codes) == 10

    assert "In force" in vera.get(page, headers=HTML).text
    assert "10 recovery codes left" in vera.get(page, headers=HTML).text
    assert other.get(page, headers=HTML).status == 303
    assert post(vera, f"{page}/set-up").status == 409
    assert inhabited.browser().sign_in("vera").status == 401
    assert inhabited.browser().sign_in("vera", code=codes[0]).status == 200
    assert "9 recovery codes left" in vera.get(page, headers=HTML).text
    anew = post(vera, f"{page}/recovery-codes").text
    assert codes[1] not in anew
    inhabited.desk.clock.advance(timedelta(minutes=20))
    for asked in (vera.get(f"{page}/end", headers=HTML), post(vera, f"{page}/end")):
        assert asked.headers["location"] == f"/ui/confirm?wanted={quote(f'{page}/end', safe='')}"
    again = one_time_code(seed[1], now=inhabited.desk.clock.now())
    post(vera, "/ui/confirm", password=PASSWORD, code=again, wanted=f"{page}/end")
    ended = post(vera, f"{page}/end")
    assert ended.headers["location"] == f"{page}?done=factor-ended"
    assert inhabited.browser().sign_in("vera").status == 200
    assert post(vera, f"{page}/code", code="123456").status == 409
    assert vera.get(f"{page}/nothing", headers=HTML).status == 422
