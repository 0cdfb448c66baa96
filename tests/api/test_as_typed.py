"""The calls of the user's document, byte for byte as curl sends them, against the real server."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from desks import Desk
from munshi.api.app import create_app
from munshi.api.server import address_of, build_server, listen


@pytest.fixture
def port(desk: Desk) -> Iterator[int]:
    """Where the desk's API is served."""
    listener = listen("127.0.0.1", 0)
    here = address_of(listener)
    server = build_server(create_app(desk.services, listening=[here]))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield here[1]
    server.should_exit = True
    thread.join()


def _curl(port: int, method: str, path: str) -> tuple[int, Any]:
    """`curl [-X POST] http://localhost:PORT/path`: no body, no length, no content type."""
    request = (
        f"{method} {path} HTTP/1.1\r\n"
        f"Host: localhost:{port}\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=30) as wire:
        wire.sendall(request.encode())
        received = b""
        while b"\r\n\r\n" not in received:
            received += wire.recv(65536)
        head, _, body = received.partition(b"\r\n\r\n")
        lowered = head.lower()
        at = lowered.index(b"content-length:") + len(b"content-length:")
        length = int(lowered[at:].split(b"\r\n")[0])
        while len(body) < length:
            body += wire.recv(65536)
    return int(head.split()[1]), json.loads(body)


def test_the_documents_calls_work_in_its_order(port: int) -> None:
    status, before = _curl(port, "GET", "/auth/db/status")
    breeze, _ = _curl(port, "POST", "/auth/db/breeze/login")
    kite, _ = _curl(port, "POST", "/auth/db/kite/login")
    cleaned, ended = _curl(port, "POST", "/auth/db/cleanup")
    _, after = _curl(port, "GET", "/auth/db/status")

    assert (status, breeze, kite, cleaned) == (200, 200, 200, 200)
    assert [each["authenticated"] for each in before["services"].values()] == [False, False]
    assert [each["authenticated"] for each in after["services"].values()] == [True, True]
    assert ended["ended"]["AuthSessions"] == 0


def test_answers_do_not_wait_for_acknowledgements(port: int) -> None:
    """Nagle's algorithm would add 40 ms to every answer on a kept connection."""
    request = f"GET /health/live HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
    waits = []
    with socket.create_connection(("127.0.0.1", port), timeout=30) as wire:
        for _ in range(20):
            started = time.perf_counter()
            wire.sendall(request)
            received = b""
            while not received.endswith(b"}\n"):
                received += wire.recv(65536)
            waits.append(time.perf_counter() - started)

    assert sorted(waits)[5] < 0.035
