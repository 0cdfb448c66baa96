"""Decides from a request's socket and headers alone who is calling and whether it is foreign."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.types import Scope

from munshi.api.roles import Principal, Role
from munshi.errors import AppError, HostForeignError, OriginForeignError
from munshi.settings import LocalTrust, Settings

CALLBACKS = frozenset({"/auth/kite/callback", "/auth/breeze/callback"})
_LOGIN_PAGES = CALLBACKS | {"/auth/kite/start", "/auth/breeze/start"}
READING = frozenset({"GET", "HEAD", "OPTIONS"})
LOCAL_OPERATOR = "local-operator"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
# A browser or a proxy sends at least one of these; a plain client on this machine sends none.
_TELLTALES = frozenset(
    {b"origin", b"referer", b"cookie", b"forwarded", b"x-forwarded", b"x-real-ip", b"via"},
)
_TELLTALE_STARTS = (b"sec-fetch-", b"x-forwarded-")
_OWN_SITES = frozenset({b"same-origin", b"none"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(slots=True)
class Headers:
    """The headers that decide, read in one pass."""

    host: bytes | None = None
    hosts: int = 0
    origin: bytes | None = None
    site: bytes | None = None
    mode: bytes | None = None
    dest: bytes | None = None
    telltale: bytes | None = None
    cookie: bytes | None = None
    authorization: bytes | None = None
    forwarded_for: bytes | None = None
    length: bytes | None = None
    chunked: bool = False

    @classmethod
    def read(cls, raw: Iterable[tuple[bytes, bytes]]) -> "Headers":
        found = cls()
        for name, value in raw:
            if name == b"host":
                found.host = value
                found.hosts += 1
            elif name == b"content-length":
                found.length = value
            elif name == b"transfer-encoding":
                found.chunked = True
            elif name == b"authorization":
                found.authorization = value
            elif name in _TELLTALES or name.startswith(_TELLTALE_STARTS):
                found.telltale = name
                found._note(name, value)
        return found

    def _note(self, name: bytes, value: bytes) -> None:
        if name == b"origin":
            self.origin = value
        elif name == b"sec-fetch-site":
            self.site = value
        elif name == b"sec-fetch-mode":
            self.mode = value
        elif name == b"sec-fetch-dest":
            self.dest = value
        elif name == b"cookie":
            self.cookie = value if self.cookie is None else self.cookie + b"; " + value
        elif name == b"x-forwarded-for":
            self.forwarded_for = value


class CallerRules:
    """The rules for one server. `listening` is every address it is bound to."""

    def __init__(self, settings: Settings, *, listening: Iterable[tuple[str, int]]) -> None:
        addresses = list(listening)
        own = {f"{name}:{port}" for _, port in addresses for name in LOOPBACK_NAMES}
        if any(port == _DEFAULT_PORTS["http"] for _, port in addresses):
            own.update(LOOPBACK_NAMES)
        extra = {name.lower() for name in settings.allowed_hosts}
        extra |= {f"{name}:{port}" for name in extra for _, port in addresses}
        public = urlsplit(settings.public_url.lower())
        if public.netloc:
            extra.add(public.netloc)
        origins = {f"http://{host}" for host in own | extra}
        if public.netloc:
            origins.add(f"{public.scheme}://{public.netloc}")
        self._own_hosts = frozenset(name.encode() for name in own)
        self._hosts = self._own_hosts | {name.encode() for name in extra}
        self._origins = frozenset(origin.encode() for origin in origins)
        self._local, self._untrusted = _local_principal(settings, addresses)
        self._proxy = settings.trusted_proxy

    def check(self, scope: Scope, headers: Headers) -> None:
        """Raise HostForeignError or OriginForeignError for what is not meant for us."""
        if headers.hosts != 1 or headers.host is None or headers.host.lower() not in self._hosts:
            raise _foreign_host(headers.host)
        if self._is_foreign(scope, headers):
            raise OriginForeignError(
                "The request was sent by a page of another site.",
                hint="Open Munshi's own pages, or call it with curl.",
            )

    def peer(self, scope: Scope, headers: Headers) -> str:
        """The address a request comes from; behind the trusted proxy, the one that it names last.

        What stands before that in the header was written by whoever called the proxy.
        """
        client = scope.get("client")
        peer = str(client[0]) if client else ""
        if not self._proxy or peer != self._proxy or headers.forwarded_for is None:
            return peer
        return headers.forwarded_for.decode("latin-1").rpartition(",")[2].strip()[:45] or peer

    def check_cookie_call(self, scope: Scope, headers: Headers) -> None:
        """Raise OriginForeignError if a change with a cookie does not say which page it is from.

        Every browser of the last years does; `check` has looked at what it says.
        """
        if scope["method"] in READING or headers.site is not None or headers.origin is not None:
            return
        raise OriginForeignError(
            "The request carries a session and does not say which page sent it.",
            hint="Use a browser that sends Sec-Fetch-Site or Origin; programs use an API key.",
        )

    def principal(self, scope: Scope, headers: Headers) -> Principal:
        """The local operator if every sign says so, else anonymous with the reason."""
        local = self._local
        if local is None:
            return self._untrusted
        if headers.telltale is not None:
            return _anonymous(
                f"The request carries the header {headers.telltale.decode()}, so it comes from a "
                "browser or through a proxy, and those need a signed-in user."
            )
        client = scope.get("client")
        if client is None or not is_loopback(client[0]):
            return _anonymous("The request comes from another machine.")
        if headers.host is None or headers.host.lower() not in self._own_hosts:
            return _anonymous("The request does not name this machine as its host.")
        return local

    def _is_foreign(self, scope: Scope, headers: Headers) -> bool:
        path = scope["path"]
        if path in CALLBACKS:
            return False
        if headers.site is not None:
            if headers.site in _OWN_SITES:
                return False
            # Following a link from elsewhere, as after a broker's redirect, opens a page only.
            opens_page = (
                scope["method"] == "GET"
                and headers.mode == b"navigate"
                and headers.dest == b"document"
                and is_page(path)
            )
            return not opens_page
        return headers.origin is not None and headers.origin.lower() not in self._origins


def is_seen(path: str) -> bool:
    """Whether a browser may show what `path` answers: pages, and what stands around a login."""
    return is_page(path) or path in _LOGIN_PAGES


def is_page(path: str) -> bool:
    """Whether `path` holds words for everybody, so that links elsewhere may lead to it."""
    return path in {"/", "/ui", "/docs"} or path.startswith(("/ui/", "/docs/", "/problems/"))


def is_loopback(address: str) -> bool:
    """Whether `address`, a name or an IP address, is this machine and nobody else's."""
    if address in {"127.0.0.1", "localhost"}:
        return True
    try:
        parsed = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def _local_principal(
    settings: Settings, listening: Iterable[tuple[str, int]]
) -> tuple[Principal | None, Principal]:
    reason = _why_not_trusted(settings, listening)
    if reason:
        return None, _anonymous(f"Plain requests are not trusted here: {reason}.")
    role = Role.VIEWER if settings.local_trust is LocalTrust.VIEWER else Role.OPERATOR
    return Principal(name=LOCAL_OPERATOR, role=role), _anonymous("")


def _why_not_trusted(settings: Settings, listening: Iterable[tuple[str, int]]) -> str:
    if settings.local_trust is LocalTrust.OFF:
        return "MUNSHI_LOCAL_TRUST is off"
    for name in ("public_url", "trusted_proxy", "allowed_hosts"):
        if getattr(settings, name):
            return f"MUNSHI_{name.upper()} is set"
    if not all(is_loopback(host) for host, _ in listening):
        return "Munshi listens beyond this machine"
    return ""


def _anonymous(refusal: str) -> Principal:
    return Principal(name="anonymous", role=Role.PUBLIC, refusal=refusal)


def _foreign_host(host: bytes | None) -> AppError:
    named = "no host" if host is None else repr(host.decode("latin-1")[:100])
    return HostForeignError(
        f"The request names {named}, which is not this server.",
        hint="Use http://localhost with the port Munshi listens on.",
    )
