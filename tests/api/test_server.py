"""Taking the port, and the real server on it."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from clocks import FakeClock
from munshi.api import gate
from munshi.api.app import build_app
from munshi.api.connection import PromptConnection
from munshi.api.roles import Role, allows
from munshi.api.server import address_of, build_server, listen
from munshi.errors import BindRefusedError, PortBusyError
from munshi.settings import Settings
from sockets import SocketRefusedError


class Echo:
    """One route with a body."""

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/sample/echo", self.echo, methods=["POST"])

    @allows(Role.OPERATOR)
    def echo(self, body: dict[str, Any]) -> dict[str, Any]:
        return body


@pytest.fixture
def url(clock: FakeClock) -> Iterator[str]:
    """The API without services, on a real socket."""
    listener = listen("127.0.0.1", 0)
    here = address_of(listener)
    server = build_server(build_app(Settings(), clock, [Echo()], listening=[here]))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield f"http://localhost:{here[1]}"
    server.should_exit = True
    thread.join()


def test_a_port_in_use_is_one_clear_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(PortBusyError, match=f"127.0.0.1:{port}") as refused:
            listen("127.0.0.1", port)

    assert "--port" in (refused.value.hint or "")


def test_two_servers_cannot_share_a_port() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(PortBusyError):
        listen(*address_of(first))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "desk.example.com", ""])  # noqa: S104
def test_listening_beyond_this_machine_is_refused(host: str) -> None:
    with pytest.raises(BindRefusedError, match="refused"):
        listen(host, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_may_be_listened_on(host: str) -> None:
    with listen(host, 0) as listener:
        assert address_of(listener)[0] == "127.0.0.1"


def test_the_server_answers_with_our_headers_only(url: str) -> None:
    answer = httpx.get(f"{url}/nowhere")

    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/path-unknown"
    assert "server" not in answer.headers


def test_the_server_believes_no_forwarding_header(url: str) -> None:
    answer = httpx.get(f"{url}/nowhere", headers={"x-forwarded-host": "desk.example.com"})

    assert answer.status_code == 404


def test_the_server_refuses_a_foreign_host(url: str) -> None:
    answer = httpx.get(f"{url}/ui/", headers={"host": "desk.example.com"})

    assert answer.status_code == 421


def test_a_request_that_is_not_http_does_not_stop_the_server(url: str) -> None:
    port = int(url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        wire.sendall(b"\x16\x03\x01\x02\x00 nonsense\r\n\r\n")
        assert b"400" in wire.recv(1000).split(b"\r\n")[0]

    assert httpx.get(f"{url}/ui/").status_code == 200


def test_beyond_this_machine_may_be_listened_on_once_somebody_can_sign_in() -> None:
    with pytest.raises(SocketRefusedError, match=r"0\.0\.0\.0"):  # it is tests that stay here
        listen("0.0.0.0", 0, has_users=True)  # noqa: S104


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience is short, so that a test need not wait as long as a server would."""
    monkeypatch.setattr(PromptConnection, "head_seconds", 0.3)
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.3)


def _cut_after(port: int, *pieces: bytes) -> bytes:
    """What the server says before it closes, when nothing comes after `pieces`."""
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        for piece in pieces:
            wire.sendall(piece)
            time.sleep(0.1)
        while part := wire.recv(4000):
            said += part
    return said


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    "pieces",
    [(), (b"GET /ui/ HT",), (b"GET /ui/ HTTP/1.1\r\n", b"Host: local", b"host\r\nX-A: b\r\n")],
)
def test_a_head_that_does_not_come_in_time_ends_the_connection(
    url: str, pieces: tuple[bytes, ...]
) -> None:
    assert _cut_after(int(url.rsplit(":", 1)[1]), *pieces) == b""


@pytest.mark.usefixtures("hurried")
def test_a_second_head_that_does_not_come_ends_it_too(url: str) -> None:
    port = int(url.rsplit(":", 1)[1])
    whole = f"GET /ui/ HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()

    said = _cut_after(port, whole, b"GET /ui")

    assert said.count(b"HTTP/1.1 200") == 1


@pytest.mark.usefixtures("hurried")
def test_an_answered_connection_is_kept_for_the_next_request(url: str) -> None:
    with httpx.Client() as client:
        first = client.get(f"{url}/ui/")
        time.sleep(0.6)

        second = client.get(f"{url}/ui/")

    assert (first.status_code, second.status_code) == (200, 200)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("length", [b"Content-Length: 20", b"Transfer-Encoding: chunked"])
def test_a_body_that_does_not_come_in_time_is_given_up(url: str, length: bytes) -> None:
    port = int(url.rsplit(":", 1)[1])
    head = b"POST /sample/echo HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\n"

    said = _cut_after(port, head % port + length + b"\r\n\r\n", b"5\r\n")

    assert b"HTTP/1.1 408" in said
    assert b"body-timeout" in said
