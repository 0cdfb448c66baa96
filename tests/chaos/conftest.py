"""What the chaos tests share: where they work, and how they tell of it."""

import pytest

from chaos.campaign import IS_LONG, Telling


@pytest.fixture
def telling(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Telling:
    def say(line: str) -> None:
        if not IS_LONG:
            print(line)  # noqa: T201 - pytest shows it with a failure
            return
        with capsys.disabled():
            print(f"\n  {line}")  # noqa: T201

    return Telling(request.node.name.removeprefix("test_").replace("_", " "), say)
