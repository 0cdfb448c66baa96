"""Looks for secrets in any text or file, in every spelling they could slip out in."""

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

SHORTEST = 8  # anything shorter would be found by chance


def spellings(secret: str) -> dict[str, list[bytes]]:
    """The ways to write `secret`, by name; base64 also where it stands inside something longer."""
    raw = secret.encode()
    return {
        "raw": [raw],
        "json": [json.dumps(secret)[1:-1].encode()],
        "url": [
            quote(secret, safe="").encode(),
            quote_plus(secret).encode(),
            quote(secret).encode(),
        ],
        "hex": [raw.hex().encode(), raw.hex().upper().encode()],
        "base64": [
            spelt
            for shift in range(3)
            for spelt in (_base64_core(raw, shift), _base64_core(raw, shift, alphabet=b"-_"))
        ],
    }


def _base64_core(raw: bytes, shift: int, *, alphabet: bytes = b"+/") -> bytes:
    """What stands in any base64 text that holds `raw` behind `shift` (modulo 3) other bytes."""
    encoded = base64.b64encode(bytes(shift) + raw, altchars=alphabet)
    first = -(-shift * 8 // 6)
    last = (shift + len(raw)) * 8 // 6
    return encoded[first:last]


def find_secrets(secrets: Iterable[str], places: Mapping[str, bytes]) -> list[str]:
    """`place: spelling of secret` for each that is found; the secret by its number only."""
    found = []
    for number, secret in enumerate(secrets):
        assert len(secret) >= SHORTEST, f"secret {number} is too short to look for"
        for spelling, texts in spellings(secret).items():
            found += [
                f"{place}: {spelling} of secret {number}"
                for place, content in places.items()
                if any(text in content for text in texts)
            ]
    return found


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, whatever it is called."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
