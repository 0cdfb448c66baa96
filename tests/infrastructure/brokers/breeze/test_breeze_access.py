"""Breeze's signature and login link."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from munshi.infrastructure.brokers.breeze.access import (
    BreezeAccess,
    body_checksum,
    signing_time,
)
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints

ACCESS = BreezeAccess(
    app_key="breezekey",
    secret_key="breezesecret",
    session_token="QUIxMjM0NTY6OTk4ODc3NjY=",
)


@pytest.mark.parametrize(
    ("body", "checksum"),
    [
        ("{}", "7fe8d9003ca464ca9c7feee7495fc3d30aa4fd167fd0e18b48728465fdf87c69"),
        (
            '{"stock_code":"NIFTY","exchange_code":"NFO"}',
            "ab48c4dcb7193503003f540f0402e7576e91ada9b2b9c5ba2e79183c27db2b68",
        ),
    ],
)
def test_the_checksum_is_the_golden_one(body: str, checksum: str) -> None:
    signed = body_checksum(body, timestamp="2026-11-20T04:15:00.000Z", secret_key="breezesecret")

    assert signed == checksum


def test_the_signing_time_is_utc_in_whole_seconds() -> None:
    ist = timezone(timedelta(hours=5, minutes=30))

    text = signing_time(datetime(2026, 11, 20, 9, 45, 0, 987654, tzinfo=ist))

    assert text == "2026-11-20T04:15:00.000Z"


def test_a_signed_call_carries_five_headers() -> None:
    headers = ACCESS.signed_headers("{}", now=datetime(2026, 11, 20, 4, 15, tzinfo=UTC))

    assert headers == {
        "Content-Type": "application/json",
        "X-Checksum": ("token 7fe8d9003ca464ca9c7feee7495fc3d30aa4fd167fd0e18b48728465fdf87c69"),
        "X-Timestamp": "2026-11-20T04:15:00.000Z",
        "X-AppKey": "breezekey",
        "X-SessionToken": "QUIxMjM0NTY6OTk4ODc3NjY=",
    }


def test_the_login_link_quotes_the_app_key() -> None:
    link = BreezeEndpoints.live().login_url("a+b/c=#&1")

    assert link == "https://api.icicidirect.com/apiuser/login?api_key=a%2Bb%2Fc%3D%23%261"


def test_secrets_stay_out_of_the_repr() -> None:
    assert "breezesecret" not in repr(ACCESS)
    assert ACCESS.session_token not in repr(ACCESS)
