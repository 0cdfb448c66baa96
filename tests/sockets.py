"""Keeps every test on this machine: whatever goes beyond loopback fails.

An audit hook sees what patched methods miss: `connect_ex`, datagrams and name look-ups.
"""

import ipaddress
import os
import socket
import sys
import tempfile


class SocketRefusedError(RuntimeError):
    """A test reached beyond this machine."""


def _is_loopback(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_own_unix_socket(path: object) -> bool:
    """Python's own process pools talk over unix sockets; the system's (Docker, D-Bus) stay shut."""
    name = os.fsdecode(path) if isinstance(path, bytes) else str(path)
    return name.startswith(("\0", tempfile.gettempdir() + os.sep))


def _allows(family: int, address: object) -> bool:
    if address is None:  # a datagram on a socket that was allowed to connect
        return True
    if family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple):
        return _is_loopback(address[0])
    return family == getattr(socket, "AF_UNIX", None) and _is_own_unix_socket(address)


def refuse_beyond_loopback(event: str, args: tuple[object, ...]) -> None:
    """Audit hook. Raises SocketRefusedError naming what was reached for."""
    if not event.startswith("socket."):
        return
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"}:
        endpoint, address = args[:2]
        if not (isinstance(endpoint, socket.socket) and _allows(endpoint.family, address)):
            raise SocketRefusedError(f"{event} to {address!r}: tests stay on loopback")
    elif event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}:
        host = args[0]
        if host is not None and not _is_loopback(host):
            raise SocketRefusedError(f"{event} of {host!r}: tests stay on loopback")


sys.addaudithook(refuse_beyond_loopback)
