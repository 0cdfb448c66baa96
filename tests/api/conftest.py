"""Whatever a test of the API does, no secret may be found in what it leaves behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from desks import Desk
from leak_watch import LeakWatch


@pytest.fixture(autouse=True)
def nothing_leaks(request: pytest.FixtureRequest, migrated_file: Path) -> Iterator[None]:
    """Search each answer, the log at DEBUG and every file of the desk's home, if there is one."""
    if "desk" not in request.fixturenames:
        yield
        return
    desk: Desk = request.getfixturevalue("desk")
    watch = LeakWatch()
    with watch.listening():
        yield
    assert watch.find(desk.services, untouched=migrated_file.read_bytes()) == []
