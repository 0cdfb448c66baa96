"""`munshi config`: every setting with its value, its version and its history."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_instant

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


@config_app.command("history")
def show_history(
    config_type: ConfigType,
    key: ConfigKey,
    *,
    limit: int = typer.Option(20, min=1, max=500, help="How many changes, newest first."),
    as_json: JsonFlag = False,
) -> None:
    """Show who changed a value, when and to what."""
    from dataclasses import asdict

    from munshi.cli.config_text import spell_change
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        mode = services.settings.brokers.value
        found = services.config_past.history(config_type, key, limit)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    print_mode(mode)
    print_table(
        f"{config_type}/{key}",
        ("version", "value", "by", "at"),
        [
            (one.version, spell_change(one), one.updated_by, show_instant(one.updated_at))
            for one in found
        ],
        empty="never changed.",
    )
