"""A shelf of the cache: what it holds, for how long, and what makes that no good any more."""

import re
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from munshi.cache.codecs import CODECS
from munshi.domain.cache import WATCHED_TABLES
from munshi.infrastructure.database.secret_columns import secret_column_names
from munshi.infrastructure.security.purposes import PURPOSES

T = TypeVar("T")
_NAME = re.compile(r"[a-z][a-z_]{1,39}")
LONGEST_SECONDS = 7 * 86_400.0
_info = msgspec.inspect
_IMMUTABLE = (
    *(_info.NoneType, _info.BoolType, _info.IntType, _info.FloatType, _info.StrType),
    *(_info.BytesType, _info.DecimalType, _info.UUIDType, _info.EnumType, _info.LiteralType),
    *(_info.DateType, _info.TimeType, _info.DateTimeType, _info.TimeDeltaType),
)


@dataclass(frozen=True, kw_only=True)  # `Shelf[T](…)` notes its T on what it makes
class Shelf(Generic[T]):
    """Declared once, at the head of the module that fills it.

    No secret can be kept: a shelf whose values have a field named like a sealed column, or a type
    of the vault's, or that depends on a table with secrets, is refused when it is opened, and so
    is one that does not say what it holds.

    A value is fresh for `fresh_seconds`. For `stale_seconds` more it is still handed out while
    one caller works out the next one behind the scenes; the same happens some time before, the
    earlier the longer it takes. None is kept for `negative_seconds`, or not at all. A change of
    one of the `tables`, by whoever, makes the value no good at once.

    Values of frozen dataclasses, tuples and plain values are shared by all callers of the
    process; of anything that can be changed each caller gets a copy of his own.
    """

    name: str
    holds: Any
    fresh_seconds: float
    stale_seconds: float = 0.0
    negative_seconds: float = 0.0
    tables: tuple[str, ...] = ()
    codec: str = "msgpack"
    most_bytes: int = 1_000_000

    def check(self) -> bool:
        """Whether its values can be shared. Raises ValueError, TypeError for a wrong shelf."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name for a shelf")
        if self.codec not in CODECS:
            raise ValueError(f"{self.name} has the codec {self.codec!r}, not {' or '.join(CODECS)}")
        if unwatched := sorted(set(self.tables) - WATCHED_TABLES):
            raise ValueError(f"{self.name} depends on {unwatched[0]}, whose changes nobody counts")
        if secret := sorted(set(self.tables) & PURPOSES.keys()):
            raise TypeError(f"{self.name} depends on {secret[0]}, which holds secrets")
        life = self.fresh_seconds + self.stale_seconds
        if not 0 < life <= LONGEST_SECONDS or not 0 <= self.negative_seconds <= LONGEST_SECONDS:
            raise ValueError(f"{self.name} keeps its values for too long, or not at all")
        return _is_immutable(msgspec.inspect.type_info(self.holds), self.name, set())


def _is_immutable(found: msgspec.inspect.Type, shelf: str, seen: set[object]) -> bool:
    """Looks at every part, because each may be a secret."""
    if isinstance(found, _info.Metadata):
        return _is_immutable(found.type, shelf, seen)
    if isinstance(found, _IMMUTABLE):
        return True
    if isinstance(found, _info.CustomType | _info.AnyType | _info.RawType):
        raise TypeError(f"{shelf} holds {found}, of which nobody knows whether it is secret")
    if isinstance(found, _info.DataclassType | _info.TypedDictType | _info.StructType):
        if found.cls in seen:
            return True
        seen.add(found.cls)
        if secret := sorted({each.name for each in found.fields} & secret_column_names()):
            raise TypeError(f"{shelf} holds {found.cls.__name__}.{secret[0]}, which is a secret")
        parts = [_is_immutable(each.type, shelf, seen) for each in found.fields]
        return all(parts) and _is_frozen(found)
    parts = [_is_immutable(each, shelf, seen) for each in _parts(found)]
    kept = _info.TupleType | _info.VarTupleType | _info.FrozenSetType | _info.UnionType
    return all(parts) and isinstance(found, kept)


def _is_frozen(found: msgspec.inspect.Type) -> bool:
    if isinstance(found, _info.DataclassType):
        return bool(vars(found.cls)["__dataclass_params__"].frozen)
    return isinstance(found, _info.StructType) and bool(found.cls.__struct_config__.frozen)


def _parts(found: msgspec.inspect.Type) -> list[msgspec.inspect.Type]:
    if isinstance(found, _info.UnionType):
        return list(found.types)
    if isinstance(found, _info.TupleType):
        return list(found.item_types)
    if isinstance(found, _info.DictType):
        return [found.key_type, found.value_type]
    if isinstance(found, _info.CollectionType):
        return [found.item_type]
    if isinstance(found, _info.ByteArrayType):
        return []
    raise TypeError(f"{found} cannot be kept")
