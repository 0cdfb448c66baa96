"""What a backup says of itself: each file with its size and hash, and the database it holds."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from munshi.errors import BackupInvalidError, BackupNewerError

FORMAT = "munshi-backup"
VERSION = 1
MANIFEST = "manifest.json"
KEYS = "keys.json"
DATABASES = {"sqlite": "database.sqlite", "postgresql": "database.pgdump"}
# Folders of the home whose files a backup holds.
FOLDERS = ("candles", "artifacts", "audit")
_FORBIDDEN = frozenset('\\:\0\n\r"')


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUpFile:
    """One file: its name within the backup, bytes, and SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutFile:
    """A file that the database names and the backup does not hold, and why."""

    path: str
    why: str
    is_trouble: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUpDatabase:
    """The database as it stood at the moment of the backup.

    `server` is the major version of the server and `program` that of the program which dumped it;
    SQLite has neither.
    """

    kind: str
    revision: str
    ledger_id: str | None
    last_audit_id: int
    master_key_id: str | None
    key_source: str | None
    server: int | None = None
    program: int | None = None

    @property
    def file(self) -> str:
        return DATABASES[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What stands last in a backup."""

    backup_id: str
    created_at: datetime
    munshi: str
    database: BackedUpDatabase
    files: tuple[BackedUpFile, ...]
    left_out: tuple[LeftOutFile, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(each.size for each in self.files)

    def home_files(self) -> list[BackedUpFile]:
        """Those that stand in the home folder under the same name."""
        return [each for each in self.files if "/" in each.path]

    def file(self, path: str) -> BackedUpFile:
        """Raises BackupInvalidError."""
        for each in self.files:
            if each.path == path:
                return each
        raise BackupInvalidError(f"The backup's manifest names no {path}.")

    def to_bytes(self) -> bytes:
        body = {
            "format": FORMAT,
            "version": VERSION,
            "backup_id": self.backup_id,
            "created_at": self.created_at.astimezone(UTC).isoformat(),
            "munshi": self.munshi,
            "database": asdict(self.database),
            "left_out": [asdict(each) for each in self.left_out],
            "files": [asdict(each) for each in self.files],
        }
        return (json.dumps({"manifest": body, "sha256": _hash(body)}, indent=1) + "\n").encode()


def read_manifest(content: bytes) -> Manifest:
    """Raises BackupInvalidError, BackupNewerError."""
    try:
        document = json.loads(content)
        body = document["manifest"]
        is_whole = document["sha256"] == _hash(body)
        is_ours, version = body["format"] == FORMAT, body["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _damaged() from None
    if not (is_ours and is_whole):
        raise _damaged()
    if version != VERSION:
        raise BackupNewerError(
            f"The backup is of format {version}, and this version of Munshi reads format "
            f"{VERSION}. Munshi {body.get('munshi', '?')} made it.",
            hint="Use that version of Munshi, or a later one.",
        )
    try:
        return _manifest(body)
    except (ValueError, KeyError, TypeError):
        raise _damaged() from None


def _manifest(body: Mapping[str, Any]) -> Manifest:
    database = BackedUpDatabase(**body["database"])
    files = tuple(BackedUpFile(**each) for each in body["files"])
    if database.kind not in DATABASES:
        raise ValueError("a database of another kind")
    for each in files:
        if not _is_ours(each.path) or each.size < 0:
            raise BackupInvalidError(f"The backup's manifest names {each.path[:100]!r}.")
    return Manifest(
        backup_id=str(body["backup_id"]),
        created_at=datetime.fromisoformat(body["created_at"]),
        munshi=str(body["munshi"]),
        database=database,
        files=files,
        left_out=tuple(LeftOutFile(**each) for each in body["left_out"]),
    )


def _is_ours(name: str) -> bool:
    """Nothing is ever put anywhere but where a backup's files belong."""
    if name == KEYS or name in DATABASES.values():
        return True
    path = PurePosixPath(name)
    return (
        not path.is_absolute()
        and path.as_posix() == name
        and path.parts[0] in FOLDERS
        and len(path.parts) > 1
        and ".." not in path.parts
        and not _FORBIDDEN & set(name)
    )


def _hash(body: object) -> str:
    spelt = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return sha256(spelt.encode()).hexdigest()


def _damaged() -> BackupInvalidError:
    return BackupInvalidError(f"{MANIFEST} of the backup is damaged.")
