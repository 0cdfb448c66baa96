"""One-time codes (RFC 6238: SHA-1, six digits, thirty seconds), as authenticator apps show them."""

import base64
import binascii
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from munshi.errors import TotpSeedInvalidError

DIGITS = 6
STEP_SECONDS = 30
SHORTEST_BYTES = 10


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
    totp = TOTP(read_seed(seed), DIGITS, SHA1(), STEP_SECONDS, enforce_key_length=False)  # noqa: S303
    return totp.generate(int(now.timestamp())).decode()
