"""The cookie that carries a session."""

from starlette.responses import Response

from munshi.people.sign_in import Granted
from munshi.settings import Settings

_LONGEST_TOKEN = 100


class SessionCookie:
    """HttpOnly, SameSite=Lax, for this host alone; where TLS, Secure under the name `__Host-`.

    A browser takes a cookie of that name only over TLS, from this very host and for all paths.
    """

    def __init__(self, settings: Settings) -> None:
        self.is_secure = settings.public_url.lower().startswith("https://")
        self.name = "__Host-munshi" if self.is_secure else "munshi"
        self._start = self.name.encode() + b"="

    def read(self, header: bytes | None) -> str | None:
        """The token in a Cookie header, if there is one."""
        if header is None:
            return None
        for part in header.split(b";"):
            found = part.strip()
            if found.startswith(self._start):
                return found[len(self._start) :].decode("latin-1")[:_LONGEST_TOKEN] or None
        return None

    def give(self, response: Response, granted: Granted) -> None:
        response.set_cookie(
            self.name,
            granted.token,
            max_age=int(granted.limits.absolute.total_seconds()),
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="lax",
        )

    def take(self, response: Response) -> None:
        response.delete_cookie(
            self.name, path="/", secure=self.is_secure, httponly=True, samesite="lax"
        )
