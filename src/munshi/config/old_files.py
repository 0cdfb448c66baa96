"""Reads the files of an older install: every setting with its place, nothing guessed."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from munshi.config.old_fields import ENV, FILES
from munshi.errors import ConfigFileInvalidError, EnvFileInvalidError
from munshi.infrastructure.env_file import read_env_lines

_PLACES = ("", "config")


@dataclass(frozen=True, slots=True, kw_only=True)
class OldValue:
    """One setting of one file; `where` is what a person finds it by: a line, or a path."""

    file: Path
    name: str
    where: str
    value: Any = field(repr=False)


def find_files(given: Iterable[Path]) -> list[Path]:
    """The files meant: as named, and those of a folder and of its folder `config`.

    Raises ConfigFileInvalidError for one that is not there, or that no older install had.
    """
    found: dict[Path, None] = {}
    for path in given:
        if path.is_dir():
            inside = [path / place / name for place in _PLACES for name in FILES]
            there = [each for each in inside if each.is_file()]
            if not there:
                raise ConfigFileInvalidError(
                    f"{path} has none of the files of an older install.",
                    hint=f"They are called {', '.join(FILES)}.",
                )
            found |= dict.fromkeys(there)
        elif not path.is_file():
            raise ConfigFileInvalidError(f"{path} is not there.")
        elif path.name not in FILES:
            raise ConfigFileInvalidError(
                f"{path} is no file of an older install.",
                hint=f"They are called {', '.join(FILES)}.",
            )
        else:
            found[path] = None
    return list(found)


def read_old_file(path: Path) -> list[OldValue]:
    """Every setting in the order of the file. Raises ConfigFileInvalidError."""
    if path.name == ENV:
        return list(_env(path))
    return [
        OldValue(file=path, name=name, where=name, value=value)
        for name, value in _leaves(_json(path), "")
    ]


def _env(path: Path) -> Iterator[OldValue]:
    seen: dict[str, tuple[int, str]] = {}
    try:
        lines = read_env_lines(path)
    except EnvFileInvalidError as error:
        raise ConfigFileInvalidError(error.detail) from None
    for line, name, value in lines:
        if name in seen and seen[name][1] != value:
            raise ConfigFileInvalidError(
                f"{path}: lines {seen[name][0]} and {line} say different things about {name}."
            )
        if name not in seen:
            yield OldValue(file=path, name=name, where=f"line {line}, {name}", value=value)
        seen[name] = (line, value)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(
            path.read_bytes().decode("utf-8-sig"),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_no_name_twice,
        )
    except UnicodeDecodeError:
        raise ConfigFileInvalidError(f"{path} is not UTF-8 text.") from None
    except OSError as error:
        raise ConfigFileInvalidError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise ConfigFileInvalidError(f"{path} is no JSON: {error}.") from None
    if not isinstance(document, dict):
        raise ConfigFileInvalidError(f"{path} must hold a JSON object.")
    return document


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice} is named twice")
    return document


def _refuse_constant(text: str) -> object:
    raise ValueError(f"{text} is no number")


def _leaves(document: Mapping[str, Any], head: str) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{head}{name}.")
        else:
            yield head + name, value
