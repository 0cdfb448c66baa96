"""A broker stripped to the wire: answers with given bytes and keeps what it was sent."""

import socket
import threading
from collections.abc import Iterator, Sequence

import pytest


def http_reply(
    body: bytes | str = b"",
    *,
    status: str = "200 OK",
    content_type: str = "application/json",
    headers: Sequence[str] = (),
) -> bytes:
    payload = body.encode() if isinstance(body, str) else body
    head = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(payload)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + payload


class RawServer:
    """Answers one connection after another with the next of `replies`, the last one for ever.

    An empty reply closes the connection without a word; None keeps it open and says nothing.
    """

    def __init__(self) -> None:
        self.replies: list[bytes | None] = [http_reply("{}")]
        self.requests: list[bytes] = []
        self._held: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def lines(self) -> list[str]:
        """The first request's line and headers."""
        return self.requests[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")

    @property
    def body(self) -> bytes:
        return self.requests[0].partition(b"\r\n\r\n")[2]

    def header(self, name: str) -> str | None:
        for line in self.lines[1:]:
            key, _, value = line.partition(": ")
            if key.lower() == name.lower():
                return value
        return None

    def stop(self) -> None:
        # A connection of our own wakes `accept`, which closing the listener does not everywhere.
        address = self._listener.getsockname()
        self._stopping = True
        with socket.create_connection(address):
            pass
        self._thread.join()
        self._listener.close()
        for held in self._held:
            held.close()

    _stopping = False

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopping:
                connection.close()
                return
            self.requests.append(_read_request(connection))
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
            if reply is None:
                self._held.append(connection)
                continue
            connection.sendall(reply)
            connection.shutdown(socket.SHUT_WR)
            connection.close()


def _read_request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.stop()
