"""What a Breeze call is made with, and how the first version of the API is signed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256


def _unchecked() -> None:
    """For calls whose login nobody else ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreezeAccess:
    """The app and its session of the day: base64 of `USERID:SESSIONKEY`, as it was granted.

    `check` raises what the caller shall hear when the login was ended while the call waited for
    its permit.
    """

    app_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)
    check: Callable[[], None] = field(default=_unchecked, repr=False)

    def signed_headers(self, body: str, *, now: datetime) -> dict[str, str]:
        """Headers for a v1 call whose body is exactly `body`."""
        self.check()
        timestamp = signing_time(now)
        checksum = body_checksum(body, timestamp=timestamp, secret_key=self.secret_key)
        return {
            "Content-Type": "application/json",
            "X-Checksum": f"token {checksum}",
            "X-Timestamp": timestamp,
            "X-AppKey": self.app_key,
            "X-SessionToken": self.session_token,
        }

    def history_headers(self) -> dict[str, str]:
        """Headers for a v2 call, which is not signed."""
        self.check()
        return {
            "Content-Type": "application/json",
            "X-SessionToken": self.session_token,
            "apikey": self.app_key,
        }


def signing_time(now: datetime) -> str:
    """UTC in whole seconds, with the literal `.000Z` that Breeze expects."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def body_checksum(body: str, *, timestamp: str, secret_key: str) -> str:
    """SHA-256 over time, the exact body and the secret (Breeze docs, request signing)."""
    return sha256(f"{timestamp}{body}{secret_key}".encode()).hexdigest()
