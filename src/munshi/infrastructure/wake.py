"""What rouses a worker: news of jobs, or a nudge; it can be waited for together with a socket."""

import selectors
import socket
import threading
from contextlib import suppress


class Ear:
    """One waiter's end, for those who wait for something else as well."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.settimeout(0)

    def ring(self) -> None:
        with suppress(OSError):  # full of rings that nobody has heard yet, or closed
            self._writer.send(b"!")

    def wait(self, seconds: float, *, or_readable: int) -> bool:
        """Until rung, `or_readable` has something to read, or the time is up; false for that."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._reader, selectors.EVENT_READ)
            selector.register(or_readable, selectors.EVENT_READ)
            roused = bool(selector.select(seconds))
        with suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
        return roused

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


class Wake:
    """Set by any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._has_news = False
        self._ears: set[Ear] = set()

    def set(self) -> None:
        """There is news: a job may be due."""
        self._has_news = True
        self.nudge()

    def nudge(self) -> None:
        """Rouse whoever waits, without news."""
        if self._event.is_set():
            return
        self._event.set()
        for ear in tuple(self._ears):
            ear.ring()

    def take(self) -> bool:
        """Make ready for the next nudge; whether there was news since the last time."""
        self._event.clear()
        if not self._has_news:  # what comes from here on stays for the next time
            return False
        self._has_news = False
        return True

    def wait(self, seconds: float, *, ear: Ear | None = None, or_readable: int = -1) -> bool:
        """Until roused or the time is up; false for that.

        With an `ear` that listens, until `or_readable` has something to read, too.
        """
        if ear is None:
            return self._event.wait(seconds)
        return self._event.is_set() or ear.wait(seconds, or_readable=or_readable)

    def listen(self) -> Ear:
        """A new ear; whoever asked for it has it hushed in the end."""
        ear = Ear()
        self._ears.add(ear)
        return ear

    def hush(self, ear: Ear) -> None:
        self._ears.discard(ear)
        ear.close()
