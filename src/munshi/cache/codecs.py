"""Values to bytes and back: JSON and MessagePack, never pickle."""

import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from munshi.errors import CacheValueUnfitError

CODECS: Mapping[str, Any] = MappingProxyType({"json": msgspec.json, "msgpack": msgspec.msgpack})
# What a negative entry, and one that was deleted, has in place of a codec.
NOTHING = "none"
checksum = zlib.crc32


class Codec:
    """Turns what a shelf `holds` into bytes. What is read is checked against the same type."""

    def __init__(self, name: str, holds: Any) -> None:  # noqa: ANN401 - a type as it is written
        self.name = name
        module = CODECS[name]
        self._encode: Callable[[object], bytes] = module.Encoder().encode
        self.decode: Callable[[bytes], Any] = module.Decoder(holds).decode

    def encode(self, value: object) -> tuple[bytes, Any]:
        """The bytes, and the value as it will be read. Raises CacheValueUnfitError."""
        try:
            data = self._encode(value)
            return data, self.decode(data)
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError):
            # What is wrong with it might quote the value.
            raise CacheValueUnfitError(
                f"A value of the type {type(value).__name__} does not fit its shelf."
            ) from None

    def read(self, data: bytes, *, name: str, crc: int) -> Any:  # noqa: ANN401
        """Raises ValueError if the bytes are damaged, of another codec or of another type."""
        if name != self.name or checksum(data) != crc:
            raise ValueError("damaged, or of another codec")
        try:
            return self.decode(data)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ValueError("of another type") from error
