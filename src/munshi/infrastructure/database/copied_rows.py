"""What a row holds while it is copied: whether the other database can take it, and its digest."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Table

from munshi.errors import CopyRowUnfitError
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.database.models.cache_entries import REMADE
from munshi.infrastructure.database.types import (
    Amount,
    Json,
    Name,
    Prose,
    Real,
    Secret,
    TransactionId,
)

Row = Sequence[Any]
# What is wrong with a value, empty where nothing is.
_Check = Callable[[Any], str]
_PLACES = Decimal("0.0001")
_MOST = Decimal(10) ** 14
_DIGEST_SPACE = 1 << 256
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def copied_tables() -> list[Table]:
    """Every table but those of cached answers, parents before those that point to them."""
    return [each for each in metadata.sorted_tables if each not in REMADE]


@lru_cache
def copied_columns(table: Table) -> tuple[Column[Any], ...]:
    """All but the transaction that wrote a row: each server counts its own."""
    return tuple(each for each in table.columns if not isinstance(each.type, TransactionId))


class RowTally:
    """How many rows, and a digest of them in whatever order they come."""

    def __init__(self, table: Table) -> None:
        self._spellers = [
            (place, spell)
            for place, column in enumerate(copied_columns(table))
            if (spell := _speller(column)) is not None
        ]
        self.rows = 0
        self._sum = 0

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            values = list(row)
            for place, spell in self._spellers:
                if values[place] is not None:
                    values[place] = spell(values[place])
            digest = hashlib.sha256(repr(values).encode("utf-8", "surrogatepass")).digest()
            self._sum += int.from_bytes(digest, "big")
            self.rows += 1

    @property
    def digest(self) -> str:
        return f"{self._sum % _DIGEST_SPACE:064x}"


def _speller(column: Column[Any]) -> Callable[[Any], Any] | None:
    """How a value is written down where the databases give it back in different shapes."""
    if isinstance(column.type, Json):
        return _plain
    if isinstance(column.type, Amount):
        return _amount
    return bytes if isinstance(column.type, Secret) else None


def _plain(value: Any) -> Any:  # noqa: ANN401
    """A JSON value as its meaning: jsonb sorts keys, and knows 1e16 as a whole number."""
    if isinstance(value, Mapping):
        return sorted((key, _plain(each)) for key, each in value.items())
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _amount(value: Decimal) -> str:
    return format(value.quantize(_PLACES), "f")


class RowCheck:
    """Refuses what the database that is copied to would refuse, shorten or round."""

    def __init__(self, table: Table, *, dialect: str) -> None:
        self._table = table
        self._columns = copied_columns(table)
        self._checks = [
            (place, check)
            for place, column in enumerate(self._columns)
            if (check := _check(column, dialect)) is not None
        ]

    def refuse_unfit(self, rows: Iterable[Row]) -> None:
        """Raises CopyRowUnfitError, which names table, row and column."""
        for row in rows:
            for place, check in self._checks:
                value = row[place]
                if value is not None and (wrong := check(value)):
                    raise CopyRowUnfitError(
                        f"{self._table.name}, row {self.key_of(row)}, column "
                        f"{self._columns[place].name}: {wrong}.",
                        hint="Change it in the database that is copied, then copy again.",
                    )

    def key_of(self, row: Row) -> str:
        """The row's key as people look for it."""
        keys = [
            f"{column.name} {_shown(row[place])}"
            for place, column in enumerate(self._columns)
            if column.primary_key
        ]
        return ", ".join(keys)


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _check(column: Column[Any], dialect: str) -> _Check | None:
    kind = column.type
    if isinstance(kind, Name):
        return _within(kind.length, dialect)
    if dialect == "sqlite":
        return _unfit_real if isinstance(kind, Real) else None
    if isinstance(kind, Prose):
        return _unfit_text
    if isinstance(kind, Json):
        return _unfit_document
    return _unfit_amount if isinstance(kind, Amount) else None


def _within(length: int, dialect: str) -> _Check:
    def check(value: str) -> str:
        if len(value) > length:
            return f"text of {len(value)} characters, and {length} are allowed"
        return "" if dialect == "sqlite" else _unfit_text(value)

    return check


def _unfit_text(value: str) -> str:
    if "\0" in value:
        return "text with a NUL character, which PostgreSQL does not keep"
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return "text with half a character, which PostgreSQL does not keep"
    return ""


def _unfit_document(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, str):
        return _unfit_text(value)
    if isinstance(value, Mapping):
        return next(
            filter(None, (_unfit_text(k) or _unfit_document(v) for k, v in value.items())), ""
        )
    if isinstance(value, list):
        return next(filter(None, map(_unfit_document, value)), "")
    if isinstance(value, float) and not math.isfinite(value):
        return f"the number {value}, which JSON does not know"
    return ""


def _unfit_amount(value: Decimal) -> str:
    if not value.is_finite() or abs(value) >= _MOST:
        return f"the amount {value}, which has more than 14 digits"
    return "" if value == value.quantize(_PLACES) else f"the amount {value}, which would be rounded"


def _unfit_real(value: float) -> str:
    return "the number NaN, which SQLite does not keep" if math.isnan(value) else ""


def document_text(value: Any) -> str:  # noqa: ANN401
    """A JSON value as `types.Json` writes it."""
    return _ENCODER.encode(value)
