"""`munshi config edit`: settings in an editor, checked before any of them is stored."""

from pathlib import Path
from typing import Annotated

import typer


def edit_settings(
    config_type: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="Only this type.")
    ] = None,
) -> None:
    """Open settings in $VISUAL or $EDITOR. Secrets are not among them."""
    import tempfile

    from munshi.cli.config_text import read_text, spell_difference
    from munshi.cli.desk import open_desk
    from munshi.cli.output import print_table
    from munshi.config.editing import edited_changes, text_to_edit
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        service = services.config
        views = service.list_type(config_type) if config_type else service.list_all()
    before = text_to_edit(views)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="munshi-", suffix=".toml", delete=False
    ) as file:
        file.write(before)
        path = Path(file.name)
    try:
        _open_editor(path)
        after = read_text(path)
        wanted, differences = ([], []) if after == before else edited_changes(views, after)
        if wanted:
            with open_desk() as services:
                services.config.change(wanted, actor=COMMAND_LINE)
    except BaseException:
        typer.echo(f"Nothing was changed; your text is kept in {path}.", err=True)
        raise
    path.unlink()
    print_table(
        "Changed",
        ("setting", "before", "after"),
        map(spell_difference, differences),
        empty="nothing was changed.",
    )


def _open_editor(path: Path) -> None:
    """Wait until the editor is closed. Raises EditorFailedError."""
    import subprocess

    from munshi.errors import EditorFailedError
    from munshi.infrastructure.platform import editor_command

    command = editor_command()
    try:
        code = subprocess.call([*command, str(path)])  # noqa: S603 - the user's own editor
    except OSError as error:
        raise EditorFailedError(
            f"{command[0]} cannot be started: {error.strerror}.", hint="Set EDITOR to your editor."
        ) from None
    if code != 0:
        raise EditorFailedError(f"{command[0]} ended with code {code}.")
