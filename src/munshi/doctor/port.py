"""The port that `munshi serve` listens on: free, held by a Munshi, or by something else."""

import errno
import socket
from collections.abc import Iterator
from contextlib import suppress

import psutil

from munshi.doctor.diagnosis import Diagnosis, State
from munshi.doctor.ground import DoctorGround
from munshi.errors import BrokerUnavailableError
from munshi.infrastructure.brokers.reach import reach_desk
from munshi.infrastructure.platform import POSIX

_OTHER_PORT = "Stop that program, or set MUNSHI_PORT to a free port."
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to ask, nothing listens


def look_at_port(ground: DoctorGround) -> Iterator[Diagnosis]:
    """Tries to take the port for a moment, and asks who has it if that fails."""
    host, port = ground.settings.host, ground.settings.port
    name = f"{host}:{port}"
    refused = None if port == 0 else _refusal(host, port)
    if refused is None:
        found, state, mend = f"{name} is free for munshi serve.", State.OK, None
    elif refused.errno != errno.EADDRINUSE:
        found = f"Munshi cannot listen on {name}: {refused.strerror}."
        state, mend = State.BROKEN, "Set MUNSHI_HOST and MUNSHI_PORT to what this machine allows."
    elif _is_ours(host, port):
        found, state, mend = f"A Munshi serves at {name} already.", State.OK, None
    else:
        found = f"{name} is taken by {_holder(port)}, which does not answer as Munshi does."
        state, mend = State.BROKEN, _OTHER_PORT
    yield Diagnosis(what="port", state=state, found=found, mend=mend, facts={"port": port})


def _refusal(host: str, port: int) -> OSError | None:
    address = _address(host)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        if POSIX:  # as munshi serve does: what is only winding down is no hindrance
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
        except OSError as error:
            return error
    return None


def _is_ours(host: str, port: int) -> bool:
    address = _address(host)
    address = _WILDCARDS.get(address, address)
    at = f"[{address}]" if ":" in address else address
    try:
        return reach_desk(f"http://{at}:{port}").is_ours
    except BrokerUnavailableError:
        return False


def _address(host: str) -> str:
    return "127.0.0.1" if host == "localhost" else host.strip("[]")


def _holder(port: int) -> str:
    """The program, where this account may know it."""
    with suppress(psutil.Error, OSError):
        for each in psutil.net_connections("tcp"):
            listens = each.status == psutil.CONN_LISTEN and each.laddr and each.laddr[1] == port
            if listens and each.pid:
                return f"{psutil.Process(each.pid).name()} (process {each.pid})"
    return "another program"
