"""Taking the port, and the real server on it."""

import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from clocks import FakeClock
from munshi.api.app import build_app
from munshi.api.server import address_of, build_server, listen
from munshi.errors import BindRefusedError, PortBusyError
from munshi.settings import Settings


@pytest.fixture
def url(clock: FakeClock) -> Iterator[str]:
    """The API without services, on a real socket."""
    listener = listen("127.0.0.1", 0)
    here = address_of(listener)
    server = build_server(build_app(Settings(), clock, [], listening=[here]))
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
