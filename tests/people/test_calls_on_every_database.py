"""Cookies and keys open the gate on every database, whether a look-up needs a thread or not."""

import pytest
from fastapi import APIRouter
from starlette.requests import Request

from asgi import Caller
from crowd import OWNER, Crowd
from munshi.api.app import build_app
from munshi.api.roles import Role, allows, facts_of
from munshi.domain.people import token_hash
from munshi.settings import Settings


class Name:
    """One route, which tells callers who they are."""

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/name", self.name)

    @allows(Role.VIEWER)
    def name(self, request: Request) -> str:
        return facts_of(request).principal.name


@pytest.fixture
def caller(crowd: Crowd) -> Caller:
    crowd.add("asha")
    sessions = crowd.people.sessions
    return Caller(build_app(Settings(), crowd.clock, [Name()], sessions=sessions))


def test_a_session_opens_the_gate_until_it_ends(crowd: Crowd, caller: Caller) -> None:
    headers = {"cookie": f"munshi={crowd.sign_in('asha')}"}

    before = caller.get("/name", headers=headers)
    crowd.people.sessions.revoke_all(actor=OWNER)
    after = caller.get("/name", headers=headers)

    assert (before.status, before.json(), after.status) == (200, "asha", 401)


def test_a_key_opens_the_gate_until_it_ends(crowd: Crowd, caller: Caller) -> None:
    made = crowd.people.api_keys.create("asha", "script", groups=["name"], actor=OWNER)
    headers = {"authorization": f"Bearer {made.text}"}

    before = caller.get("/name", headers=headers)
    crowd.people.api_keys.revoke(made.key.key_id, actor=OWNER)
    after = caller.get("/name", headers=headers)

    assert (before.status, before.json(), after.status) == (200, "asha:script", 401)
    assert crowd.people.api_keys.list_keys()[0].last_used_at == crowd.clock.now()


def test_the_quick_look_up_finds_what_the_repositories_find(crowd: Crowd, caller: Caller) -> None:
    assert caller.get("/name").status == 200  # the local operator, who has neither
    token = crowd.sign_in("asha")
    key = crowd.people.api_keys.create("asha", "script", groups=["jobs"], actor=OWNER).text

    quick = crowd.people.sessions.find(token), crowd.people.sessions.find_key(key)

    with crowd.database.reading() as tx:
        now = crowd.clock.now()
        slow = (
            tx.user_sessions.get_signed_in(token_hash(token), now=now),
            tx.api_keys.get_active_key(token_hash(key), now=now),
        )
    assert quick == slow
    assert None not in quick
