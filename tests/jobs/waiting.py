"""Waiting for what other threads and processes do."""

import time
from collections.abc import Callable

SECONDS = 60.0


def until(happened: Callable[[], bool], *, seconds: float = SECONDS) -> None:
    """Look every hundredth of a second. Fails when it has not happened after `seconds`."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
