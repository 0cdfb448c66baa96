"""What differs between operating systems: file modes, directory flushes, process groups."""

import os
import stat
from pathlib import Path

from munshi.errors import HomeUnusableError

POSIX = os.name == "posix"


def is_private(path: Path) -> bool:
    """Whether only the owner can read or write `path`; Windows keeps this in ACLs of the home."""
    if not POSIX:
        return True
    return stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def write_private(path: Path, content: bytes) -> None:
    """Create `path` for the owner alone, whole or not at all.

    Raises FileExistsError if it is there already.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            raise FileExistsError(path)
        temporary.replace(path)
        flush_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def flush_directory(path: Path) -> None:
    """Put a rename on disk; Windows does that with the rename itself."""
    if not POSIX:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prepare_home(path: Path) -> None:
    """Make the folder for its owner alone, and prove that it can be written.

    Raises HomeUnusableError.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / f".write-probe.{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise HomeUnusableError(
            f"The home folder {path} cannot be written: {error.strerror}.",
            hint="Set MUNSHI_HOME to a folder that can.",
        ) from None
