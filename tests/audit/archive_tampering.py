"""What somebody with every right on database and files might do to the archives.

Each is done to a trail of three archives: blocks 1 to 3 (rows 1 to 30), 4 to 6 and 7 to 9.
"""

import gzip
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from audit.archive_ground import ArchiveGround
from munshi.audit.findings import Trouble
from munshi.domain.audit import leaf_hash

FIRST, SECOND, THIRD = (f"audit-{first:09d}-{first + 2:09d}.jsonl.gz" for first in (1, 4, 7))
Act = Callable[[ArchiveGround], None]
Edit = Callable[[list[dict[str, Any]]], None]


@dataclass(frozen=True, slots=True)
class ArchiveTampering:
    """`trouble` must be found, and name the archive or the row."""

    act: Act
    trouble: Trouble = Trouble.ARCHIVE_WRONG
    archive: str | None = None
    row: int | None = None
    says: str = ""


def bytes_of(name: str, change: Callable[[bytes], bytes]) -> Act:
    def act(ground: ArchiveGround) -> None:
        file = ground.folder.path / name
        file.write_bytes(change(file.read_bytes()))

    return act


def sql(statement: str) -> Act:
    def act(ground: ArchiveGround) -> None:
        with ground.database.engine.begin() as connection:
            assert connection.execute(text(statement)).rowcount

    return act


def both(*acts: Act) -> Act:
    def act(ground: ArchiveGround) -> None:
        for each in acts:
            each(ground)

    return act


def with_new_hash(act: Act, *names: str) -> Act:
    """And the record fits the changed file."""

    def done(ground: ArchiveGround) -> None:
        act(ground)
        for name in names or (FIRST,):
            digest = ground.folder.digest(name)
            sql(f"UPDATE \"AuditArchives\" SET sha256 = '{digest}' WHERE name = '{name}'")(ground)

    return done


def lines(edit: Edit, name: str = FIRST) -> Act:
    """Change what the file says, line by line, and pack it again."""

    def change(packed: bytes) -> bytes:
        documents = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
        edit(documents)
        said = "".join(
            json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n" for each in documents
        )
        return gzip.compress(said.encode(), mtime=0)

    return bytes_of(name, change)


def put(line: int, field: str, value: object) -> Edit:
    def edit(documents: list[dict[str, Any]]) -> None:
        assert documents[line][field] != value
        documents[line][field] = value

    return edit


def _forge(documents: list[dict[str, Any]]) -> None:
    """Row 5 with another body and the leaf that fits it."""
    row = documents[6]
    row["row"] = row["row"].replace('"action":"created"', '"action":"nothing"')
    row["leaf"] = leaf_hash(row["row"].encode()).hex()


def _swap_rows(documents: list[dict[str, Any]]) -> None:
    for field in ("row", "leaf"):
        documents[2][field], documents[3][field] = documents[3][field], documents[2][field]


def _take_row(documents: list[dict[str, Any]]) -> None:
    del documents[6]
    documents[1]["rows"] -= 1


def _add_row(documents: list[dict[str, Any]]) -> None:
    documents.append({"block": 4, "rows": 1})
    documents.append(dict(documents[2]))


def swap_files(ground: ArchiveGround) -> None:
    path = ground.folder.path
    (path / FIRST).rename(path / "aside")
    (path / SECOND).rename(path / FIRST)
    (path / "aside").rename(path / SECOND)


def file_of_another_desk(ground: ArchiveGround) -> None:
    def edit(documents: list[dict[str, Any]]) -> None:
        documents[0]["ledger"] = "ab" * 16

    lines(edit)(ground)


def extra_file(ground: ArchiveGround) -> None:
    path = ground.folder.path
    shutil.copy(path / FIRST, path / "audit-000000040-000000042.jsonl.gz")


def remove(name: str) -> Act:
    return lambda ground: (ground.folder.path / name).unlink()


def as_dropped(ground: ArchiveGround) -> None:
    """The file taken away, and a record of retention that nobody signed."""
    remove(FIRST)(ground)
    signature = "x'00'" if ground.database.dialect == "sqlite" else "'\\x00'::bytea"
    sql(
        "UPDATE \"AuditArchives\" SET state = 'dropped', dropped_at = updated_at, "
        'key_id = (SELECT min(key_id) FROM "AuditKeys"), '
        f"signature = {signature} WHERE name = '{FIRST}'"
    )(ground)


_OTHER_ID = "ab" * 16
_RECORD = f"WHERE name = '{FIRST}'"
ARCHIVE_TAMPERINGS: Mapping[str, ArchiveTampering] = {
    "a byte of the file": ArchiveTampering(
        bytes_of(FIRST, lambda old: old[:200] + bytes([old[200] ^ 1]) + old[201:]), archive=FIRST
    ),
    "the file cut short": ArchiveTampering(
        bytes_of(FIRST, lambda old: old[: len(old) // 2]), archive=FIRST
    ),
    "the file cut short, with a new hash": ArchiveTampering(
        with_new_hash(bytes_of(FIRST, lambda old: old[: len(old) // 2])),
        archive=FIRST,
        says="damaged",
    ),
    "the file emptied, with a new hash": ArchiveTampering(
        with_new_hash(bytes_of(FIRST, lambda _: b"")), archive=FIRST, says="damaged"
    ),
    "something behind the file's end": ArchiveTampering(
        bytes_of(FIRST, lambda old: old + b"\0"), archive=FIRST
    ),
    "a row's body": ArchiveTampering(lines(put(6, "row", "{}")), archive=FIRST),
    "a row's body, with a new hash": ArchiveTampering(
        with_new_hash(lines(put(6, "row", "{}"))), Trouble.ROW_CHANGED, row=5
    ),
    "a row with body and leaf, with a new hash": ArchiveTampering(
        with_new_hash(lines(_forge)), Trouble.ROW_CHANGED, row=5
    ),
    "a row's leaf, with a new hash": ArchiveTampering(
        with_new_hash(lines(put(6, "leaf", "00" * 32))), Trouble.ROW_CHANGED, row=5
    ),
    "a row's number, with a new hash": ArchiveTampering(
        with_new_hash(lines(put(6, "id", 500))), Trouble.ROW_MISSING, row=5
    ),
    "two rows swapped, with a new hash": ArchiveTampering(
        with_new_hash(lines(_swap_rows)), Trouble.ROW_CHANGED, row=1
    ),
    "a row taken out, with a new hash": ArchiveTampering(
        with_new_hash(lines(_take_row)), Trouble.ROW_MISSING, row=5
    ),
    "a row added, with a new hash": ArchiveTampering(
        with_new_hash(lines(_add_row)), archive=FIRST, says="goes on behind its last block"
    ),
    "a line that is no row, with a new hash": ArchiveTampering(
        with_new_hash(lines(put(6, "row", 7))), archive=FIRST, says="damaged"
    ),
    "the header's blocks, with a new hash": ArchiveTampering(
        with_new_hash(lines(put(0, "last_block", 9))), archive=FIRST, says="blocks 1 to 9"
    ),
    "the header's version, with a new hash": ArchiveTampering(
        with_new_hash(lines(put(0, "version", 9))), archive=FIRST, says="damaged"
    ),
    "the checkpoint, with a new hash": ArchiveTampering(
        with_new_hash(lines(put(0, "checkpoint", "none"))), archive=FIRST, says="checkpoint"
    ),
    "a file of another desk": ArchiveTampering(file_of_another_desk, archive=FIRST),
    "a file of another desk, with a new hash": ArchiveTampering(
        with_new_hash(file_of_another_desk), archive=FIRST, says="another desk"
    ),
    "two files swapped": ArchiveTampering(swap_files, archive=SECOND),
    "two files swapped, with new hashes": ArchiveTampering(
        with_new_hash(swap_files, FIRST, SECOND), archive=SECOND, says="blocks 1 to 3"
    ),
    "a file missing": ArchiveTampering(remove(THIRD), archive=THIRD, says="missing"),
    "a file missing, said to have been dropped": ArchiveTampering(
        as_dropped, archive=FIRST, says="nobody signed that"
    ),
    "a file too many": ArchiveTampering(
        extra_file,
        archive="audit-000000040-000000042.jsonl.gz",
        says="no archive is recorded under it",
    ),
    "a record deleted": ArchiveTampering(
        sql(f'DELETE FROM "AuditArchives" {_RECORD}'), archive=FIRST
    ),
    "a record deleted with its file": ArchiveTampering(
        both(remove(FIRST), sql(f'DELETE FROM "AuditArchives" {_RECORD}')),
        Trouble.ROW_MISSING,
        row=1,
    ),
    "a record's hash": ArchiveTampering(
        sql(f"UPDATE \"AuditArchives\" SET sha256 = '00' {_RECORD}"), archive=FIRST
    ),
    "a record's state": ArchiveTampering(
        sql(f"UPDATE \"AuditArchives\" SET state = 'gone' {_RECORD}"),
        archive=FIRST,
        says="was changed",
    ),
    "a record that says its rows came back": ArchiveTampering(
        sql(f"UPDATE \"AuditArchives\" SET state = 'restored' {_RECORD}"),
        Trouble.ROW_MISSING,
        row=1,
    ),
    "a record of more blocks than there are": ArchiveTampering(
        sql(f"UPDATE \"AuditArchives\" SET last_block = 99 WHERE name = '{THIRD}'"),
        archive=THIRD,
        says="ledger ends with block",
    ),
    "a record over another one's blocks": ArchiveTampering(
        sql(f'UPDATE "AuditArchives" SET last_block = 5 {_RECORD}'),
        archive=SECOND,
        says="overlaps",
    ),
    "a personal value beside an archived row": ArchiveTampering(
        sql("UPDATE \"AuditPersonalData\" SET value = '203.0.113.1' WHERE audit_id = 13"),
        Trouble.PERSONAL_CHANGED,
        row=13,
    ),
    "a personal value beside no row": ArchiveTampering(
        sql('UPDATE "AuditPersonalData" SET audit_id = 90000 WHERE audit_id = 13'),
        Trouble.PERSONAL_CHANGED,
        row=90000,
    ),
}
