"""People for tests: users with known passwords, hashed as cheaply as is allowed, and browsers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from asgi import HERE, Answer, Caller
from clocks import FakeClock
from desks import Desk
from munshi.api.app import create_app
from munshi.bootstrap.people import People, wire_people
from munshi.config.service import ConfigService
from munshi.domain.audit import Actor
from munshi.domain.config_keys import HASH_MEMORY_KIB, HASH_PASSES, PEOPLE
from munshi.domain.roles import Role
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.security.totp import STEP_SECONDS, one_time_code
from munshi.infrastructure.security.vault import Vault

PASSWORD = "heron lantern moss quartet"
OTHER_PASSWORD = "tin whistle under the stairs"
OWNER = Actor(user_id="owner")
VISITOR = Actor(user_id="anonymous", ip_address="192.0.2.10")
BROWSER = {"sec-fetch-site": "same-origin", "user-agent": "Browser/1.0"}


def hash_cheaply(config: ConfigService) -> None:
    config.set(PEOPLE, HASH_MEMORY_KIB, 19_456, actor=OWNER)
    config.set(PEOPLE, HASH_PASSES, 2, actor=OWNER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """The services about people, on a database alone."""

    people: People
    config: ConfigService
    database: Database
    clock: FakeClock

    def add(self, name: str, role: Role = Role.VIEWER) -> None:
        self.people.users.add(name, role, password=PASSWORD, actor=OWNER)

    def sign_in(self, name: str, code: str = "", *, actor: Actor = VISITOR) -> str:
        """The token of a new session."""
        granted = self.people.sign_ins.sign_in(name, PASSWORD, code, user_agent=None, actor=actor)
        return granted.token

    def set_up_totp(self, name: str) -> tuple[str, list[str]]:
        """Seed and recovery codes of a second factor in force; the clock is one step on."""
        who = self.people.sessions.find(self.sign_in(name))
        assert who is not None
        seed = self.people.second_factor.offer(who, actor=OWNER).seed
        code = one_time_code(seed, now=self.clock.now())
        codes = self.people.second_factor.enable(who, code, actor=OWNER)
        self.clock.advance(timedelta(seconds=STEP_SECONDS))
        return seed, codes

    def actions(self) -> list[str]:
        """What the audit trail says of people, oldest first."""
        with self.database.reading() as tx:
            found = tx.audit.get_logs_by_entity("user", "asha")
        return [entry.action for entry in reversed(found)]


def open_crowd(database: Database, clock: FakeClock, vault: Vault) -> Crowd:
    config = ConfigService(database, clock)
    hash_cheaply(config)
    people = wire_people(database, clock, vault=vault, config=config)
    return Crowd(people=people, config=config, database=database, clock=clock)


@pytest.fixture
def crowd(database: Database, clock: FakeClock, vault: Vault) -> Iterator[Crowd]:
    opened = open_crowd(database, clock, vault)
    yield opened
    opened.people.close()


@dataclass(slots=True)
class Browser:
    """A browser that keeps the cookie it was given, on a page of ours."""

    caller: Caller
    peer: tuple[str, int] = HERE
    headers: dict[str, str | None] = field(default_factory=lambda: dict(BROWSER))
    cookie: str | None = None

    def get(self, target: str, **options: Any) -> Answer:  # noqa: ANN401
        return self._ask("GET", target, options)

    def post(self, target: str, **options: Any) -> Answer:  # noqa: ANN401
        return self._ask("POST", target, options)

    def sign_in(self, name: str, password: str = PASSWORD, code: str = "") -> Answer:
        body = {"username": name, "password": password, "code": code}
        return self.post("/people/sign-in", json_body=body)

    def _ask(self, method: str, target: str, options: dict[str, Any]) -> Answer:
        headers = {**self.headers, "cookie": self.cookie, **options.pop("headers", {})}
        answer = self.caller.ask(method, target, headers=headers, peer=self.peer, **options)
        given = answer.headers.get("set-cookie")
        if given is not None:
            crumb = given.partition(";")[0]
            self.cookie = None if crumb.endswith(('=""', "=")) else crumb
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The whole API with users in it, one of each role."""

    desk: Desk
    caller: Caller

    @property
    def people(self) -> People:
        return self.desk.services.people

    @property
    def now(self) -> datetime:
        return self.desk.clock.now()

    def browser(self, name: str | None = None) -> Browser:
        """A new browser, signed in where a name is given."""
        opened = Browser(self.caller)
        if name is not None:
            assert opened.sign_in(name).status == 200
        return opened

    def api_key(self, owner: str, **scope: Any) -> str:  # noqa: ANN401
        return self.people.api_keys.create(owner, "script", actor=OWNER, **scope).text


@pytest.fixture
def house(desk: Desk) -> House:
    hash_cheaply(desk.services.config)
    for name, role in (("vera", Role.VIEWER), ("omar", Role.OPERATOR), ("asha", Role.ADMIN)):
        desk.services.people.users.add(name, role, password=PASSWORD, actor=OWNER)
    return House(desk=desk, caller=Caller(create_app(desk.services)))
