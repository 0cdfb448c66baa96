"""The shape of a broker limit in the configuration: one, or several with their first days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from munshi.domain.config_values import Document, Whole
from munshi.errors import ConfigValueInvalidError

MOST_ENTRIES = 20
_SINCE = "since"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDay:
    """A day as `2026-12-01`."""

    kind: str = "day"

    def check(self, value: object, *, name: str) -> None:
        try:
            if isinstance(value, str) and date.fromisoformat(value).isoformat() == value:
                return
        except ValueError:
            pass
        raise ConfigValueInvalidError(f"{name} must be a day like 2026-12-01.")


_ENTRY = Document(
    fields=MappingProxyType(
        {
            "requests": Whole(smallest=1, largest=10_000),
            "seconds": Whole(smallest=1, largest=86_400),
            "daily": Whole(smallest=1, largest=10_000_000),
            _SINCE: FirstDay(),
        }
    ),
    optional=frozenset({"daily", _SINCE}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitEntries:
    """A limit, or a list of them by `since`; only the first may be without one."""

    kind: str = "limit"

    def check(self, value: object, *, name: str) -> None:
        if not isinstance(value, list):
            _ENTRY.check(value, name=name)
            return
        if not value or len(value) > MOST_ENTRIES:
            raise ConfigValueInvalidError(f"{name} must be a list of 1 to {MOST_ENTRIES} limits.")
        for at, entry in enumerate(value):
            _ENTRY.check(entry, name=f"{name}[{at}]")
        days = [entry.get(_SINCE, "") for entry in value]
        if days != sorted(set(days)):
            raise ConfigValueInvalidError(f"{name} must name each first day once, in order.")


def limit_entries(value: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 - any JSON that fits
    """A stored value as a list, in the order of the first days."""
    return list(value) if isinstance(value, list) else [value]
