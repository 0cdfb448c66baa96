"""Archives: whole sealed blocks as gzipped JSON lines, with the checkpoint they end in."""

import gzip
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, cast

from munshi.domain.ledger.archives import ArchivedBlock, ArchivedRow
from munshi.domain.ledger.blocks import MOST_ROWS
from munshi.domain.ledger.rows import StoredRow
from munshi.errors import ArchiveInvalidError, ArchiveUnwritableError
from munshi.infrastructure.platform import flush_directory

FOLDER = "audit"
VERSION = 1
_NAME = re.compile(r"audit-\d{9}-\d{9}\.jsonl\.gz")
_PARTIAL = ".part"
_CHUNK = 1 << 20
_LEVEL = 6
_NOTHING_SPELLED = MappingProxyType[str, str]({})
# What unpacking and reading a file says of one that is not as it was written.
_DAMAGE = (
    *(OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError),
    RecursionError,
)


class ArchiveFolder:
    """`audit/` in the home folder. A file is there whole or not at all."""

    def __init__(self, home: Path) -> None:
        self.path = home / FOLDER

    def file(self, name: str) -> Path:
        """Raises ArchiveInvalidError for a name that is none of ours."""
        if not _NAME.fullmatch(name):
            raise ArchiveInvalidError(f"{name[:80]!r} is no name of an archive.")
        return self.path / name

    def names(self) -> frozenset[str]:
        """Every archive's file there is. Raises ArchiveInvalidError if that cannot be told."""
        try:
            return frozenset(each.name for each in self._files() if _NAME.fullmatch(each.name))
        except OSError as error:
            raise ArchiveInvalidError(
                f"The folder {self.path} cannot be read: {error.strerror}."
            ) from None

    def write(self, name: str, header: dict[str, Any], blocks: Iterable[ArchivedBlock]) -> str:
        """Write an archive for its owner alone, on disk when this returns; its SHA-256 in hex.

        The same blocks make the same bytes. What `blocks` raises goes through, and nothing is left
        of the file. Raises ArchiveUnwritableError.
        """
        target = self.file(name)
        partial = target.with_suffix(f".{os.getpid()}{_PARTIAL}")
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as raw:
                _pack(raw, header, blocks)
                raw.flush()
                os.fsync(raw.fileno())
            digest = self.digest_of(partial)
            partial.replace(target)
            flush_directory(self.path)
        except OSError as error:
            raise ArchiveUnwritableError(
                f"The archive {target} cannot be written: {error.strerror}.",
                hint="Free space on its disk, or let Munshi write there; no row has left the "
                "table for it. Then run the same again.",
            ) from None
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        return digest

    def digest(self, name: str) -> str:
        """The SHA-256 of an archive in hex. Raises ArchiveInvalidError if it is not there."""
        return self.digest_of(self.file(name))

    def digest_of(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                hashed = sha256()
                while chunk := file.read(_CHUNK):
                    hashed.update(chunk)
        except FileNotFoundError:
            raise ArchiveInvalidError(
                f"The archive {path.name} is missing.", hint="Put it back from a backup."
            ) from None
        except OSError:
            raise ArchiveInvalidError(
                f"The archive {path.name} cannot be read.", hint="Put it back from a backup."
            ) from None
        return hashed.hexdigest()

    @contextmanager
    def read(self, name: str) -> Iterator[tuple[dict[str, Any], Iterator[ArchivedBlock]]]:
        """Its header, and its blocks as they are read.

        Raises ArchiveInvalidError, then or while the blocks are read.
        """
        path = self.file(name)
        try:
            raw = path.open("rb")
        except OSError:
            raise _damaged(name) from None
        with raw, gzip.GzipFile(fileobj=raw) as packed:
            lines = cast("BinaryIO", packed)
            yield _header(lines, name), _blocks(lines, name)

    def header(self, name: str) -> dict[str, Any]:
        """Raises ArchiveInvalidError."""
        with self.read(name) as (header, _):
            return header

    def size(self, name: str) -> int | None:
        """In bytes; None where there is no such file."""
        try:
            return self.file(name).stat().st_size
        except (OSError, ArchiveInvalidError):
            return None

    def remove(self, name: str) -> None:
        """Take the file away, if it is there. Raises ArchiveUnwritableError."""
        path = self.file(name)
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise ArchiveUnwritableError(
                f"The archive {path} cannot be removed: {error.strerror}."
            ) from None

    def clear_partial(self) -> None:
        """Take away what writers left that were killed; none may be at work."""
        for each in self._files():
            if each.name.endswith(_PARTIAL):
                each.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return list(self.path.iterdir()) if self.path.is_dir() else []


def _pack(raw: BinaryIO, header: dict[str, Any], blocks: Iterable[ArchivedBlock]) -> None:
    with gzip.GzipFile(
        fileobj=raw, mode="wb", compresslevel=_LEVEL, mtime=0, filename=""
    ) as packed:
        packed.write(_line({"version": VERSION, **header}))
        for block in blocks:
            head = _line({"block": block.number, "rows": len(block.rows)})
            packed.write(head + b"".join(_line(_spelled(each)) for each in block.rows))


def _header(lines: BinaryIO, name: str) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads(lines.readline())
        fits = header["version"] == VERSION
    except _DAMAGE:
        fits = False
    if not fits:
        raise _damaged(name)
    return header


def _blocks(lines: BinaryIO, name: str) -> Iterator[ArchivedBlock]:
    while True:
        try:
            line = lines.readline()
            if not line:
                return
            block = json.loads(line)
            found = ArchivedBlock(number=block["block"], rows=_rows(lines, block["rows"]))
        except _DAMAGE:
            raise _damaged(name) from None
        yield found


def _rows(lines: BinaryIO, many: int) -> tuple[ArchivedRow, ...]:
    """The next rows, read as one document: a call for each would cost more than its reading."""
    some = [lines.readline() for _ in range(min(many, MOST_ROWS))]
    rows = tuple(map(_row, json.loads(f"[{b','.join(some).decode()}]")))
    if len(rows) != many:
        raise ValueError("a line is no row")
    return rows


def _row(raw: Mapping[str, Any]) -> ArchivedRow:
    row = StoredRow(bytes.fromhex(raw["leaf"]), raw["row"].encode(), None)
    return ArchivedRow(
        int(raw["id"]), raw["transaction"], row, raw.get("spelled", _NOTHING_SPELLED)
    )


def _spelled(each: ArchivedRow) -> dict[str, Any]:
    return {
        "id": each.audit_id,
        "transaction": each.transaction_id,
        "leaf": each.row.leaf.hex(),
        "row": each.row.canonical.decode(),
        **({"spelled": dict(each.spelled)} if each.spelled else {}),
    }


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _damaged(name: str) -> ArchiveInvalidError:
    return ArchiveInvalidError(f"The archive {name} is damaged.", hint="Put it back from a backup.")
