"""The child's end of the pipes to its worker, kept out of the handler's way."""

import io
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from queue import SimpleQueue
from typing import Self

from munshi.jobs.child_messages import CUT_OFF, Message, decode, encode

_STANDARD = (0, 1, 2)
_CHUNK = 65_536


class ChildWire:
    """What a worker hears from this process, and what it says to it.

    Standard input, output and errors are the handler's: nothing, and a pipe that the worker
    reads into the job's log. The worker's own pipes have other numbers, which no program that
    the handler starts inherits.
    """

    def __init__(self, *, control: int, messages: int, output: int, nothing: int) -> None:
        self._control = control
        self._messages = messages
        self._output = output
        self._nothing = nothing
        self._identity = _identity(messages)
        self._sending = threading.Lock()
        self._asking = threading.Lock()
        self.replies: SimpleQueue[Message] = SimpleQueue()

    @classmethod
    def take_over(cls) -> Self:
        """Move this process's standard input and output, as its worker gave them, out of reach."""
        wire = cls(
            control=os.dup(0),
            messages=os.dup(1),
            output=os.dup(2),
            nothing=os.open(os.devnull, os.O_RDWR),
        )
        wire.open_standard()
        return wire

    def open_standard(self) -> None:
        """Give the next handler standard streams, whatever the one before did to them."""
        try:
            for number, source in zip(
                _STANDARD, (self._nothing, self._output, self._output), strict=True
            ):
                os.dup2(source, number)
        except OSError:
            os._exit(CUT_OFF)
        sys.stdin = os.fdopen(0, closefd=False)
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(
                os.fdopen(number, "wb", closefd=False),
                encoding="utf-8",
                errors="backslashreplace",
                line_buffering=True,
            )
            for number in (1, 2)
        )

    def close_output(self, mark: str) -> None:
        """Say where the job's output ends."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # the handler may have closed or replaced it
                stream.flush()
        self._write(self._output, f"\n{mark}\n".encode())

    def send(self, message: Mapping[str, object]) -> None:
        """Raises what `encode` does; a handler that closed the pipe ends this process."""
        line = encode(message)
        with self._sending:
            # Whatever the handler opened under this number must not get our messages.
            if _identity(self._messages) != self._identity:
                os._exit(CUT_OFF)
            self._write(self._messages, line)

    def ask(self, message: Mapping[str, object]) -> Message:
        """Send `message` and wait for the worker's reply."""
        with self._asking:
            self.send(message)
            return self.replies.get()

    def heard(self) -> Iterator[Message]:
        """What the worker says, until it is gone or done with this process."""
        rest = b""
        try:
            while data := os.read(self._control, _CHUNK):
                *lines, rest = (rest + data).split(b"\n")
                yield from map(decode, lines)
        except (OSError, ValueError):
            os._exit(CUT_OFF)

    def _write(self, descriptor: int, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            os._exit(CUT_OFF)


def _identity(descriptor: int) -> tuple[int, int, int] | None:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_mode, found.st_dev, found.st_ino
