"""Instrument names as folder names that every file system keeps apart, and back."""

import re

_SAFE = re.compile(r"[A-Z0-9_-]")
_ESCAPE = re.compile(r"%([0-9A-F]{2})")
_WINDOWS_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])")


def quote_name(name: str) -> str:
    """`NIFTY 50` -> `NIFTY%2050`.

    Small letters are escaped too, so that names differing only in case stay two folders on
    Windows and macOS; so is the start of a name that Windows keeps for a device.
    """
    if not name:
        raise ValueError("An instrument without a name has no folder.")
    quoted = "".join(
        chr(byte) if _SAFE.match(chr(byte)) else _escape(byte) for byte in name.encode()
    )
    if _WINDOWS_DEVICE.fullmatch(quoted):
        return _escape(ord(quoted[0])) + quoted[1:]
    return quoted


def unquote_name(quoted: str) -> str:
    """What `quote_name` was given."""
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), quoted)
    return plain.encode("latin-1").decode()


def _escape(byte: int) -> str:
    return f"%{byte:02X}"
