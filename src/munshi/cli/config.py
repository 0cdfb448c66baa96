"""`munshi config`: every setting with its value, its version and its history."""

from typing import Annotated

import typer

from munshi.cli.config_edit import edit_settings
from munshi.cli.config_files import export_settings, import_settings
from munshi.cli.config_old import import_old_install
from munshi.cli.config_past import list_revisions, roll_back, show_diff, show_history
from munshi.cli.output import JsonFlag, print_json, print_mode, print_table

config_app = typer.Typer(
    help="Show and change settings; each change is kept and audited.", no_args_is_help=True
)
ConfigType = Annotated[str, typer.Argument(metavar="TYPE", help="Such as auth, jobs, scheduler.")]
ConfigKey = Annotated[str, typer.Argument(metavar="KEY", help="Such as keep_days.")]


@config_app.command("list")
def list_settings(
    config_type: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="Only this type.")
    ] = None,
    *,
    as_json: JsonFlag = False,
) -> None:
    """List settings, defaults included; secrets only say whether they are set."""
    from dataclasses import asdict

    from munshi.cli.config_text import spell_value
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        mode = services.settings.brokers.value
        found = (
            services.config.list_type(config_type) if config_type else services.config.list_all()
        )
    if as_json:
        print_json([asdict(one) for one in found])
        return
    print_mode(mode)
    print_table(
        "Settings",
        ("type", "key", "value", "version", "what for"),
        [
            (one.config_type, one.config_key, spell_value(one), one.version, one.description)
            for one in found
        ],
        empty="this type has no settings yet.",
    )


@config_app.command("get")
def get_setting(config_type: ConfigType, key: ConfigKey, *, as_json: JsonFlag = False) -> None:
    """Print one value; a secret's never."""
    from dataclasses import asdict

    from munshi.cli.config_text import spell_value
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        found = services.config.view(config_type, key)
    if as_json:
        print_json(asdict(found))
    else:
        typer.echo(spell_value(found))


@config_app.command("set")
def set_setting(
    config_type: ConfigType,
    key: ConfigKey,
    value: Annotated[
        str | None,
        typer.Argument(
            metavar="[VALUE]",
            help="Text, or JSON where it is no text; - reads stdin.",
        ),
    ] = None,
    *,
    default: bool = typer.Option(False, "--default", help="Put the default back."),
    expected_version: int | None = typer.Option(
        None, min=0, help="Refuse if the value is at another version."
    ),
    as_json: JsonFlag = False,
) -> None:
    """Change one value. A secret is asked for, so that it stands in no list of processes."""
    from dataclasses import asdict

    from munshi.cli.config_text import read_value, spell_value
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE
    from munshi.domain.config_keys import find_key

    declared = find_key(config_type, key)
    text = None if default else read_value(declared, key, value)
    with open_desk() as services:
        if text is None:
            changed = services.config.set(
                config_type, key, None, expected_version=expected_version, actor=COMMAND_LINE
            )
        else:
            changed = services.config.set_text(
                config_type, key, text, expected_version=expected_version, actor=COMMAND_LINE
            )
    if as_json:
        print_json(asdict(changed))
        return
    later = " It counts from the next start on." if changed.restart_needed else ""
    typer.echo(
        f"{config_type}/{key} is now {spell_value(changed)} (version {changed.version}).{later}"
    )


@config_app.command("describe")
def describe_setting(config_type: ConfigType, key: ConfigKey, *, as_json: JsonFlag = False) -> None:
    """Say what may stand under a key, and what it is for."""
    from munshi.cli.config_text import describe_key
    from munshi.domain.config_keys import find_key
    from munshi.domain.config_schema import key_schema

    declared = find_key(config_type, key)
    if as_json:
        print_json(key_schema(declared))
        return
    for line in describe_key(declared):
        typer.echo(line)


for word, command in (
    ("history", show_history),
    ("revisions", list_revisions),
    ("diff", show_diff),
    ("rollback", roll_back),
    ("edit", edit_settings),
    ("export", export_settings),
    ("import", import_settings),
    ("import-old", import_old_install),
):
    config_app.command(word)(command)
