"""Guessing is slow, from one address or many, and shuts nobody out for good."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from crowd import OTHER_PASSWORD, PASSWORD, VISITOR, Crowd
from munshi.domain.audit import Actor
from munshi.errors import AppError, SignInRefusedError, SignInThrottledError
from munshi.people.throttle import (
    FREE_FAILURES,
    FREE_FAILURES_OF_ADDRESS,
    LONGEST_WAIT,
    network_of,
    wait_after,
)


def at(address: str) -> Actor:
    return Actor(user_id="anonymous", ip_address=address)


def guess(crowd: Crowd, name: str, *, actor: Actor = VISITOR) -> type[AppError]:
    """What a wrong password gets."""
    try:
        crowd.people.sign_ins.sign_in(name, OTHER_PASSWORD, user_agent=None, actor=actor)
    except (SignInRefusedError, SignInThrottledError) as refused:
        return type(refused)
    pytest.fail("a wrong password was let in")


def test_the_wait_doubles_and_has_an_end() -> None:
    waits = [wait_after(failures, 5).total_seconds() for failures in (0, 4, 5, 6, 7, 14, 15, 10**9)]

    assert waits == [0, 0, 1, 2, 4, 512, 900, 900]


def test_an_account_attacked_from_many_addresses_is_closed_to_strangers(crowd: Crowd) -> None:
    crowd.add("asha")

    got = [guess(crowd, "asha", actor=at(f"198.51.100.{n}")) for n in range(FREE_FAILURES + 3)]

    assert got[:FREE_FAILURES] == [SignInRefusedError] * FREE_FAILURES
    assert set(got[FREE_FAILURES:]) == {SignInThrottledError}


def test_the_owner_gets_in_from_where_they_usually_are(crowd: Crowd) -> None:
    crowd.add("asha")
    home = at("192.0.2.77")
    crowd.sign_in("asha", actor=home)
    for n in range(FREE_FAILURES + 3):
        guess(crowd, "asha", actor=at(f"198.51.100.{n}"))

    assert crowd.sign_in("asha", actor=home)
    assert guess(crowd, "asha", actor=at("198.51.100.99")) is SignInThrottledError


def test_the_owner_gets_in_from_anywhere_after_the_longest_wait(crowd: Crowd) -> None:
    crowd.add("asha")
    for _ in range(30):
        guess(crowd, "asha")
        crowd.clock.advance(timedelta(minutes=5))

    crowd.clock.advance(LONGEST_WAIT)

    assert crowd.sign_in("asha")


def test_refused_attempts_do_not_lengthen_the_wait(crowd: Crowd) -> None:
    crowd.add("asha")
    for _ in range(50):
        guess(crowd, "asha")

    crowd.clock.advance(timedelta(seconds=1))

    assert crowd.sign_in("asha")


def test_an_address_that_tries_many_names_has_to_wait(crowd: Crowd) -> None:
    crowd.add("asha")
    got = [guess(crowd, f"name{n}") for n in range(FREE_FAILURES_OF_ADDRESS + 1)]

    assert got[-1] is SignInThrottledError
    assert set(got[:-1]) == {SignInRefusedError}
    with pytest.raises(SignInThrottledError):
        crowd.sign_in("asha")
    assert crowd.sign_in("asha", actor=at("203.0.113.4"))


def test_names_that_do_not_exist_are_counted_like_those_that_do(crowd: Crowd) -> None:
    crowd.add("asha")

    known = [guess(crowd, "asha", actor=at("198.51.100.1")) for _ in range(8)]
    unknown = [guess(crowd, "nobody", actor=at("198.51.100.2")) for _ in range(8)]

    assert known == unknown


def test_guesses_at_one_moment_are_counted_one_by_one(crowd: Crowd) -> None:
    crowd.add("asha")

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: guess(crowd, "asha"), range(8)))

    assert got.count(SignInRefusedError) == FREE_FAILURES


def test_a_success_forgets_the_failures_of_the_account(crowd: Crowd) -> None:
    crowd.add("asha")
    for _ in range(FREE_FAILURES - 1):
        guess(crowd, "asha")

    crowd.people.sign_ins.sign_in("asha", PASSWORD, user_agent=None, actor=VISITOR)

    got = [guess(crowd, "asha") for _ in range(FREE_FAILURES)]
    assert set(got) == {SignInRefusedError}


def test_what_is_a_day_old_is_forgotten(crowd: Crowd) -> None:
    for n in range(4):
        guess(crowd, f"name{n}", actor=at(f"198.51.100.{n}"))
    crowd.clock.advance(timedelta(days=1, seconds=1))

    guess(crowd, "another")

    with crowd.database.reading() as tx:
        left = tx.connection.exec_driver_sql('SELECT count(*) FROM "SignInThrottle"').scalar()
    assert left == 3


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
        ("not an address", "not an address"),
    ],
)
def test_a_caller_is_an_address_or_a_network_of_version_6(address: str, network: str) -> None:
    assert network_of(address) == network
