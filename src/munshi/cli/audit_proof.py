"""Checking the trail, and what is taken out of it to be checked elsewhere."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from munshi.audit.findings import DroppedArchive, Report
from munshi.audit.ledger_service import LedgerService
from munshi.audit.proofs import check_checkpoint
from munshi.audit.proofs import check_proof as refuse_unproved
from munshi.cli.desk import open_desk
from munshi.cli.output import print_json, print_table, show_instant
from munshi.clock import show_ist
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.ledger.checkpoints import (
    Checkpoint,
    Proof,
    key_fingerprint,
    read_checkpoint,
)
from munshi.errors import CheckpointInvalidError, ProofInvalidError, RequestInvalidError
from munshi.infrastructure.platform import private_file
from munshi.infrastructure.posting import post_text

SHOWN = 20


def verify(path: Path | None, *, key: str | None, as_json: bool) -> bool:
    """Whether the trail is sound. Raises CheckpointInvalidError."""
    given = None if path is None else _given(path, key)
    with open_desk() as services:
        report = _with_progress(services.ledger, given)
    if as_json:
        print_json({"sound": report.is_sound, **asdict(report)})
    else:
        _show(report)
    return report.is_sound


def prove(audit_id: int, *, to: Path | None) -> None:
    with open_desk() as services:
        proof = services.ledger.prove(audit_id)
    text = json.dumps(proof.to_json(), indent=2, ensure_ascii=False)
    if to is None:
        typer.echo(text)
        return
    with private_file(to) as temporary:
        temporary.write_text(text + "\n", "utf-8")
    fingerprint = key_fingerprint(proof.checkpoint.public_key)
    typer.echo(f"The proof is in {to}; it was signed with key {fingerprint}.")


def check_proof(path: Path, *, key: str | None, as_json: bool) -> None:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        raise ProofInvalidError(f"{path} is no proof of an audit row.") from None
    proof = Proof.from_json(document)
    refuse_unproved(proof, key=key)
    fingerprint = key_fingerprint(proof.checkpoint.public_key)
    row = json.loads(proof.canonical)
    if as_json:
        print_json(
            {
                "proved": True,
                "audit_id": proof.audit_id,
                "row": row,
                "ledger_id": proof.checkpoint.ledger_id,
                "block": proof.checkpoint.number,
                "sealed_at": proof.sealed_at,
                "key": fingerprint,
            }
        )
        return
    typer.echo(
        f"Row {proof.audit_id} was sealed in block {proof.checkpoint.number} of ledger "
        f"{proof.checkpoint.ledger_id} and is as it was."
    )
    typer.echo(f"Signed with key {fingerprint}; compare that with the desk's own.")
    print_table("", ("field", "value"), [(name, _spell(value)) for name, value in row.items()])


def checkpoint(to: str) -> None:
    """To a file, by POST to an address, or onto stdout.

    Raises AuditRowUnsealedError, and RequestInvalidError where it cannot be brought there.
    """
    with open_desk() as services:
        services.ledger.seal()
        taken = services.ledger.take_checkpoint(to.partition("?")[0], actor=COMMAND_LINE)
    text = taken.text()
    if to == "-":
        typer.echo(text, nl=False)
        return
    if to.startswith(("http://", "https://")):
        post_text(to, text)
    else:
        try:
            with private_file(Path(to)) as temporary:
                temporary.write_text(text, "utf-8")
        except OSError as error:
            raise RequestInvalidError(f"{to} cannot be written: {error.strerror}.") from error
    fingerprint = key_fingerprint(taken.public_key)
    typer.echo(
        f"Block {taken.number} with {taken.size:,} rows, signed with key {fingerprint}, is in {to}."
    )


def _given(path: Path, key: str | None) -> Checkpoint:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise CheckpointInvalidError(f"{path} is no checkpoint of an audit trail.") from None
    given = read_checkpoint(text)
    check_checkpoint(given, key=key)
    return given


def _with_progress(ledger: LedgerService, given: Checkpoint | None) -> Report:
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True, highlight=False)
    with Progress(TextColumn("  rows"), *columns, console=console, transient=True) as progress:
        bar = progress.add_task("rows", total=None)
        return ledger.verify(
            checkpoint=given,
            told=lambda done, total: progress.update(bar, completed=done, total=max(done, total)),
        )


def _show(report: Report) -> None:
    typer.echo(
        f"{report.rows:,} sealed rows in {report.blocks:,} blocks ({report.archived_rows:,} rows "
        f"in {report.archives:,} archives); {report.personal_values:,} personal values."
    )
    for line in _dropped(report.dropped):
        typer.echo(line)
    if report.unsealed:
        since = show_instant(report.oldest_unsealed)
        typer.echo(f"{report.unsealed:,} rows wait to be sealed, the oldest since {since}.")
    if report.checkpoint_block is not None and report.is_sound:
        typer.echo(f"It goes on from the checkpoint at block {report.checkpoint_block:,}.")
    if report.is_sound:
        typer.secho("Nothing was changed.", fg="green")
        return
    typer.secho(f"NOT AS IT WAS SEALED: {report.findings[0].detail}", fg="red", err=True)
    more = report.findings[1:SHOWN]
    if more:
        print_table("", ("what", "detail"), [(each.trouble, each.detail) for each in more])
    if report.count > 1 + len(more):
        typer.echo(f"and {report.count - 1 - len(more):,} more", err=True)


def _dropped(archives: Sequence[DroppedArchive]) -> Iterator[str]:
    """A line for each day on which retention dropped archives."""
    for day, some in groupby(archives, key=lambda each: show_ist(each.dropped_at)[:11]):
        gone = list(some)
        yield (
            f"Archives of blocks {gone[0].first_block:,} to {gone[-1].last_block:,} "
            f"({sum(each.rows for each in gone):,} rows) were dropped by setting on {day}; their "
            "blocks stay."
        )


def _spell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
