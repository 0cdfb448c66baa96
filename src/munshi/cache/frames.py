"""What stands before each stored value, by which a reader judges it without another read.

    0  format, 1      1  codec       2  length of the tags   4  CRC-32 of all that follows
    8  tags seen     16  tables seen                        24  fresh until   32  good until
   40  seconds it took to work out   44  tags, a line each, then the value

Little-endian; instants are seconds since 1970 (UTC).
"""

import struct
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple
from zlib import crc32

FORMAT = 1
NOTHING = "none"
CODES: Mapping[str, int] = MappingProxyType({NOTHING: 0, "json": 1, "msgpack": 2})
_HEAD = struct.Struct("<BBHIqqddf")
_CRC = struct.Struct("<I")
_CHECKED, _BEHIND = 8, _HEAD.size
_unpack = _HEAD.unpack_from


class Head(NamedTuple):
    """What a reader judges by.

    `tags_seen` and `tables_seen` are what had been counted of an entry's tags and tables before
    it was worked out.
    """

    number: int
    code: int
    tags_bytes: int
    crc: int
    tags_seen: int
    tables_seen: int
    fresh_until: float
    good_until: float
    seconds: float


def write(
    value: bytes,
    *,
    codec: str,
    tags: Iterable[str],
    seen: tuple[int, int],
    until: tuple[float, float],
    seconds: float,
) -> bytes:
    """`seen` counts tags and tables, `until` says when it is not fresh, and no good, any more."""
    lines = "\n".join(tags).encode()
    data = bytearray(
        _HEAD.pack(FORMAT, CODES[codec], len(lines), 0, *seen, *until, seconds) + lines + value
    )
    _CRC.pack_into(data, 4, crc32(data[_CHECKED:]))
    return bytes(data)


def read(data: bytes) -> tuple[int, int, int, int, int, int, float, float, float]:
    """The fields of a Head. Raises ValueError, in a word, for bytes not as they were written."""
    try:
        head = _unpack(data)
    except struct.error:
        raise ValueError("too short") from None
    if head[3] != crc32(data[_CHECKED:]) or head[0] != FORMAT:
        raise ValueError("damaged")
    return head


def tags_of(data: bytes, tags_bytes: int) -> tuple[str, ...]:
    if not tags_bytes:
        return ()
    return tuple(data[_BEHIND : _BEHIND + tags_bytes].decode().split("\n"))


def value_of(data: bytes, tags_bytes: int) -> bytes:
    return data[_BEHIND + tags_bytes :]
