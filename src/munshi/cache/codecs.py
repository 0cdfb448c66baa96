"""Values to bytes and back: JSON and MessagePack, never pickle."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from munshi.errors import CacheValueUnfitError

CODECS: Mapping[str, Any] = MappingProxyType({"json": msgspec.json, "msgpack": msgspec.msgpack})


class Codec:
    """Turns what a shelf `holds` into bytes. What is read is checked against the same type."""

    def __init__(self, name: str, holds: Any) -> None:  # noqa: ANN401 - a type as it is written
        module = CODECS[name]
        self._encode: Callable[[object], bytes] = module.Encoder().encode
        self._decode: Callable[[bytes | memoryview], Any] = module.Decoder(holds).decode

    def encode(self, value: object) -> tuple[bytes, Any]:
        """The bytes, and the value as it will be read. Raises CacheValueUnfitError."""
        try:
            data = self._encode(value)
            return data, self._decode(data)
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError):
            # What is wrong with it might quote the value.
            raise CacheValueUnfitError(
                f"A value of the type {type(value).__name__} does not fit its shelf of the cache."
            ) from None

    def decode(self, data: bytes | memoryview) -> Any:  # noqa: ANN401
        """Raises ValueError for bytes that are no value of the shelf."""
        try:
            return self._decode(data)
        except (msgspec.MsgspecError, RecursionError):
            raise ValueError("of another type") from None
