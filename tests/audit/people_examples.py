"""Examples of what people do to get in, and of what is done with users; see examples.py."""

from collections.abc import Callable
from urllib.parse import urlencode
from uuid import uuid4

from asgi import Answer, Caller
from crowd import OTHER_PASSWORD, OWNER, PASSWORD, Browser, hash_cheaply
from desks import Desk
from munshi.domain.config_keys import HASH_PASSES, PEOPLE
from munshi.domain.roles import Role
from munshi.infrastructure.security.totp import one_time_code

_FORM = {"content-type": "application/x-www-form-urlencoded"}


class Guest:
    """A new administrator, signed in, on a desk that has seen others before."""

    def __init__(self, desk: Desk, api: Caller) -> None:
        hash_cheaply(desk.services.config)
        self.desk = desk
        self.people = desk.services.people
        self.clock = desk.clock
        self.name = f"guest-{uuid4().hex[:8]}"
        self.people.users.add(self.name, Role.ADMIN, password=PASSWORD, actor=OWNER)
        self.browser = Browser(api)
        assert self.browser.sign_in(self.name).status == 200

    def post(self, path: str, body: object = None) -> Answer:
        return self.browser.post(path, json_body={} if body is None else body)

    def send_form(self, path: str, **fields: str) -> Answer:
        return self.browser.post(path, body=urlencode(fields).encode(), headers=_FORM)

    def user(self) -> str:
        """Another user, whom the guest administers."""
        name = f"user-{uuid4().hex[:8]}"
        self.people.users.add(name, Role.VIEWER, password=PASSWORD, actor=OWNER)
        return name

    def offered_code(self) -> dict[str, str]:
        seed = self.post("/people/totp/offer").json()["seed"]
        return {"code": one_time_code(seed, now=self.clock.now())}

    def with_second_factor(self) -> "Guest":
        assert self.post("/people/totp/enable", self.offered_code()).status == 200
        return self

    def key(self) -> str:
        made = self.people.api_keys.create(self.name, "script", actor=OWNER)
        return str(made.key.key_id)

    def session(self) -> str:
        found = self.browser.get("/people/sessions").json()["sessions"]
        return str(found[0]["session_id"])

    def use_link(self) -> Answer:
        token = self.people.users.reset_password(self.user(), actor=OWNER).token
        return self.send_form(
            "/ui/setup", token=token or "", password=OTHER_PASSWORD, again=OTHER_PASSWORD
        )

    def administer(self, act: str, body: object = None) -> Answer:
        return self.post(f"/users/{self.user()}/{act}", body)

    def fail_to_sign_in(self) -> None:
        self.browser.sign_in(self.name, OTHER_PASSWORD)

    def sign_in_by_an_older_hash(self, desk: Desk) -> None:
        desk.services.config.set(PEOPLE, HASH_PASSES, 3, actor=OWNER)
        assert self.browser.sign_in(self.name).status == 200


GuestCall = Callable[[Guest], Answer]
ROUTES_OF_PEOPLE: dict[tuple[str, str], GuestCall] = {
    ("POST", "/people/sign-in"): lambda on: on.browser.sign_in(on.name),
    ("POST", "/people/sign-out"): lambda on: on.post("/people/sign-out"),
    ("POST", "/people/confirm"): lambda on: on.post("/people/confirm", {"password": PASSWORD}),
    ("POST", "/people/password"): lambda on: on.post(
        "/people/password", {"old_password": PASSWORD, "new_password": OTHER_PASSWORD}
    ),
    ("POST", "/people/sessions/{session_id}/revoke"): lambda on: on.post(
        f"/people/sessions/{on.session()}/revoke"
    ),
    ("POST", "/people/totp/offer"): lambda on: on.post("/people/totp/offer"),
    ("POST", "/people/totp/enable"): lambda on: on.post("/people/totp/enable", on.offered_code()),
    ("POST", "/people/totp/disable"): lambda on: on.with_second_factor().post(
        "/people/totp/disable"
    ),
    ("POST", "/people/recovery-codes"): lambda on: on.with_second_factor().post(
        "/people/recovery-codes"
    ),
    ("POST", "/users"): lambda on: on.post("/users", {"username": f"new-{uuid4().hex[:8]}"}),
    ("POST", "/users/{username}/role"): lambda on: on.administer("role", {"role": "operator"}),
    ("POST", "/users/{username}/disable"): lambda on: on.administer("disable"),
    ("POST", "/users/{username}/enable"): lambda on: on.administer("enable"),
    ("POST", "/users/{username}/reset-password"): lambda on: on.administer("reset-password"),
    ("POST", "/users/{username}/reset-totp"): lambda on: on.administer("reset-totp"),
    ("POST", "/users/{username}/remove"): lambda on: on.administer("remove"),
    ("POST", "/api-keys"): lambda on: on.post("/api-keys", {"name": "script"}),
    ("POST", "/api-keys/{key_id}/revoke"): lambda on: on.post(f"/api-keys/{on.key()}/revoke"),
    ("POST", "/ui/setup"): lambda on: on.use_link(),
    ("POST", "/ui/sign-in"): lambda on: on.send_form(
        "/ui/sign-in", username=on.name, password=PASSWORD
    ),
    ("POST", "/ui/sign-out"): lambda on: on.send_form("/ui/sign-out"),
}


def _print_first_link(desk: Desk) -> None:
    users = desk.services.people.users.list_users()
    if users:  # of other examples
        with desk.services.database.transaction() as tx:
            for user in users:
                tx.users.delete_user(user.user_id)
    assert desk.services.people.passwords.first_link(actor=OWNER)


def _use_a_key(desk: Desk, api: Caller) -> None:
    guest = Guest(desk, api)
    text = guest.people.api_keys.create(guest.name, "script", actor=OWNER).text
    assert api.get("/people/me", headers={"authorization": f"Bearer {text}"}).status == 200


PersonalWork = Callable[[Desk, Caller], object]
WORKS_OF_PEOPLE: dict[str, PersonalWork] = {
    "the first link is printed": lambda desk, _: _print_first_link(desk),
    "a sign-in fails": lambda desk, api: Guest(desk, api).fail_to_sign_in(),
    "an older hash is renewed": lambda desk, api: Guest(desk, api).sign_in_by_an_older_hash(desk),
    "a key is used": _use_a_key,
    "everybody is signed out": lambda desk, api: Guest(desk, api).people.sessions.revoke_all(
        actor=OWNER
    ),
    "the owner sets a password": lambda desk, api: (
        guest := Guest(desk, api),
        guest.people.users.set_password(guest.name, OTHER_PASSWORD, actor=OWNER),
    ),
}
