"""Secrets in what an old install wrote down: in their place stands a fingerprint."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

_NAMES = (
    r"tokens?|secrets?|passw(?:or)?d|passwd|authorization|checksum|api_?session|session_?key|"
    r"api_?key|totp|credentials?|private_?key"
)
_SHORT_NAMES = r"otp|mpin|pin|seed|cookie|pwd|bearer"
_ENDS = r"(?:_?(?:value|new|old|encrypted|hash|\d+))*$"
_SECRET_NAME = re.compile(rf"(?i)(?:(?:{_NAMES})|(?:^|[^a-z])(?:{_SHORT_NAMES})){_ENDS}")
_SAID = re.compile(
    rf"(?i)((?:(?:{_NAMES})|(?<![a-z])(?:{_SHORT_NAMES}))[\"']?\s*[=:]\s*[\"']?"
    r"(?:(?:token|bearer|basic)\s+)?)([^\s\"'&,;)}<>\[\]\ue000]+)"
)
_WORD = re.compile(r"[A-Za-z0-9_\-]{8,}")
_RUN = re.compile(r"[A-Za-z0-9+]{20,}={0,2}")
_HEX = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
_TURNS = re.compile(r"[0-9]{1,99}[A-Za-z+]{1,99}[0-9]")
_MARK = re.compile(r"\ue000(\d+)\ue001")
_SHORTEST = 6


def is_secret_name(name: str) -> bool:
    """Whether what bears this name is a secret, such as `kite_api_secret` or `accessToken`."""
    return _SECRET_NAME.search(name) is not None


class KnownSecrets:
    """Secrets of an old install, to be found wherever they stand; plain and as in an address."""

    def __init__(self, known: Iterable[str]) -> None:
        spelt = {each for each in map(str.strip, known) if len(each) >= _SHORTEST}
        spelt |= {quote(each, safe="") for each in spelt}
        # A year of logins is a thousand tokens: each is looked up by a word in it, not searched.
        self._by_word: dict[str, list[str]] = defaultdict(list)
        short = []
        for secret in sorted(spelt, key=len, reverse=True):
            words = _WORD.findall(secret)
            if words:
                self._by_word[max(words, key=len)].append(secret)
            else:
                short.append(secret)
        self._short = re.compile("|".join(map(re.escape, short))) if short else None

    def replace(self, text: str, mark: Callable[[str], str]) -> str:
        if self._short is not None:
            text = self._short.sub(lambda match: mark(match[0]), text)
        if self._by_word:
            for word in set(_WORD.findall(text)) & self._by_word.keys():
                for secret in self._by_word[word]:
                    if secret in text:
                        text = text.replace(secret, mark(secret))
        return text


class Redactor:
    """Puts `{"fingerprint": …}` or `(secret …)` where a secret stood.

    Equal secrets have equal fingerprints, so that what changed can still be followed.
    """

    def __init__(self, known: KnownSecrets, *, fingerprint: Callable[[str], str]) -> None:
        self._known = known
        self._fingerprint = fingerprint

    def value(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """JSON, with secrets by name, by their looks and by having been kept elsewhere, gone."""
        if isinstance(value, dict):
            return {
                self.text(str(name)): self.secret(inner)
                if is_secret_name(str(name))
                else self.value(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self.value(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value

    def secret(self, value: object) -> object:
        """What is kept of a value that is a secret by its place."""
        if value is None or isinstance(value, bool) or value == "":
            return value
        if isinstance(value, dict):
            return {self.text(str(name)): self.secret(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.secret(inner) for inner in value]
        return {"fingerprint": self._fingerprint(str(value))}

    def text(self, text: str) -> str:
        """Prose without the secrets in it."""
        secrets: list[str] = []

        def mark(secret: str) -> str:
            secrets.append(secret)
            return f"\ue000{len(secrets) - 1}\ue001"

        text = text.replace("\ue000", "").replace("\ue001", "")
        text = self._known.replace(text, mark)
        text = _SAID.sub(lambda match: match[1] + mark(match[2]), text)
        text = _RUN.sub(lambda match: mark(match[0]) if _is_random(match[0]) else match[0], text)
        return _MARK.sub(
            lambda match: f"(secret {self._fingerprint(_unmarked(secrets, match))})", text
        )


def _is_random(run: str) -> bool:
    """Letters and digits by turns, which is no word, no id and no hash: a token, most likely."""
    return _TURNS.search(run) is not None and _HEX.fullmatch(run) is None


def _unmarked(secrets: list[str], match: re.Match[str]) -> str:
    """The secret, which may have had a known one within it."""
    secret = secrets[int(match[1])]
    return _MARK.sub(lambda inner: _unmarked(secrets, inner), secret)
