"""No test can leave this machine, by any of the ways a program has."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sockets import SocketRefusedError

ELSEWHERE = ("192.0.2.1", 9)  # set aside for documentation: nobody is there


def _connect() -> None:
    with socket.socket() as ours:
        ours.settimeout(0.1)
        ours.connect(ELSEWHERE)


def _connect_ex() -> None:
    with socket.socket() as ours:
        ours.settimeout(0.1)
        ours.connect_ex(ELSEWHERE)


def _connect_by_ipv6() -> None:
    with socket.socket(socket.AF_INET6) as ours:
        ours.settimeout(0.1)
        ours.connect(("2001:db8::1", 9))


def _create_connection() -> None:
    socket.create_connection(ELSEWHERE, timeout=0.1).close()


def _send_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.sendto(b"out", ELSEWHERE)


def _look_up_name() -> None:
    socket.getaddrinfo("example.com", 80)


def _look_up_name_the_old_way() -> None:
    socket.gethostbyname("example.com")


def _listen_to_everybody() -> None:
    with socket.socket() as ours:
        ours.bind(("0.0.0.0", 0))  # noqa: S104


def _talk_to_the_system() -> None:
    with socket.socket(socket.AF_UNIX) as ours:
        ours.connect("/var/run/docker.sock")


@pytest.mark.parametrize(
    "reach_out",
    [
        _connect,
        _connect_ex,
        _connect_by_ipv6,
        _create_connection,
        _send_datagram,
        _look_up_name,
        _look_up_name_the_old_way,
        _listen_to_everybody,
        _talk_to_the_system,
    ],
)
def test_reaching_beyond_loopback_is_refused(reach_out: Callable[[], None]) -> None:
    with pytest.raises(SocketRefusedError, match="loopback"):
        reach_out()


def test_a_thread_is_refused_too() -> None:
    refused: list[BaseException] = []

    def reach_out() -> None:
        try:
            _connect()
        except SocketRefusedError as error:
            refused.append(error)

    thread = threading.Thread(target=reach_out)
    thread.start()
    thread.join()

    assert len(refused) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_open(host: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection((host, server.getsockname()[1]), timeout=5) as client,
        server.accept()[0] as accepted,
    ):
        client.sendall(b"near")
        heard = accepted.recv(4)

    assert heard == b"near"


def test_a_unix_socket_of_our_own_is_open(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()

        client.connect(path)

        assert client.getpeername() == path
