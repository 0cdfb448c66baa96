"""The column types every table uses. On SQLite each is INTEGER, REAL, TEXT or BLOB (STRICT)."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    DATE,
    REAL,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    Uuid,
)
from sqlalchemy.dialects import mssql, postgresql
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import TypeCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine, Unicode, UserDefinedType

from munshi.infrastructure.security.vault import Sealed

JsonValue = Mapping[str, Any] | list[Any] | str | int | float | bool | None


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC with microseconds. Naive values are refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return Text()
        if dialect.name == "mssql":
            return mssql.DATETIME2(6)  # type: ignore[no-untyped-call]
        return postgresql.TIMESTAMP(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        utc = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return to_text(utc)
        return utc.replace(tzinfo=None) if dialect.name == "mssql" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return datetime.fromisoformat(value)
        if dialect.name == "mssql":
            return value.replace(tzinfo=UTC)  # type: ignore[no-any-return]
        return value.astimezone(UTC)  # type: ignore[no-any-return]


def to_text(utc: datetime) -> str:
    """Fixed width, so that text order is time order."""
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


class Day(TypeDecorator[date]):
    """A calendar day."""

    impl = Date
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Text() if dialect.name == "sqlite" else DATE()

    def process_bind_param(self, value: date | None, dialect: Dialect) -> Any:
        return value.isoformat() if value and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> date | None:
        return date.fromisoformat(value) if value and dialect.name == "sqlite" else value


class Name(TypeDecorator[str]):
    """Text of a bounded length that may be indexed."""

    impl = Unicode
    cache_ok = True

    def __init__(self, length: int = 100) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Text() if dialect.name == "sqlite" else Unicode(self.length)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and len(value) > self.length:
            raise ValueError(f"text of {len(value)} characters in a column of {self.length}")
        return None if value is None else str(value)


class Prose(TypeDecorator[str]):
    """Text of any length."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return mssql.NVARCHAR(None) if dialect.name == "mssql" else Text()


class Json(TypeDecorator[JsonValue]):
    """A JSON document; text, jsonb or nvarchar(max)."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return postgresql.JSONB(none_as_null=True)
        return mssql.NVARCHAR(None) if dialect.name == "mssql" else Text()

    def process_bind_param(self, value: JsonValue, dialect: Dialect) -> Any:
        if value is None:
            return None
        if dialect.name == "postgresql":
            return dict(value) if isinstance(value, Mapping) else value
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=dict)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return json.loads(value)


class Flag(TypeDecorator[bool]):
    """True or false."""

    impl = Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Integer() if dialect.name == "sqlite" else Boolean(create_constraint=False)

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> Any:  # noqa: FBT001
        return int(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> bool | None:
        return None if value is None else bool(value)


class RowUuid(TypeDecorator[UUID]):
    """A key made by the application before the insert."""

    impl = Uuid
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Text() if dialect.name == "sqlite" else Uuid()

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        return UUID(value) if value is not None and dialect.name == "sqlite" else value


class Amount(TypeDecorator[Decimal]):
    """Money or a strike: exact, four places."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Text() if dialect.name == "sqlite" else Numeric(18, 4)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


def _octets(dialect: Dialect) -> TypeEngine[Any]:
    if dialect.name == "mssql":
        return mssql.VARBINARY("max")  # type: ignore[no-untyped-call]
    return LargeBinary()


class Secret(TypeDecorator[bytes]):
    """Ciphertext bound to its row by the vault. Takes `Sealed` and nothing else."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _octets(dialect)

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        if value is not None and not isinstance(value, Sealed):
            raise TypeError("a secret column takes only what the vault has sealed")
        return None if value is None else bytes(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Sealed | None:
        return None if value is None else Sealed(value)


class Octets(TypeDecorator[bytes]):
    """Bytes as they are."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _octets(dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else bytes(value)


class Digest(TypeDecorator[bytes]):
    """A SHA-256 value; short enough to be indexed on SQL Server."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return mssql.BINARY(32) if dialect.name == "mssql" else LargeBinary()

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else bytes(value)


class Whole(TypeDecorator[int]):
    """A 64-bit whole number."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Integer() if dialect.name == "sqlite" else BigInteger()


class Real(TypeDecorator[float]):
    """A double."""

    impl = REAL
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return postgresql.DOUBLE_PRECISION()
        return mssql.FLOAT(53) if dialect.name == "mssql" else REAL()


class TransactionId(UserDefinedType[Any]):
    """Which transaction wrote the row, by the server's own count; SQLite has one writer."""

    cache_ok = True


# What drift is checked with must know the type when it reads it back.
PGDialect.ischema_names["xid8"] = TransactionId
_TRANSACTION_ID_SPELLING = {"postgresql": "XID8", "mssql": "ROWVERSION", "sqlite": "INTEGER"}


@compiles(TransactionId)
def _spell_transaction_id(_: TransactionId, compiler: TypeCompiler, **__: Any) -> str:
    return _TRANSACTION_ID_SPELLING[compiler.dialect.name]
