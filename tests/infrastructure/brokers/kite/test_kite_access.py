"""Kite's checksum and login link."""

from urllib.parse import parse_qs, urlsplit

from munshi.infrastructure.brokers.kite.access import KiteAccess, session_checksum
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints


def test_the_checksum_is_the_golden_one() -> None:
    checksum = session_checksum(
        api_key="kitekey", request_token="reqtok123", api_secret="kitesecret"
    )

    assert checksum == "0b9ec475219ad7afc4cb29353f02d038d77f355885410ac8fad92c906da357f1"


def test_the_login_link_is_kites_own_page() -> None:
    link = KiteEndpoints.live().login_url("kitekey")

    assert link == "https://kite.zerodha.com/connect/login?v=3&api_key=kitekey"


def test_what_is_to_come_back_on_the_redirect_travels_as_one_encoded_query() -> None:
    link = KiteEndpoints.live().login_url(
        "kitekey", redirect_params={"state": "a&b=c", "more": "x y"}
    )

    query = parse_qs(urlsplit(link).query)
    assert parse_qs(query["redirect_params"][0]) == {"state": ["a&b=c"], "more": ["x y"]}


def test_the_token_stays_out_of_the_repr() -> None:
    access = KiteAccess(api_key="kitekey", access_token="s3cr3t")

    assert "s3cr3t" not in repr(access)
    assert access.headers() == {"Authorization": "token kitekey:s3cr3t"}
