"""Hashing: argon2id, a bounded number at a time, the same work for nobody as for somebody."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from munshi.errors import PasswordQueueFullError, PasswordUnfitError
from munshi.infrastructure.security.password_rules import check_password, common_passwords
from munshi.infrastructure.security.passwords import WAITING, HashCost, PasswordHashing

CHEAP = HashCost(memory_kib=19_456, passes=2)


@pytest.fixture
def hashing() -> Iterator[PasswordHashing]:
    opened = PasswordHashing(lambda: CHEAP, at_once=1)
    yield opened
    opened.close()


def test_a_hash_is_argon2id_with_a_salt_of_its_own(hashing: PasswordHashing) -> None:
    first, second = hashing.hash("the same words"), hashing.hash("the same words")

    assert first != second
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hashing.matches(first, "the same words")
    assert not hashing.matches(first, "other words")


def test_nobody_costs_a_comparison_too(hashing: PasswordHashing) -> None:
    assert not hashing.matches(None, "anything at all")
    assert hashing.compared == 1


def test_every_character_counts_and_its_spelling_does_not(hashing: PasswordHashing) -> None:
    composed, decomposed = "caf\u00e9 before the market", "cafe\u0301 before the market"
    long = "x" * 200 + "é"

    assert hashing.matches(hashing.hash(composed), decomposed)
    assert not hashing.matches(hashing.hash(composed), composed.upper())
    assert not hashing.matches(hashing.hash(long), "x" * 200 + "e")


def test_what_is_no_hash_matches_nothing(hashing: PasswordHashing) -> None:
    assert not hashing.matches("not a hash", "not a hash")


def test_a_hash_of_other_parameters_is_outdated(hashing: PasswordHashing) -> None:
    dearer = PasswordHashing(lambda: HashCost(memory_kib=19_456, passes=3), at_once=1)

    stored = hashing.hash("some words")

    assert not hashing.is_outdated(stored)
    assert dearer.is_outdated(stored)
    assert dearer.matches(stored, "some words")
    dearer.close()


def test_more_than_may_wait_are_turned_away_and_told_when_to_come_back() -> None:
    going = threading.Event()

    def cost() -> HashCost:
        assert going.wait(30)
        return CHEAP

    hashing = PasswordHashing(cost, at_once=1)
    with ThreadPoolExecutor(1 + WAITING) as pool:
        taken = [pool.submit(hashing.hash, "some words") for _ in range(1 + WAITING)]
        while hashing.free_places:
            going.wait(0.01)

        with pytest.raises(PasswordQueueFullError) as refused:
            hashing.hash("one too many")

        going.set()
        assert all(each.result().startswith("$argon2id$") for each in taken)
    assert refused.value.extra["retry_after"] == 2
    assert hashing.hash("there is room again")
    hashing.close()


@pytest.mark.parametrize(
    "password",
    [
        "heron lantern moss quartet",
        "xK9#mPq2vL$w",
        "पासवर्ड जो कोई नहीं जानता",
        "correct horse battery staple",
        "w" * 3 + "abcdefghij" * 8 + "!",
        "a quiet morning before 09:15",
    ],
)
def test_long_words_of_any_kind_will_do(password: str) -> None:
    check_password(password, username="asha", shortest=12)


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",
        "x" * 257,
        "password1234",
        "Password123!",
        "1qaz2wsx3edc",
        "123456789012",
        "qwertyuiop12",
        "aaaaaaaaaaaaaaa",
        "abababababababab",
        "munshi-munshi-munshi",
        "kitebreeze2026",
        "asha.desai@example.com",
        "asha.desai@example.com1",
        "sunshine2026",
        "\ud800 and eleven more",
    ],
)
def test_what_anybody_would_try_is_refused_without_repeating_it(password: str) -> None:
    with pytest.raises(PasswordUnfitError) as refused:
        check_password(password, username="asha.desai@example.com", shortest=12)

    assert password not in str(refused.value)


def test_every_common_password_of_the_list_is_refused() -> None:
    long_enough = [word for word in common_passwords() if len(word) >= 8]
    let_through = []

    for word in long_enough:
        try:
            check_password(word, username="asha", shortest=8)
        except PasswordUnfitError:
            continue
        let_through.append(word)

    assert len(long_enough) > 3000
    assert let_through == []
