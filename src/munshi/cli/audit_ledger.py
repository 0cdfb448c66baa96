"""`munshi audit seal|verify|prove|check-proof|checkpoint`: that nobody changed the trail."""

from pathlib import Path
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json

File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)]
Key = Annotated[
    str | None, typer.Option("--key", help="The fingerprint that the signing key must have.")
]


def seal(*, as_json: JsonFlag = False) -> None:
    """Seal what waits now; `serve` and `worker` do so by themselves."""
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        sealed = services.ledger.seal()
        state = services.ledger.state()
    if as_json:
        print_json({"sealed": sealed, "waiting": state.unsealed_rows, "blocks": state.blocks})
        return
    typer.echo(f"{sealed:,} rows sealed; {state.unsealed_rows:,} wait.")


def verify(
    *,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A checkpoint kept elsewhere, to compare with."
        ),
    ] = None,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Check every row, block, signature and archive; exits with 1 if anything was changed."""
    from munshi.cli.audit_proof import verify as check

    if not check(checkpoint, key=key, as_json=as_json):
        raise typer.Exit(1)


def prove(
    audit_id: Annotated[int, typer.Argument(metavar="ID", help="The row's number.")],
    *,
    to: Annotated[
        Path | None, typer.Option("-o", "--to", metavar="FILE", help="Instead of printing it.")
    ] = None,
) -> None:
    """Prove that a row was sealed as it stands, to whoever has nothing but the proof."""
    from munshi.cli.audit_proof import prove as write_proof

    write_proof(audit_id, to=to)


def check_proof(file: File, *, key: Key = None, as_json: JsonFlag = False) -> None:
    """Check a proof; needs no database, no key and no network."""
    from munshi.cli.audit_proof import check_proof as check

    check(file, key=key, as_json=as_json)


def checkpoint(
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="PATH|URL", help="A file, an http(s) address, or -.")
    ] = "-",
) -> None:
    """Write down where the trail stands, to be kept where nobody who could change it reaches."""
    from munshi.cli.audit_proof import checkpoint as write_checkpoint

    write_checkpoint(to)


def add_to(audit_app: typer.Typer) -> None:
    for command in (seal, verify, prove, checkpoint):
        audit_app.command()(command)
    audit_app.command("check-proof")(check_proof)
