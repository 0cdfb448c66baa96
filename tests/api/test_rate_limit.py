"""How often Munshi may be called, by whom."""

import asyncio

import pytest

from apis import slug
from clocks import FakeClock
from crowd import OWNER, House
from munshi.api import rate_limit
from munshi.api.rate_limit import RateLimiter
from munshi.api.roles import Principal, Role
from munshi.domain.config_keys import API, RATE_LIMIT_PER_MINUTE
from munshi.errors import RateLimitExceededError

STRANGER = Principal(name="anonymous", role=Role.PUBLIC)


def limit_to(house: House, number: int) -> None:
    house.desk.services.config.set(API, RATE_LIMIT_PER_MINUTE, number, actor=OWNER)


def test_a_user_who_calls_too_often_is_told_when_to_come_back(house: House) -> None:
    limit_to(house, 10)
    browser, other = house.browser("omar"), house.browser("vera")

    answers = [browser.get("/people/me") for _ in range(11)]

    assert [answer.status for answer in answers] == [200] * 10 + [429]
    assert slug(answers[-1]) == "rate-limit-exceeded"
    assert 0 < int(answers[-1].headers["retry-after"]) <= 120
    assert other.get("/people/me").status == 200


def test_a_key_is_counted_apart_from_its_owner(house: House) -> None:
    limit_to(house, 10)
    browser = house.browser("omar")
    key = {"authorization": f"Bearer {house.api_key('omar')}"}

    by_key = [house.caller.get("/people/me", headers=key).status for _ in range(11)]

    assert by_key == [200] * 10 + [429]
    assert browser.get("/people/me").status == 200


def test_a_foreign_address_is_counted_before_it_signs_in(house: House) -> None:
    limit_to(house, 10)
    there = ("192.0.2.9", 40_000)

    answers = [house.caller.get("/health/live", peer=there).status for _ in range(11)]

    assert answers == [200] * 10 + [429]
    assert house.caller.get("/health/live", peer=("192.0.2.10", 40_000)).status == 200


def test_the_local_operator_is_not_counted(house: House) -> None:
    limit_to(house, 10)

    assert {house.caller.get("/jobs/recent").status for _ in range(30)} == {200}


def test_event_streams_of_the_known_are_not_counted(house: House) -> None:
    limit_to(house, 10)
    browser = house.browser("omar")
    unknown = "/jobs/5f0c9d8e-0000-4000-8000-000000000000/events"

    assert {browser.get(unknown).status for _ in range(12)} == {404}
    assert browser.get("/people/me").status == 200


def test_another_limit_counts_within_a_second(house: House) -> None:
    limit_to(house, 10)
    browser = house.browser("omar")
    for _ in range(10):
        browser.get("/people/me")
    assert browser.get("/people/me").status == 429

    limit_to(house, 100)
    house.desk.clock.sleep(1)

    assert browser.get("/people/me").status == 200


def admitted(limiter: RateLimiter, peer: str = "192.0.2.1") -> bool:
    try:
        asyncio.run(limiter.admit(STRANGER, peer=peer, path="/"))
    except RateLimitExceededError:
        return False
    return True


def test_a_caller_at_full_speed_gets_the_limit_in_any_minute(clock: FakeClock) -> None:
    limiter = RateLimiter(lambda: 60, clock.monotonic)
    granted = []

    for _ in range(1200):  # ten minutes, twice a second
        clock.sleep(0.5)
        if admitted(limiter):
            granted.append(clock.monotonic())

    windows = [sum(1 for at in granted if start < at <= start + 60) for start in range(0, 540, 7)]
    assert max(windows) <= 72  # reckoned from two windows: a fifth too many at the worst
    assert len(granted) > 450


def test_after_the_wait_that_was_told_the_next_is_admitted(clock: FakeClock) -> None:
    limiter = RateLimiter(lambda: 10, clock.monotonic)
    clock.sleep(17)

    for _ in range(200):
        try:
            asyncio.run(limiter.admit(STRANGER, peer="192.0.2.1", path="/"))
        except RateLimitExceededError as refused:
            wait = refused.extra["retry_after"]
            assert isinstance(wait, float)
            assert 0 < wait <= 120
            clock.sleep(wait + 0.001)
            assert admitted(limiter)


def test_the_memory_of_callers_is_bounded(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "MOST_CALLERS", 3)
    limiter = RateLimiter(lambda: 10, clock.monotonic)

    for number in range(50):
        assert admitted(limiter, f"192.0.2.{number}")

    assert limiter.remembered == 3
