"""What a Kite call is made with, and the checksum that proves the app's secret."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256


def _unchecked() -> None:
    """For calls whose login nobody else ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KiteAccess:
    """The app and its token of the day.

    `check` raises what the caller shall hear when the login was ended while the call waited for
    its permit.
    """

    api_key: str
    access_token: str = field(repr=False)
    check: Callable[[], None] = field(default=_unchecked, repr=False)

    def headers(self) -> dict[str, str]:
        self.check()
        return {"Authorization": f"token {self.api_key}:{self.access_token}"}


def session_checksum(*, api_key: str, request_token: str, api_secret: str) -> str:
    """SHA-256 over the three, joined without a separator (Kite docs, authentication)."""
    return sha256(f"{api_key}{request_token}{api_secret}".encode()).hexdigest()
