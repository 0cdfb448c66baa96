"""Reads a `.env` file, and writes single values back into it without touching anything else."""

import io
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from dotenv.parser import Binding, parse_stream
from filelock import FileLock

from munshi.errors import EnvFileInvalidError
from munshi.infrastructure.platform import flush_directory

_NEW_FILE_MODE = 0o600
_BYTE_ORDER_MARK = "\ufeff"  # Windows editors begin UTF-8 files with it
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
_ASSIGNMENT = re.compile(
    r"(?P<head>\s*(?:export[^\S\r\n]+)?(?P<key>'[^']+'|[^=\#\s]+)[^\S\r\n]*)"
    r"(?P<equals>=[^\S\r\n]*)?"
    r"(?P<value>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\r\n]*?)"
    r"(?P<tail>(?:[^\S\r\n]+\#[^\r\n]*)?[^\S\r\n]*)(?P<end>\r\n|\n|\r)?",
    re.DOTALL,
)


def read_env_file(path: Path) -> dict[str, str]:
    """Every value by its name, `$` and all; empty where there is no file.

    Lines that are not `NAME=value` are passed over. Raises EnvFileInvalidError.
    """
    if not path.exists():
        return {}
    return {
        binding.key: binding.value
        for binding in _bindings(_read(path))
        if binding.key is not None and binding.value is not None
    }


def read_env_lines(path: Path) -> list[tuple[int, str, str]]:
    """Line, name and value of every assignment, in order. Raises EnvFileInvalidError."""
    return [
        (binding.original.line, binding.key, binding.value)
        for binding in _bindings(_read(path).removeprefix(_BYTE_ORDER_MARK))
        if binding.key is not None and binding.value is not None
    ]


def write_env_file(path: Path, changes: Mapping[str, str]) -> None:
    """Set these names, in place or at the end; comments, order and file mode stay.

    The file is replaced whole, so a reader sees all of the changes or none. A new file is
    readable by its owner alone. Raises EnvFileInvalidError.
    """
    target = path.resolve()  # a link stays a link
    if not target.parent.is_dir():  # the lock would make the folder
        raise EnvFileInvalidError(f"{path} cannot be written: its folder does not exist.")
    try:
        with FileLock(target.with_name(f"{target.name}.lock")):
            before = _read(target) if target.exists() else ""
            after = _changed(before, changes)
            if after != before:
                _replace(target, after)
    except OSError as error:
        raise EnvFileInvalidError(f"{path} cannot be written: {error.strerror}.") from None


def _changed(text: str, changes: Mapping[str, str]) -> str:
    mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    newline = "\r\n" if "\r\n" in text else "\n"
    parts: list[str] = []
    missing = dict(changes)
    for binding in _bindings(text):
        original = binding.original.string
        if binding.key is not None and binding.key in changes:
            original = _reassigned(original, changes[binding.key])
            missing.pop(binding.key, None)
        parts.append(original)
    kept = mark + "".join(parts)
    if missing and kept.removeprefix(mark) and not kept.endswith(("\n", "\r")):
        kept += newline
    return kept + "".join(f"{key}={_quoted(value)}{newline}" for key, value in missing.items())


def _reassigned(original: str, value: str) -> str:
    found = _ASSIGNMENT.fullmatch(original)
    if found is None:
        raise EnvFileInvalidError("A line of the .env file has a spelling that cannot be changed.")
    equals = found["equals"] or "="
    return f"{found['head']}{equals}{_quoted(value)}{found['tail']}{found['end'] or ''}"


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _bindings(text: str) -> Iterator[Binding]:
    return parse_stream(io.StringIO(text, newline=""))


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise EnvFileInvalidError(f"{path} is not UTF-8 text.") from None
    except OSError as error:
        raise EnvFileInvalidError(f"{path} cannot be read: {error.strerror}.") from None


def _replace(path: Path, text: str) -> None:
    mode = path.stat().st_mode & 0o7777 if path.exists() else _NEW_FILE_MODE
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _NEW_FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
        flush_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
