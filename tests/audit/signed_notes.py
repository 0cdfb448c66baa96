"""Reads signed notes from the words of C2SP's signed-note and tlog-checkpoint alone."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = b"\x01"
LEAST_CHARACTER = 0x20


class NoteRefusedError(Exception):
    """The note is none, or nobody whom we know signed it."""


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a checkpoint's first three lines say, and the lines behind them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...]


def open_note(note: bytes, *, name: str, key: bytes) -> str:
    """The text of a note that `key`, known as `name`, signed. Raises NoteRefusedError."""
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise NoteRefusedError("not UTF-8") from None
    if any(ord(each) < LEAST_CHARACTER and each != "\n" for each in whole):
        raise NoteRefusedError("control characters")
    text, empty_line, signatures = whole.rpartition("\n\n")
    if not empty_line or not signatures.endswith("\n"):
        raise NoteRefusedError("no text with signatures")
    text += "\n"
    key_id = hashlib.sha256(name.encode() + b"\x0a" + ED25519 + key).digest()[:4]
    is_verified = False
    for line in signatures.removesuffix("\n").split("\n"):
        signer, raw = read_signature(line)
        if (signer, raw[:4]) == (name, key_id):
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(raw[4:], text.encode())
            except InvalidSignature:
                raise NoteRefusedError("a wrong signature of a known key") from None
            is_verified = True
    if not is_verified:
        raise NoteRefusedError("no signature of a known key")
    return text


def read_signature(line: str) -> tuple[str, bytes]:
    """Who signed, and the key's hash with the signature. Raises NoteRefusedError."""
    try:
        dash, signer, encoded = line.split(" ")
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise NoteRefusedError("a line that is no signature") from None
    if dash != "\N{EM DASH}" or not signer or "+" in signer:
        raise NoteRefusedError("a line that is no signature")
    return signer, raw


def read_tree_head(text: str) -> TreeHead:
    """The body of a checkpoint. Raises NoteRefusedError."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines):
        raise NoteRefusedError("less than three lines, or an empty one")
    origin, size, root, *extensions = lines
    if not (size.isascii() and size.isdecimal()) or str(int(size)) != size:
        raise NoteRefusedError("no size")
    return TreeHead(origin, int(size), base64.b64decode(root, validate=True), tuple(extensions))
