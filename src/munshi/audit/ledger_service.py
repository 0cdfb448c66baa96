"""The sealed trail as people use it: how it stands, whether it is sound, proofs and checkpoints."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from munshi.audit.findings import Report
from munshi.audit.sealer import Sealer
from munshi.audit.verification import Progress, Verification
from munshi.clock import Clock
from munshi.domain.alerts import Severity
from munshi.domain.audit import Actor, leaf_hash
from munshi.domain.ledger.archives import Archive, ArchiveState
from munshi.domain.ledger.blocks import spell_instant, unpack_ids, unpack_leaves
from munshi.domain.ledger.checkpoints import Checkpoint, Proof
from munshi.domain.ledger.merkle import inclusion_path
from munshi.domain.ledger.rows import StoredBlock, StoredRow
from munshi.errors import (
    ArchiveDroppedError,
    AuditRowUnknownError,
    AuditRowUnsealedError,
    LedgerBrokenError,
    SecretUnreadableError,
    VaultKeyInvalidError,
)
from munshi.infrastructure.archives import ArchiveFolder
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction

# How often verifying begins anew because the archives changed meanwhile.
TRIES = 10
AUDIT_BROKEN = "audit_broken"
_NO_KEYS = (LedgerBrokenError, SecretUnreadableError, VaultKeyInvalidError)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealState:
    """How far the trail is sealed. `oldest_unsealed` is None where nothing waits."""

    ledger_id: str | None
    blocks: int
    sealed_rows: int
    unsealed_rows: int
    oldest_unsealed: datetime | None
    head: str | None


class LedgerService:
    """Never changes a row; sealing appends blocks."""

    def __init__(self, database: Database, clock: Clock, *, home: Path) -> None:
        self._database = database
        self._clock = clock
        self._archives = ArchiveFolder(home)

    def state(self) -> SealState:
        with self._database.reading() as tx:
            unsealed, oldest = tx.ledger_reader.unsealed()
            head = tx.ledger.get_head()[0] if tx.ledger.is_begun() else None
        return SealState(
            ledger_id=head.ledger_id if head else None,
            blocks=head.number if head else 0,
            sealed_rows=head.size if head else 0,
            unsealed_rows=unsealed,
            oldest_unsealed=oldest,
            head=head.block_hash.hex() if head and head.number else None,
        )

    def seal(self) -> int:
        """Seal all that waits and can be sealed now; how many rows."""
        return Sealer(self._database, self._clock).seal_all()

    def verify(
        self,
        *,
        checkpoint: Checkpoint | None = None,
        told: Progress = lambda done, total: None,  # noqa: ARG005
    ) -> Report:
        """Check all of it, on one state of the database. What is wrong raises an alert."""
        report = self._verify(checkpoint, told)
        self._tell(report)
        return report

    def _tell(self, report: Report) -> None:
        """Raise the alert, or resolve it when all is sound again."""
        with self._database.reading() as tx:
            said = tx.alerts.get_open_title(AUDIT_BROKEN)
        if report.is_sound and said is None:
            return
        now = self._clock.now()
        with self._database.transaction() as tx:
            if report.is_sound:
                tx.alerts.resolve_alert(AUDIT_BROKEN, now=now)
                return
            tx.alerts.raise_alert(
                AUDIT_BROKEN,
                kind=AUDIT_BROKEN,
                severity=Severity.CRITICAL,
                title=f"The audit trail is not as it was sealed: {report.count} findings. "
                "See: munshi audit verify",
                now=now,
            )

    def _verify(self, checkpoint: Checkpoint | None, told: Progress) -> Report:
        for _ in range(TRIES):
            report, recorded = self._verify_once(checkpoint, told)
            if report.is_sound:
                break
            # Files are of no one state: whoever worked on the archives meanwhile seems to have
            # tampered.
            with self._database.reading() as tx:
                if tx.archives.list_archives() == recorded:
                    break
        return report

    def _verify_once(
        self, checkpoint: Checkpoint | None, told: Progress
    ) -> tuple[Report, list[Archive]]:
        # Files first: each has a record before it is written.
        files = self._archives.names()
        with self._database.reading() as tx:
            keys, trouble = _public_keys(tx)
            ledger_id = tx.ledger.get_head()[0].ledger_id if tx.ledger.is_begun() else ""
            recorded = tx.archives.list_archives()
            run = Verification(
                tx.ledger_reader,
                self._archives,
                ledger_id=ledger_id,
                keys=keys,
                told=told,
                recorded=recorded,
                files=files,
            )
            if trouble:
                run.refuse_keys(trouble)
            return run.run(checkpoint), recorded

    def checkpoint(self) -> Checkpoint:
        """The newest block, signed. Raises AuditRowUnsealedError while there is none."""
        with self._database.reading() as tx:
            head = tx.ledger.get_head()[0] if tx.ledger.is_begun() else None
            block = tx.ledger.get_block(head.number) if head else None
            if head is None or block is None:
                raise AuditRowUnsealedError("Nothing is sealed yet.", hint="Run: munshi audit seal")
            return _checkpoint(tx, block, head.ledger_id)

    def take_checkpoint(self, to: str, *, actor: Actor) -> Checkpoint:
        """`checkpoint`, and a row that it was taken, and where to."""
        taken = self.checkpoint()
        now = self._clock.now()
        with self._database.transaction() as tx:
            details = {"block": taken.number, "size": taken.size, "to": to}
            tx.audit.log("audit", "checkpoint", details=details, actor=actor, now=now)
        return taken

    def prove(self, audit_id: int) -> Proof:
        """That the row stands in the ledger as it was sealed, be it in the table or in an archive.

        Raises AuditRowUnknownError, AuditRowUnsealedError, LedgerBrokenError, ArchiveInvalidError.
        """
        with self._database.reading() as tx:
            row = tx.ledger_reader.rows([audit_id]).get(audit_id)
            block = tx.ledger.find_block(audit_id) if tx.ledger.is_begun() else None
            if row is None:
                row = self._archived_row(tx, audit_id, block)
            if block is None:
                raise AuditRowUnsealedError(
                    f"Audit row {audit_id} is not sealed yet.", hint="Run: munshi audit seal"
                )
            ids, leaves = unpack_ids(block.ids), unpack_leaves(block.leaves)
            index = ids.index(audit_id)
            if leaves[index] != leaf_hash(row.canonical):
                raise LedgerBrokenError(
                    f"Audit row {audit_id} is not what was sealed.",
                    hint="Run: munshi audit verify",
                )
            return Proof(
                canonical=row.canonical,
                audit_id=audit_id,
                index=index,
                path=tuple(inclusion_path(leaves, index)),
                block_ids=block.ids,
                root=block.root,
                first_position=block.first_position,
                previous_hash=block.previous_hash,
                sealed_at=spell_instant(block.sealed_at),
                checkpoint=_checkpoint(tx, block, tx.ledger.get_head()[0].ledger_id),
            )

    def _archived_row(self, tx: Transaction, audit_id: int, block: StoredBlock | None) -> StoredRow:
        for each in tx.archives.list_archives() if block is not None else []:
            if block is None or not each.first_block <= block.number <= each.last_block:
                continue
            if each.state == ArchiveState.DROPPED:
                raise ArchiveDroppedError(
                    f"Audit row {audit_id} was in the archive {each.name}, which retention dropped."
                )
            with self._archives.read(each.name) as (_, blocks):
                for found in blocks:
                    for row in found.rows if found.number == block.number else ():
                        if row.audit_id == audit_id:
                            return row.row
        raise AuditRowUnknownError(f"There is no audit row {audit_id}.")


def _checkpoint(tx: Transaction, block: StoredBlock, ledger_id: str) -> Checkpoint:
    return Checkpoint(
        ledger_id=ledger_id,
        number=block.number,
        size=block.first_position + block.row_count,
        block_hash=block.block_hash,
        public_key=tx.audit_keys.get_public_key(block.key_id),
        signature=block.signature,
    )


def _public_keys(tx: Transaction) -> tuple[dict[str, bytes] | None, str]:
    try:
        return tx.audit_keys.list_public_keys(), ""
    except _NO_KEYS as error:
        return None, error.detail
