"""What a handler prints in a thread of the worker goes into its job's log."""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO, cast

from munshi.errors import JobOutputExcessiveError
from munshi.jobs.output_lines import OutputLines

_printing: ContextVar["output_kept | None"] = ContextVar("munshi_printing_job", default=None)


class output_kept:  # noqa: N801 - it is used like a function, once for every job: no generator
    """Within, `keep` is given each line that this thread prints, if `route_output` is in force.

    Raises JobOutputExcessiveError from the print that is too much, and at the end if a handler
    swallowed that.
    """

    __slots__ = ("_is_excessive", "_keep", "_lines", "_lock", "_token")

    def __init__(self, keep: Callable[[str], object]) -> None:
        self._keep = keep
        self._lines: OutputLines | None = None
        self._lock = threading.RLock()
        self._is_excessive = False

    def __enter__(self) -> None:
        self._token = _printing.set(self)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        _printing.reset(self._token)
        if self._lines is None:
            return
        with self._lock:
            self._keep_all(self._lines.finish())
        if self._is_excessive and kind is None:
            self.write("")

    def write(self, text: str) -> None:
        with self._lock:
            if self._lines is None:
                self._lines = OutputLines()
            try:
                lines = self._lines.feed(text)
            except JobOutputExcessiveError:
                self._is_excessive = True
                raise
            self._keep_all(lines)

    def _keep_all(self, lines: list[str]) -> None:
        # What keeps a line may print itself: that is no job's.
        token = _printing.set(None)
        try:
            for line in lines:
                self._keep(line)
        finally:
            _printing.reset(token)


@contextmanager
def route_output() -> Iterator[None]:
    """Once in a worker process. What no job's thread prints goes where it always went.

    So does what a handler's own threads print, and what programs it starts print.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", _Routed(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Routed:
    """A standard stream that a job's thread may be writing to."""

    def __init__(self, real: TextIO) -> None:
        self._real = real

    def write(self, text: str) -> int:
        printed = _printing.get()
        if printed is None:
            return self._real.write(text)
        printed.write(str(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if _printing.get() is None:
            self._real.flush()

    def close(self) -> None:
        """The stream is the worker's; a handler cannot close it."""

    @property
    def buffer(self) -> Any:  # noqa: ANN401 - the real stream's own, or one for text as bytes
        return self._real.buffer if _printing.get() is None else _RoutedBytes(self)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the real stream has
        return getattr(self._real, name)


class _RoutedBytes:
    """The same for bytes."""

    def __init__(self, routed: _Routed) -> None:
        self._routed = routed

    def write(self, data: bytes) -> int:
        self._routed.write(bytes(data).decode(errors="replace"))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""
