"""Asking for a passphrase, and the progress of sealing rows anew."""

import sys

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from munshi.bootstrap import Services
from munshi.domain.audit import COMMAND_LINE
from munshi.infrastructure.security.key_backup import check_passphrase
from munshi.keys.reencryption import Reencrypted


def ask_passphrase(*, from_stdin: bool, is_new: bool) -> str:
    """The passphrase: asked for without echo, twice where it is new, or read as one line.

    Raises PassphraseWeakError for a new one that is easy to guess, before anything is opened.
    """
    if from_stdin:
        passphrase = sys.stdin.readline().rstrip("\r\n")
    else:
        passphrase = typer.prompt(
            "Passphrase", hide_input=True, confirmation_prompt=is_new, err=True
        )
    if is_new:
        check_passphrase(passphrase)
    return passphrase


def reencrypt_showing_progress(services: Services) -> Reencrypted:
    """Raises what KeyService.reencrypt raises."""
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("rows", total=None)
        return services.keys.reencrypt(
            progress=lambda done, of: progress.update(bar, completed=done, total=of),
            actor=COMMAND_LINE,
        )
