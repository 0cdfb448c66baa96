"""The worker's end of one child process: its pipes, its memory and its end."""

import codecs
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from io import BufferedReader
from queue import Full, Queue
from typing import IO, Self, cast

import psutil

from munshi.errors import JobOutputExcessiveError
from munshi.infrastructure.platform import OWN_SESSION, is_in_session, kill_session
from munshi.jobs.child_messages import LONGEST_MESSAGE, Message, decode, encode
from munshi.jobs.output_lines import OutputLines

# How far a child may be ahead of the thread that listens to it.
INBOX = 256
FULL_SECONDS = 0.2
CLOSE_SECONDS = 10.0
FAMILY_SECONDS = 1.0
_CHUNK = 65_536


class ChildProcess:
    """A running `munshi.jobs.child`. Two threads empty its pipes, whether a job runs or not.

    While a job runs they put what it says into the job's inbox: the child's own messages, and
    `output` (with `lines`), `output_end`, `excess` (with `error`) and `gone`.
    """

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._watched: psutil.Process | None = None
        with suppress(psutil.NoSuchProcess):
            self._watched = psutil.Process(process.pid)
        self._inbox: Queue[Message] | None = None
        self._mark = ""
        self._output = OutputLines()
        self.jobs_run = 0

    @classmethod
    def start(cls, context: str) -> Self:
        """Without the current folder in its path, where any file could pose as a module."""
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-X", "faulthandler", "-m", "munshi.jobs.child", context],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **OWN_SESSION,
        )
        child = cls(process)
        for target, pipe in (
            (child._read_messages, process.stdout),
            (child._read_output, process.stderr),
        ):
            threading.Thread(
                target=target, args=(pipe,), name=f"child-{process.pid}", daemon=True
            ).start()
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """As subprocess says it: negative for a signal, None while it lives."""
        return self._process.poll()

    def begin(self, inbox: "Queue[Message]", *, mark: str) -> None:
        """From now on, fill `inbox`; the job's output ends with `mark`."""
        self.jobs_run += 1
        self._mark = mark
        self._output = OutputLines()
        self._inbox = inbox

    def end(self) -> None:
        """The job is over: what still comes is dropped."""
        self._inbox = None

    def send(self, message: Mapping[str, object]) -> None:
        """A child that is gone hears nothing; its job learns that from the inbox."""
        line = encode(message)
        pipe = cast("IO[bytes]", self._process.stdin)
        with suppress(OSError, ValueError):
            pipe.write(line)
            pipe.flush()

    def memory_bytes(self) -> int:
        """What it and its descendants hold; pages that two of them share count twice."""
        return sum(map(_held, [self._watched, *self._descendants()]))

    def own_memory_bytes(self) -> int:
        return _held(self._watched)

    def has_company(self) -> bool:
        """Whether anything that it started is still there. Looks at every process: not cheap."""
        return bool(self._descendants()) or any(
            is_in_session(pid, leader=self.pid) for pid in psutil.pids() if pid != self.pid
        )

    def wait(self, seconds: float) -> None:
        """For it to end by itself."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def ask_to_end(self) -> None:
        """Nothing more will come: a child without a job ends."""
        with suppress(OSError):
            cast("IO[bytes]", self._process.stdin).close()

    def kill(self) -> None:
        """With all that it started; what had left its session and its family is not found."""
        family = self._descendants()
        kill_session(self.pid)
        for process in family:
            with suppress(psutil.Error):
                process.kill()
        with suppress(OSError):
            self._process.kill()
        self._process.wait()
        psutil.wait_procs(family, timeout=FAMILY_SECONDS)
        self.ask_to_end()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Let it close its services; kill it if that takes too long."""
        self.ask_to_end()
        self.wait(seconds)
        self.kill()

    def _descendants(self) -> list[psutil.Process]:
        try:
            return self._watched.children(recursive=True) if self._watched else []
        except psutil.Error:
            return []

    def _read_messages(self, pipe: IO[bytes]) -> None:
        with pipe, suppress(OSError, ValueError, RecursionError):
            while line := pipe.readline(LONGEST_MESSAGE):
                self._hand(decode(line))
        self._hand({"type": "gone"})

    def _read_output(self, pipe: BufferedReader) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        with pipe, suppress(OSError):
            while data := pipe.read1(_CHUNK):
                self._hand_output(decoder.decode(data))
        self._hand({"type": "output", "lines": self._output.finish()})
        self._hand({"type": "output_end"})

    def _hand_output(self, text: str) -> None:
        if self._inbox is None:
            return
        try:
            lines = self._output.feed(text)
        except JobOutputExcessiveError as error:
            self._hand({"type": "excess", "error": error})
            self._inbox = None
            return
        is_end = self._mark in lines
        if is_end:
            lines = lines[: lines.index(self._mark)]
        if lines:
            self._hand({"type": "output", "lines": lines})
        if is_end:
            self._hand({"type": "output_end"})

    def _hand(self, message: Message) -> None:
        while (inbox := self._inbox) is not None:
            try:
                inbox.put(message, timeout=FULL_SECONDS)
            except Full:
                continue
            return


def _held(process: psutil.Process | None) -> int:
    try:
        return process.memory_info().rss if process else 0
    except psutil.Error:
        return 0
