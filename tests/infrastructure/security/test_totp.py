"""One-time codes against the RFC's own vectors, and seeds as brokers hand them out."""

import base64
from datetime import UTC, datetime

import pyotp
import pytest

from munshi.errors import TotpSeedInvalidError
from munshi.infrastructure.security.totp import one_time_code, read_seed

RFC_SEED = base64.b32encode(b"12345678901234567890").decode()
NOW = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    assert one_time_code(RFC_SEED, now=datetime.fromtimestamp(seconds, tz=UTC)) == code


def test_another_implementation_shows_the_same_code() -> None:
    seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

    assert one_time_code(seed, now=NOW) == pyotp.TOTP(seed).at(NOW)


@pytest.mark.parametrize("seed", ["JBSWY3DPEHPK3PXP", "jbsw y3dp ehpk 3pxp", "JBSW-Y3DP-EHPK-3PXP"])
def test_short_seeds_and_spaced_ones_are_taken_as_they_come(seed: str) -> None:
    assert read_seed(seed) == b"Hello!\xde\xad\xbe\xef"


@pytest.mark.parametrize("seed", ["", "123456", "not base32!", "JBSWY3DP", "JBSWY3DPEHPK3PX1"])
def test_what_is_no_seed_is_refused_without_repeating_it(seed: str) -> None:
    with pytest.raises(TotpSeedInvalidError) as caught:
        read_seed(seed)

    assert not seed or seed not in str(caught.value)
