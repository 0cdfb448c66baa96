"""Whatever anybody asks of any call: an answer as described, and never more than allowed."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias, cast

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from requests import Request
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.openapi import from_dict
from schemathesis.schemas import APIOperation

from apis import slug
from asgi import Answer, Caller
from crowd import OWNER, PASSWORD, Browser, hash_cheaply
from desks import open_desk
from munshi.api.app import create_app
from munshi.api.roles import Role
from munshi.domain.config_keys import API, RATE_LIMIT_PER_MINUTE
from munshi.settings import LocalTrust, load_settings
from simulators import Simulator

EXAMPLES = 12
DRAWN = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# They go on for as long as somebody listens, and have tests of their own.
LASTING = "text/event-stream"
REFUSED = (401, 403)
# Some calls are failed sign-ins, and those make the next one wait.
AFTER_FAILURES = timedelta(hours=1)
SENT = frozenset({"content-type", "content-length", "if-match", "last-event-id"})
JSON = "application/json"
Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
Asked: TypeAlias = Case[Any]


class Visitor:
    """Somebody of one role, who asks an API for what Schemathesis thinks of."""

    def __init__(self, caller: Caller, description: dict[str, Any], role: Role) -> None:
        self._caller = caller
        self._description = description
        self._role = role
        self._signed_in: dict[str, str | None] = {}
        self._shapes: dict[str, jsonschema_rs.Validator] = {}
        self.asked = 0

    @property
    def is_out(self) -> bool:
        """Whether they must sign in: at first, and where a call ended their session."""
        if self._role is Role.PUBLIC:
            return False
        me = self._caller.get("/people/me", headers=self._signed_in) if self._signed_in else None
        return me is None or me.status != 200

    def sign_in(self) -> None:
        if self._role is not Role.PUBLIC:
            browser = Browser(self._caller)
            assert browser.sign_in(self._role.name.lower()).status == 200
            self._signed_in = {**browser.headers, "cookie": browser.cookie}

    def operations(self) -> Iterator[Operation]:
        for found in from_dict(self._description).get_all_operations():
            assert isinstance(found, Ok), found
            operation = found.ok()
            if LASTING not in self._contents(operation, "200"):
                yield operation

    def check(self, case: Asked) -> None:
        """Raise AssertionError for an answer that is not as described or too much for the role."""
        answer = self._ask(case)
        self.asked += 1
        called = f"{case.method} {case.formatted_path}"
        needed = Role[self._described(case.operation)["x-role"].upper()]
        if self._role < needed:
            # The gate looks at the address first; that one was none.
            refused = answer.status in REFUSED or slug(answer) == "path-unknown"
            assert refused, f"{called} let {self._role.name} in: {answer}"
        assert answer.status < 500, f"{called}: {answer}"
        if answer.status >= 400:
            assert answer.headers["content-type"] == "application/problem+json", answer
            assert answer.json()["status"] == answer.status
        elif answer.headers.get("content-type") == JSON:
            self._check_shape(case.operation, answer)

    def _ask(self, case: Asked) -> Answer:
        wanted = case.as_transport_kwargs(base_url="http://localhost:8000")
        wanted.pop("cookies", None)
        request = Request(**wanted).prepare()
        headers = {name.lower(): str(value) for name, value in request.headers.items()}
        body = request.body or b""
        return self._caller.ask(
            str(request.method),
            str(request.path_url),
            headers={
                **self._signed_in,
                **{name: headers[name] for name in SENT & headers.keys()},
            },
            body=body.encode() if isinstance(body, str) else cast("bytes", body),
        )

    def _described(self, operation: Operation) -> dict[str, Any]:
        found: dict[str, Any] = self._description["paths"][operation.path][operation.method]
        return found

    def _contents(self, operation: Operation, status: str) -> dict[str, Any]:
        responses = self._described(operation)["responses"]
        contents: dict[str, Any] = responses.get(status, {}).get("content", {})
        return contents

    def _check_shape(self, operation: Operation, answer: Answer) -> None:
        shape = self._contents(operation, str(answer.status)).get(JSON, {}).get("schema")
        if shape is not None:
            named = f"{operation.label} {answer.status}"
            if named not in self._shapes:
                whole = {**shape, "components": self._description["components"]}
                self._shapes[named] = jsonschema_rs.validator_for(whole)
            self._shapes[named].validate(answer.json())


@contextmanager
def open_visitor(role: Role, migrated: Path, home: Path, simulator: Simulator) -> Iterator[Visitor]:
    """Somebody of `role` on a desk of their own, where nobody is trusted for being here."""
    home.mkdir()
    shutil.copy(migrated, home / "munshi.db")
    nobody_trusted = load_settings(
        _env_file=None,
        home=home,
        database_url=f"sqlite:///{home / 'munshi.db'}",
        env_file=home / ".env",
        local_trust=LocalTrust.OFF,
    )
    with open_desk(nobody_trusted, simulator) as desk:
        hash_cheaply(desk.services.config)
        desk.services.config.set(API, RATE_LIMIT_PER_MINUTE, 1_000_000, actor=OWNER)
        # The admin is not alone, so that nothing is refused for the last one's sake.
        for name in ("viewer", "operator", "admin", "other"):
            rank = Role.ADMIN if name == "other" else Role[name.upper()]
            desk.services.people.users.add(name, rank, password=PASSWORD, actor=OWNER)
        app = create_app(desk.services)
        description = json.loads(json.dumps(app.openapi()))
        yield Visitor(Caller(app), description, role)


@pytest.fixture
def visitors(migrated_file: Path, simulator: Simulator, tmp_path: Path) -> Iterator[list[Visitor]]:
    """One of each role."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(open_visitor(role, migrated_file, tmp_path / role.name, simulator))
            for role in Role
        ]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_call_answers_as_described_and_lets_nobody_do_more_than_their_role(
    visitors: list[Visitor],
    mode: GenerationMode,
    simulator: Simulator,
    subtests: pytest.Subtests,
) -> None:
    for operation in visitors[0].operations():
        with subtests.test(operation.label):
            if any(visitor.is_out for visitor in visitors):
                simulator.clock.advance(AFTER_FAILURES)
                for visitor in visitors:
                    visitor.sign_in()
            strategy = operation.as_strategy(generation_mode=mode)

            # Drawing costs more than asking, so all roles are asked the same.
            @DRAWN
            @given(case=strategy)
            def ask(case: Asked) -> None:
                for visitor in visitors:
                    visitor.check(case)

            with suppress(Unsatisfiable):  # nothing can be wrong with a call that takes nothing
                ask()
    assert all(visitor.asked > EXAMPLES * 20 for visitor in visitors)
