"""Archives: whole sealed blocks as gzipped JSON lines, with the checkpoint they end in."""

import gzip
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, cast

from munshi.domain.ledger.rows import StoredRow
from munshi.errors import ArchiveInvalidError
from munshi.infrastructure.platform import flush_directory

FOLDER = "audit"
VERSION = 1
_NAME = re.compile(r"audit-\d{9}-\d{9}\.jsonl\.gz")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedRow:
    """A row as it stood in the table; the readable columns are made from `canonical` again."""

    audit_id: int
    transaction_id: str | None
    row: StoredRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedBlock:
    """The rows of one block, in the order in which they were sealed."""

    number: int
    rows: tuple[ArchivedRow, ...]


class ArchiveFolder:
    """`audit/` in the home folder. A file is there whole or not at all."""

    def __init__(self, home: Path) -> None:
        self.path = home / FOLDER

    def file(self, name: str) -> Path:
        """Raises ArchiveInvalidError for a name that is none of ours."""
        if not _NAME.fullmatch(name):
            raise ArchiveInvalidError(f"{name[:80]!r} is no name of an archive.")
        return self.path / name

    def write(self, name: str, header: dict[str, Any], blocks: Iterable[ArchivedBlock]) -> str:
        """Write an archive, on disk when this returns; its SHA-256 in hex."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self.file(name)
        partial = target.with_suffix(".part")
        with partial.open("wb") as raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed:
                packed.write(_line({"version": VERSION, **header}))
                for block in blocks:
                    packed.write(_line({"block": block.number, "rows": len(block.rows)}))
                    for each in block.rows:
                        packed.write(_line(_spelled(each)))
            raw.flush()
            os.fsync(raw.fileno())
        digest = self.digest_of(partial)
        partial.replace(target)
        flush_directory(self.path)
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
        try:
            with gzip.open(self.file(name), "rb") as packed:
                lines = cast("BinaryIO", packed)
                header = json.loads(lines.readline())
                if header["version"] != VERSION:
                    raise _damaged(name)
                yield header, _blocks(lines, name)
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            raise _damaged(name) from None

    def remove(self, name: str) -> None:
        self.file(name).unlink(missing_ok=True)


def _blocks(lines: BinaryIO, name: str) -> Iterator[ArchivedBlock]:
    try:
        while line := lines.readline():
            block = json.loads(line)
            rows = tuple(_row(lines.readline()) for _ in range(block["rows"]))
            yield ArchivedBlock(number=block["block"], rows=rows)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        raise _damaged(name) from None


def _row(line: bytes) -> ArchivedRow:
    raw = json.loads(line)
    row = StoredRow(bytes.fromhex(raw["leaf"]), raw["row"].encode(), None)
    return ArchivedRow(audit_id=raw["id"], transaction_id=raw["transaction"], row=row)


def _spelled(each: ArchivedRow) -> dict[str, Any]:
    return {
        "id": each.audit_id,
        "transaction": each.transaction_id,
        "leaf": each.row.leaf.hex(),
        "row": each.row.canonical.decode(),
    }


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _damaged(name: str) -> ArchiveInvalidError:
    return ArchiveInvalidError(f"The archive {name} is damaged.", hint="Put it back from a backup.")
