"""A TCP proxy on loopback whose connections can fall silent without being closed."""

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self

CHUNK = 65_536


class _Pair:
    """One connection: both ends, and which way still goes through."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.ends = {near: far, far: near}
        self.silent: set[socket.socket] = set()
        self.near, self.far = near, far
        self.is_half_open = False

    def silence(self, *, asking: bool, answering: bool) -> None:
        self.is_half_open = True
        if asking:
            self.silent.add(self.near)
        if answering:
            self.silent.add(self.far)

    def close(self) -> None:
        for end in self.ends:
            end.close()


class HalfOpenProxy:
    """`silence` has what is under way swallowed: each side still gets its bytes acknowledged.

    A connection that was silenced never speaks again, not even of its end, as when a firewall
    has forgotten it; `heal` lets new ones through.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._selector = selectors.DefaultSelector()
        self._pairs: list[_Pair] = []
        self._lock = threading.Lock()
        self._is_silent: dict[str, bool] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="half-open", daemon=True)
        self.silenced = 0

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def silence(self, *, asking: bool = True, answering: bool = True) -> None:
        """From now on swallow what is asked, what is answered, or both; new connections too."""
        with self._lock:
            self._is_silent = {"asking": asking, "answering": answering}
            for pair in self._pairs:
                self.silenced += 1
                pair.silence(**self._is_silent)

    def heal(self) -> None:
        with self._lock:
            self._is_silent = None

    def __enter__(self) -> Self:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()
        self._selector.close()
        for pair in self._pairs:
            pair.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(0.1):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._forward(key.data, key.fileobj)  # type: ignore[arg-type]

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            near.close()
            return
        pair = _Pair(near, far)
        with self._lock:
            if self._is_silent:
                pair.silence(**self._is_silent)
            self._pairs.append(pair)
        for end in pair.ends:
            self._selector.register(end, selectors.EVENT_READ, pair)

    def _forward(self, pair: _Pair, end: socket.socket) -> None:
        try:
            data = end.recv(CHUNK)
        except OSError:
            data = b""
        if data and end in pair.silent:
            return
        if data:
            with contextlib.suppress(OSError):
                pair.ends[end].sendall(data)
            return
        self._forget(end)
        if not pair.is_half_open:
            self._forget(pair.ends[end])
            pair.close()
            with self._lock, contextlib.suppress(ValueError):
                self._pairs.remove(pair)

    def _forget(self, end: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):  # both ends may have closed at once
            self._selector.unregister(end)
