"""The whole API over a test's desk."""

import pytest

from asgi import Answer, Caller
from desks import Desk
from munshi.api.app import create_app


@pytest.fixture
def api(desk: Desk) -> Caller:
    """Curl on this machine, against the desk."""
    return Caller(create_app(desk.services))


def slug(answer: Answer) -> str:
    """The name of the problem answered."""
    return str(answer.json()["type"]).removeprefix("/problems/")
