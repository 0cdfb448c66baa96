"""A shelf says what it holds, and what may not be kept is refused before anything is."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from caches import LISTED, PRICES, WORDS
from munshi.cache.shelf import Shelf
from munshi.domain.sessions import AuthSession
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.database.secret_columns import secret_column_names
from munshi.infrastructure.security.purposes import PURPOSES
from munshi.infrastructure.security.vault import Sealed


@dataclass(frozen=True)
class Login:
    """What a careless hand might want to keep."""

    user: str
    access_token: str


@dataclass(frozen=True)
class Team:
    """It stands deeper."""

    logins: tuple[Login, ...]


@dataclass
class Open:
    """Not frozen."""

    price: Decimal


def shelf(holds: object, **more: object) -> Shelf[Any]:
    chosen: dict[str, Any] = {"name": "tried", "holds": holds, "fresh_seconds": 60.0, **more}
    return Shelf[Any](**chosen)


@pytest.mark.parametrize(
    "holds", [Login, tuple[Login, ...], dict[str, Team], Login | None, AuthSession]
)
def test_what_has_a_field_named_like_a_sealed_column_is_refused(holds: object) -> None:
    with pytest.raises(TypeError, match="which is a secret"):
        shelf(holds).check()


@pytest.mark.parametrize("holds", [Sealed, SecretStr, Any, dict[str, Any], object])
def test_what_may_be_a_secret_without_anybody_knowing_is_refused(holds: object) -> None:
    with pytest.raises(TypeError, match="nobody knows whether it is secret"):
        shelf(holds).check()


def test_no_shelf_depends_on_a_table_that_holds_secrets() -> None:
    for table in PURPOSES:
        with pytest.raises((TypeError, ValueError), match="depends on"):
            shelf(int, tables=(table,)).check()
    assert "access_token" in secret_column_names()
    assert set(PURPOSES) <= set(metadata.tables)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "No Name"},
        {"codec": "pickle"},
        {"tables": ("Alerts",)},
        {"fresh_seconds": 0.0},
        {"fresh_seconds": 1e9},
        {"negative_seconds": -1.0},
    ],
)
def test_a_shelf_that_could_not_work_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        shelf(int, **wrong).check()


def test_what_cannot_be_changed_is_shared_and_all_else_copied() -> None:
    assert PRICES.check()
    assert LISTED.check()
    assert not WORDS.check()
    assert not shelf(tuple[Open, ...]).check()
    assert not shelf(dict[str, int]).check()
