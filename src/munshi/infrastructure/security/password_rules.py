"""What a password must be: long, and neither common nor named after this place."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from munshi.errors import PasswordUnfitError

LONGEST = 256
# What is left of a password without the words anybody would try.
OWN_CHARACTERS = 8
OWN_LETTERS = 5
SHORTEST_WORD = 5
CONTEXT = ("munshi", "kite", "zerodha", "breeze", "icici", "nifty", "password")
_LIST = files("munshi.infrastructure.security") / "data" / "common_passwords.txt"


def check_password(password: str, *, username: str, shortest: int) -> None:
    """Raise PasswordUnfitError, which never repeats the password.

    After NIST SP 800-63B and ASVS 6.2: any character may be used and none must be; there is no
    rule on kinds of characters. A password that is a common one, or has little besides one, is
    refused, as one made of the user's name or of words of this product.
    """
    if not shortest <= len(password) <= LONGEST:
        raise PasswordUnfitError(
            f"A password has {shortest} to {LONGEST} characters; this one has {len(password)}.",
            hint="Several words in a row are easy to keep and hard to guess.",
        )
    if any("\ud800" <= each <= "\udfff" or each == "\0" for each in password):
        raise PasswordUnfitError("The password holds a character that cannot be kept.")
    plain = password.lower()
    if len(set(plain)) < OWN_LETTERS:
        raise PasswordUnfitError("The password repeats very few characters.")
    words = (*CONTEXT, *(part for part in (username, *username.split("@")) if len(part) > 1))
    if len(_without(plain, words)) < OWN_CHARACTERS:
        raise PasswordUnfitError(
            "The password is little more than the name of the user or of this product."
        )
    if _is_common(plain):
        raise PasswordUnfitError(
            "The password is one that many people use, or little more than one.",
            hint="Use something nobody else would think of, or several words in a row.",
        )


@cache
def common_passwords() -> frozenset[str]:
    """About thirty thousand, in small letters; read when the first password is chosen."""
    lines = _LIST.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("# "))


def _is_common(plain: str) -> bool:
    """Whether a common password leaves fewer than OWN_CHARACTERS of it."""
    known = common_passwords()
    least = max(SHORTEST_WORD, len(plain) - OWN_CHARACTERS + 1)
    return any(
        plain[start : start + length] in known
        for length in range(least, len(plain) + 1)
        for start in range(len(plain) - length + 1)
    )


def _without(plain: str, words: Iterable[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        plain = plain.replace(word, "")
    return plain
