"""Settings as a text for an editor, and what a person changed in it."""

from collections.abc import Sequence

from munshi.config.change_set import Wanted, check
from munshi.config.toml_text import JSON, read_values, spell, spell_key, write_values
from munshi.config.views import ConfigView
from munshi.domain.config import ConfigDifference, is_same
from munshi.domain.config_keys import find_key
from munshi.errors import ConfigFileInvalidError

_HEAD = """\
# Change what you like and save. A line taken out puts the default back; a line that begins
# with # shows the default. Secrets are not here: munshi config set TYPE KEY.
"""


def text_to_edit(views: Sequence[ConfigView]) -> str:
    """One line a setting, under its description; defaults as comments."""
    lines = [_HEAD]
    shown = [view for view in views if not view.is_secret]
    for config_type in sorted({view.config_type for view in shown}):
        lines.append(f"[{config_type}]")
        for view in shown:
            if view.config_type == config_type:
                lines += [f"# {view.description}", *_lines(view)]
        lines.append("")
    nulls = {(view.config_type, view.config_key): view.value for view in shown if _needs_json(view)}
    return "\n".join([*lines, write_values(nulls)])


def edited_changes(
    views: Sequence[ConfigView], text: str
) -> tuple[list[Wanted], list[ConfigDifference]]:
    """What the text changes of `views`, each value at the version that was shown.

    Raises ConfigFileInvalidError, and what checking a value raises.
    """
    values = read_values(text)
    seen = {(view.config_type, view.config_key): view for view in views}
    types = {view.config_type for view in views}
    wanted: list[Wanted] = []
    differences: list[ConfigDifference] = []
    taken_out = {name: None for name, view in seen.items() if view.is_set and not view.is_secret}
    for name, value in sorted((taken_out | values).items()):
        if name[0] not in types or find_key(*name).is_secret:
            raise ConfigFileInvalidError(f"{'/'.join(name)} cannot be changed in this text.")
        view = seen.get(name)
        before = view.value if view is not None and view.is_set else None
        if is_same(before, value):
            continue
        wanted.append(
            Wanted(
                config_type=name[0],
                config_key=name[1],
                value=value,
                expected_version=0 if view is None else view.version,
            )
        )
        differences.append(
            ConfigDifference(
                config_type=name[0],
                config_key=name[1],
                before=before,
                after=value,
                is_secret=False,
            )
        )
    check(wanted)
    return wanted, differences


def _lines(view: ConfigView) -> list[str]:
    key = spell_key(view.config_key)
    if not view.is_set:
        return [f"# {key} = {'' if view.value is None else spell(view.value)}"]
    return (
        [f"# see [{JSON}.{view.config_type}]"]
        if _needs_json(view)
        else [f"{key} = {spell(view.value)}"]
    )


def _needs_json(view: ConfigView) -> bool:
    return view.is_set and not _spells(view.value)


def _spells(value: object) -> bool:
    try:
        spell(value)
    except ValueError:
        return False
    return True
