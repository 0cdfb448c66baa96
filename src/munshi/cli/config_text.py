"""Settings as a terminal shows and takes them."""

import json
import sys

import typer

from munshi.config.views import ConfigView
from munshi.domain.config import ConfigChange
from munshi.domain.config_keys import ConfigKey
from munshi.errors import ConfigValueInvalidError

_STDIN = "-"


def spell_value(view: ConfigView) -> str:
    """The value in one line; of a secret only whether there is one."""
    if view.is_secret:
        return "(set)" if view.is_set else "(not set)"
    return "(not set)" if view.value is None else _spell(view.value)


def spell_change(change: ConfigChange) -> str:
    if not change.is_active:
        return "(default)"
    return "(set)" if change.is_secret else _spell(change.value)


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


def _spell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
