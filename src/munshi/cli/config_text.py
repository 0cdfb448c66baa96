"""Settings as a terminal shows and takes them."""

import json
import sys
from pathlib import Path

import typer

from munshi.config.views import ConfigView
from munshi.domain.config import ConfigChange, ConfigDifference
from munshi.domain.config_keys import ConfigKey
from munshi.domain.config_schema import allowed_values
from munshi.errors import ConfigFileInvalidError, ConfigValueInvalidError

_STDIN = "-"


def spell_value(view: ConfigView) -> str:
    """The value in one line; of a secret only whether there is one."""
    if view.is_secret:
        return "(set)" if view.is_set else "(not set)"
    return "(not set)" if view.value is None else spell(view.value)


def spell_change(change: ConfigChange) -> str:
    if not change.is_active:
        return "(default)"
    return "(set)" if change.is_secret else spell(change.value)


def spell_difference(one: ConfigDifference) -> tuple[str, str, str]:
    """Key, what stood before and what stands after; of a secret only that it differs."""
    name = f"{one.config_type}/{one.config_key}"
    if one.is_secret:
        return name, "(secret)", "(secret: another)"
    return name, _or_default(one.before), _or_default(one.after)


def describe_key(key: ConfigKey) -> list[str]:
    """All that is declared about a key, a line each."""
    allowed = allowed_values(key)
    lines = [f"{key.config_type}/{key.name}", f"  {key.description}", f"  kind: {key.shape.kind}"]
    lines += [f"  allowed: {allowed}"] if allowed else []
    lines += [f"  unit: {key.unit}"] if key.unit else []
    if not key.is_secret:
        lines.append(f"  default: {'(none)' if key.default is None else spell(key.default)}")
    lines += ["  secret: stored sealed, never shown"] if key.is_secret else []
    counts = "from the next start on" if key.restart_needed else "at once, in running processes too"
    lines.append(
        "  kept; nothing reads it yet" if key.kept_only else f"  a change counts: {counts}"
    )
    return lines


def _or_default(value: object) -> str:
    return "(default)" if value is None else spell(value)


def read_value(key: ConfigKey, name: str, given: str | None) -> str:
    """The value as text: as given, from standard input, or asked for without echo.

    Raises ConfigValueInvalidError for a secret among the arguments, where others could read it.
    """
    if key.is_secret and given not in (None, _STDIN):
        raise ConfigValueInvalidError(
            f"{key.config_type}/{name} is a secret and must not stand in a command line.",
            hint="Leave the value out to be asked for it.",
        )
    if given not in (None, _STDIN):
        return str(given)
    if given == _STDIN or not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = typer.prompt(f"{key.config_type}/{name}", hide_input=key.is_secret)
    return asked


def read_text(path: Path) -> str:
    """The file's text, or that of standard input for `-`. Raises ConfigFileInvalidError."""
    if str(path) == _STDIN:
        return sys.stdin.read()
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigFileInvalidError(f"{path} is not UTF-8 text.") from None
    except OSError as error:
        raise ConfigFileInvalidError(f"{path} cannot be read: {error.strerror}.") from None


def spell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
