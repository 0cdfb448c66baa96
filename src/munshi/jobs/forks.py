"""Keeps a handler in a thread from forking the worker, whose locks and connections it would copy.

What it forked ends at once. Programs started with subprocess are no forks of this kind.
"""

import inspect
import os
from contextvars import ContextVar
from functools import cache

from munshi.errors import JobForkedError
from munshi.infrastructure.platform import watch_forks
from munshi.jobs.stops import JobStopped

FORKED = 70


class without_forks:  # noqa: N801 - it is used like a function, once for every job: no generator
    """Within, whatever this thread forks leaves at once with exit code 70.

    Raises JobForkedError at the end, instead of what else the handler raises, unless that says
    that the job was stopped.
    """

    __slots__ = ("_token", "has_forked")

    def __init__(self) -> None:
        self.has_forked = False

    def __enter__(self) -> None:
        _watch()
        self._token = _handler.set(self)

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: object
    ) -> None:
        _handler.reset(self._token)
        if self.has_forked and not isinstance(error, JobStopped):
            raise _refusal() from error


_handler: ContextVar[without_forks | None] = ContextVar("munshi_unforked_handler", default=None)


def _refusal() -> JobForkedError:
    return JobForkedError(
        "A handler must not fork: what it forks would share the worker's database connections.",
        hint="Let the job type run in a process, or start a program with subprocess.",
    )


@cache
def _watch() -> None:
    """Once in a process, because it cannot be undone."""
    watch_forks(in_parent=_in_parent, in_child=_in_child)


def _in_parent() -> None:
    handler = _handler.get()
    if handler is not None and not _is_subprocess():
        handler.has_forked = True


def _in_child() -> None:
    if _handler.get() is not None and not _is_subprocess():
        os._exit(FORKED)


def _is_subprocess() -> bool:
    """Whether subprocess forks, as it does with `preexec_fn`: another program follows."""
    frame = inspect.currentframe()
    # Of this function, of the one that asks, and of whoever forked.
    for _ in range(2):
        frame = frame.f_back if frame is not None else None
    return frame is not None and frame.f_globals.get("__name__") == "subprocess"
