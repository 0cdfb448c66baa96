"""Configuration as TOML text: one line a setting, so that people can read and change it.

TOML has no null. A value with one inside stands in `[json.TYPE]` as JSON text.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from munshi.domain.config_keys import TYPES, ConfigKey
from munshi.errors import ConfigFileInvalidError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
JSON, SECRETS, REMOVED = "json", "secrets", "removed"


Name = tuple[str, str]


def spell(value: object) -> str:
    """A value on one line. Raises ValueError for what TOML cannot hold: null, a fraction."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        # JSON's escapes are TOML's too; DEL is the one that only TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(map(spell, value))}]"
    if isinstance(value, Mapping):
        inside = ", ".join(
            f"{spell_key(key)} = {spell(each)}" for key, each in sorted(value.items())
        )
        return f"{{{inside}}}"
    raise ValueError(f"TOML has no {type(value).__name__}")


def spell_key(key: str) -> str:
    return key if _BARE.fullmatch(key) else spell(key)


def write_values(
    values: Mapping[Name, object],
    *,
    secrets: Mapping[Name, str] | None = None,
    removed: Iterable[Name] = (),
    described: Mapping[Name, ConfigKey] | None = None,
) -> str:
    """The whole text. `described` puts each key's description above it."""
    lines: list[str] = []
    if names := sorted("/".join(name) for name in removed):
        lines += [f"{REMOVED} = {spell(names)}", ""]
    plain = {name: value for name, value in values.items() if _fits(value)}
    nulls = {
        name: json.dumps(value, sort_keys=True, ensure_ascii=False)
        for name, value in values.items()
        if name not in plain
    }
    for head, section in (("", plain), (f"{JSON}.", nulls), (f"{SECRETS}.", secrets or {})):
        lines += _sections(head, section, described or {})
    return "\n".join(lines)


def _sections(
    head: str, values: Mapping[Name, object], described: Mapping[Name, ConfigKey]
) -> list[str]:
    lines: list[str] = []
    for config_type in sorted({name[0] for name in values}):
        lines.append(f"[{head}{config_type}]")
        for name in sorted(name for name in values if name[0] == config_type):
            if (key := described.get(name)) is not None:
                lines.append(f"# {key.description}")
            lines.append(f"{spell_key(name[1])} = {spell(values[name])}")
        lines.append("")
    return lines


def _fits(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_fits, value))
    if isinstance(value, Mapping):
        return all(map(_fits, value.values()))
    return value is not None


def read_values(text: str) -> dict[Name, object]:
    """Every value of the text, those of secrets too; None for what is to be removed.

    Raises ConfigFileInvalidError, with the line where the text is no TOML.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigFileInvalidError(f"This is no TOML: {error}.") from None
    removed = document.pop(REMOVED, [])
    sections = [
        *_tables(document.pop(JSON, {}), JSON, from_json=True),
        *_tables(document.pop(SECRETS, {}), SECRETS),
        *_tables(document, ""),
    ]
    found: dict[Name, object] = {}
    for name, value in [*sections, *((name, None) for name in _removed(removed))]:
        if name in found:
            raise ConfigFileInvalidError(f"{'/'.join(name)} is named twice.")
        found[name] = value
    return found


def _tables(
    document: object, where: str, *, from_json: bool = False
) -> Iterable[tuple[Name, object]]:
    if not isinstance(document, dict):
        raise ConfigFileInvalidError(f"{where} must be a table of types.")
    for config_type, table in document.items():
        if not isinstance(table, dict):
            raise ConfigFileInvalidError(
                f"{config_type} stands outside a table.",
                hint=f"Settings stand under their type, such as [{next(iter(TYPES))}].",
            )
        for key, value in table.items():
            yield (config_type, key), _from_json(value, key) if from_json else value


def _from_json(value: object, key: str) -> Any:  # noqa: ANN401
    try:
        return json.loads(str(value))
    except ValueError:
        raise ConfigFileInvalidError(f"{JSON}: the text of {key} is no JSON.") from None


def _removed(names: object) -> list[Name]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigFileInvalidError(f"{REMOVED} must be a list of TYPE/KEY.")
    parted = [tuple(name.split("/", 1)) for name in names]
    if any(len(name) != 2 for name in parted):  # noqa: PLR2004 - type and key
        raise ConfigFileInvalidError(f"{REMOVED} must be a list of TYPE/KEY.")
    return [(name[0], name[1]) for name in parted]
