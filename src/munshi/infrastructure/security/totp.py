"""One-time codes (RFC 6238: SHA-1, six digits, thirty seconds), as authenticator apps show them."""

import base64
import binascii
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from munshi.errors import TotpSeedInvalidError

DIGITS = 6
STEP_SECONDS = 30
SHORTEST_BYTES = 10
OWN_BYTES = 20
# How many steps a clock may be off, each way.
WINDOW = 1


def new_seed() -> str:
    """160 random bits, as the RFC asks for, in base32."""
    return base64.b32encode(secrets.token_bytes(OWN_BYTES)).decode()


def seed_address(seed: str, *, username: str, issuer: str = "Munshi") -> str:
    """The `otpauth` address that an authenticator is set up with, by QR code or by hand."""
    asked = urlencode({"secret": seed, "issuer": issuer})
    return f"otpauth://totp/{quote(issuer)}:{quote(username)}?{asked}"


def find_step(seed: str, code: str, *, now: datetime) -> int | None:
    """The step whose code was typed, at most WINDOW away from `now`; None if it is none.

    Whether it was used before is the caller's to know. Raises TotpSeedInvalidError.
    """
    typed = "".join(code.split())
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdigit()):
        return None
    totp = _totp(seed)
    current = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(current - WINDOW, current + WINDOW + 1):
        if hmac.compare_digest(totp.generate(step * STEP_SECONDS), typed.encode()):
            found = step
    return found


def read_seed(text: str) -> bytes:
    """The key behind the base32 text of an authenticator's set-up page.

    Brokers hand out what they like: 80 bits, below what the RFC asks for, are common. Raises
    TotpSeedInvalidError, which never repeats the text.
    """
    plain = text.replace(" ", "").replace("-", "").upper().rstrip("=")
    try:
        key = base64.b32decode(plain + "=" * (-len(plain) % 8))
    except binascii.Error:
        key = b""
    if len(key) < SHORTEST_BYTES:
        raise TotpSeedInvalidError(
            "The TOTP seed is not the base32 text an authenticator is set up with.",
            hint="It is the text behind the QR code, at least 16 letters and digits.",
        )
    return key


def one_time_code(seed: str, *, now: datetime) -> str:
    """The six digits that `seed` shows at `now`. Raises TotpSeedInvalidError."""
    return _totp(seed).generate(int(now.timestamp())).decode()


def _totp(seed: str) -> TOTP:
    return TOTP(read_seed(seed), DIGITS, SHA1(), STEP_SECONDS, enforce_key_length=False)  # noqa: S303
