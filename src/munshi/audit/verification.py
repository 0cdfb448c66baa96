"""Checks the whole audit trail: rows, leaves, trees, chain, signatures, archives, personal values.

Nothing that stands in the database is believed but for what hashes to what was signed. Little is
kept in memory, however long the trail is: a block's rows at a time, and of a trail with strange
rows a bit for each.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from munshi.audit.findings import Report, Trouble
from munshi.audit.shelf import Bits, Shelf
from munshi.domain.audit import commitment, leaf_hash
from munshi.domain.ledger.archives import Archive
from munshi.domain.ledger.blocks import (
    MOST_ROWS,
    NOTHING_BEFORE,
    hash_of_block,
)
from munshi.domain.ledger.checkpoints import Checkpoint, checkpoint_body
from munshi.domain.ledger.merkle import merkle_root
from munshi.domain.ledger.rows import (
    StoredBlock,
    StoredRow,
    are_as_sealed,
    says_what_was_hashed,
)
from munshi.errors import LedgerBrokenError
from munshi.infrastructure.archives import ArchiveFolder
from munshi.infrastructure.database.ledger_reader import LedgerReader, PersonalValue
from munshi.infrastructure.security.signing import is_signed

Progress = Callable[[int, int], None]


class Verification:
    """One run over one state of the ledger.

    `keys` are the public keys by id; None leaves the signatures out. `files` are the archives'
    files as they were before the state that `reader` sees. `told` is called with rows done and
    rows in all.
    """

    def __init__(
        self,
        reader: LedgerReader,
        archives: ArchiveFolder,
        *,
        ledger_id: str,
        keys: Mapping[str, bytes] | None,
        told: Progress,
        recorded: Sequence[Archive] = (),
        files: frozenset[str] = frozenset(),
    ) -> None:
        self._reader = reader
        self._archives = archives
        self._ledger_id = ledger_id
        self._keys = keys
        self._told = told
        self._recorded = recorded
        self._files = files
        self._archived = Bits()
        self._in_table = 0
        self.report = Report(signatures_checked=keys is not None)

    def run(self, checkpoint: Checkpoint | None = None) -> Report:
        """Check everything; with `checkpoint`, also that this is the ledger it was taken from."""
        total = self._reader.count()
        everything = max(total, self._reader.sealed())
        shelf = Shelf(
            self._recorded,
            self._archives,
            self.report,
            ledger_id=self._ledger_id,
            keys=self._keys,
        )
        self.report.archives = len(shelf)
        shelf.check(self._files)
        head, size, number = NOTHING_BEFORE, 0, 0
        for block in self._reader.blocks():
            self._check_place(block, number, head, size)
            self._check_block(block, shelf)
            shelf.meet(block)
            if checkpoint is not None and checkpoint.number == block.number:
                self._compare(checkpoint, block)
            number, head = block.number, block.block_hash
            size = block.first_position + block.row_count
            self._told(self.report.rows, everything)
        shelf.close(number)
        self.report.blocks = number
        if checkpoint is not None and self.report.checkpoint_block is None:
            self._miss(checkpoint, number)
        self._check_strangers(total)
        self._check_personal_values()
        return self.report

    def refuse_keys(self, why: str) -> None:
        """No signature can be checked, because `why`."""
        self.report.add(Trouble.KEY_WRONG, why)

    # --- blocks ----------------------------------------------------------------------------

    def _check_place(self, block: StoredBlock, last: int, head: bytes, size: int) -> None:
        for missing in range(last + 1, min(block.number, last + 4)):
            self.report.add(Trouble.BLOCK_MISSING, f"Block {missing} is missing.", block=missing)
        if block.number == last + 1 and (
            block.previous_hash != head or block.first_position != size
        ):
            self.report.add(
                Trouble.CHAIN_BROKEN,
                f"Block {block.number} does not follow block {last}.",
                block=block.number,
            )

    def _check_block(self, block: StoredBlock, shelf: Shelf) -> None:
        held = block.contents()
        if held is None:
            self._changed(block, "does not hold what a block holds")
            return
        ids, leaves = held
        if merkle_root(leaves) != block.root:
            self._changed(block, "has leaves that its root does not cover")
        if block.block_hash != self._hash_of(block):
            self._changed(block, "is not what its hash covers")
        self._check_signature(block)
        self._check_rows(block, ids, leaves, shelf)

    def _hash_of(self, block: StoredBlock) -> bytes:
        return hash_of_block(
            self._ledger_id,
            number=block.number,
            first_position=block.first_position,
            ids=block.ids,
            root=block.root,
            previous_hash=block.previous_hash,
            sealed_at=block.sealed_at,
        )

    def _check_signature(self, block: StoredBlock) -> None:
        if self._keys is None:
            return
        key = self._keys.get(block.key_id)
        if key is None:
            self.report.add(
                Trouble.KEY_WRONG,
                f"Block {block.number} was signed with key {block.key_id}, which is not ours.",
                block=block.number,
            )
            return
        body = checkpoint_body(
            self._ledger_id,
            number=block.number,
            size=block.first_position + block.row_count,
            block_hash=block.block_hash,
            public_key=key,
        )
        if not is_signed(body, block.signature, by=key):
            self.report.add(
                Trouble.SIGNATURE_WRONG,
                f"The signature of block {block.number} is not ours.",
                block=block.number,
            )

    def _changed(self, block: StoredBlock, how: str) -> None:
        self.report.add(Trouble.BLOCK_CHANGED, f"Block {block.number} {how}.", block=block.number)

    # --- rows ------------------------------------------------------------------------------

    def _check_rows(
        self,
        block: StoredBlock,
        ids: tuple[int, ...],
        leaves: tuple[bytes, ...],
        shelf: Shelf,
    ) -> None:
        found = self._reader.table_rows(ids)
        self._in_table += len(found)
        self.report.rows += len(ids)
        if not are_as_sealed(found, ids, leaves):
            self._check_each(block, ids, leaves, shelf)

    def _check_each(
        self,
        block: StoredBlock,
        ids: tuple[int, ...],
        leaves: tuple[bytes, ...],
        shelf: Shelf,
    ) -> None:
        """Name the rows of which something is wrong; some may stand in an archive."""
        stored = self._reader.rows(ids)
        archived: Mapping[int, StoredRow] = {}
        if len(stored) < len(ids):
            archived = shelf.rows(block.number)
            self.report.archived_rows += len(archived.keys() - stored.keys())
            self._check_archived(archived)
        for audit_id, leaf in zip(ids, leaves, strict=True):
            row = stored.get(audit_id) or archived.get(audit_id)
            if row is not None:
                self._check_row(audit_id, row, leaf, block)
            elif shelf.was_dropped(block.number):
                self.report.dropped_rows += 1
            else:
                self.report.add(
                    Trouble.ROW_MISSING,
                    f"Row {audit_id} of block {block.number} is missing.",
                    audit_id=audit_id,
                    block=block.number,
                )

    def _check_archived(self, archived: Mapping[int, StoredRow]) -> None:
        """The personal values beside rows that an archive has."""
        for audit_id in archived:
            self._archived.add(audit_id)
        for audit_id, field, salt, value in self._reader.personal_values_of([*archived]):
            said = archived[audit_id].canonical
            self._check_personal(PersonalValue(audit_id, field, salt, value, said), said)

    def _check_row(self, audit_id: int, row: StoredRow, leaf: bytes, block: StoredBlock) -> None:
        if leaf_hash(row.canonical) != leaf or row.leaf != leaf:
            self.report.add(
                Trouble.ROW_CHANGED,
                f"Row {audit_id} of block {block.number} is not what was sealed.",
                audit_id=audit_id,
                block=block.number,
            )
        elif not says_what_was_hashed(row):
            self.report.add(
                Trouble.ROW_READS_OTHERWISE,
                f"Row {audit_id} of block {block.number} says something else than was sealed.",
                audit_id=audit_id,
                block=block.number,
            )

    def _check_strangers(self, total: int) -> None:
        """Rows in no block, unless they wait to be sealed."""
        waiting, oldest = self._reader.unsealed()
        self.report.unsealed, self.report.oldest_unsealed = waiting, oldest
        self._check_waiting()
        if total == self._in_table + waiting:
            return
        sealed = self._sealed_ids()
        for audit_id in self._reader.ids_not_waiting():
            if audit_id not in sealed:
                self.report.add(
                    Trouble.ROW_FOREIGN,
                    f"Row {audit_id} stands in no block, though later rows are sealed.",
                    audit_id=audit_id,
                )

    def _sealed_ids(self) -> Bits:
        """The rows of all blocks that are whole, read once more: only a broken trail needs them."""
        sealed = Bits()
        for block in self._reader.blocks():
            held = block.contents()
            if held is not None:
                for audit_id in held[0]:
                    sealed.add(audit_id)
        return sealed

    def _check_waiting(self) -> None:
        """Rows that wait to be sealed are held by nothing but their own hash."""
        ids = iter(self._reader.waiting_ids())
        while batch := list(islice(ids, MOST_ROWS)):
            for audit_id, row in self._reader.rows(batch).items():
                if leaf_hash(row.canonical) != row.leaf or not says_what_was_hashed(row):
                    self.report.add(
                        Trouble.ROW_CHANGED,
                        f"Row {audit_id}, which waits to be sealed, is not what was written.",
                        audit_id=audit_id,
                    )

    def _check_personal_values(self) -> None:
        for each in self._reader.personal_values():
            self.report.personal_values += 1
            if each.canonical is not None:
                self._check_personal(each, each.canonical)
            elif each.audit_id not in self._archived:
                self.report.add(
                    Trouble.PERSONAL_CHANGED,
                    f"The {each.field} of row {each.audit_id} stands beside no row.",
                    audit_id=each.audit_id,
                )

    def _check_personal(self, each: PersonalValue, said: bytes) -> None:
        if not _commits(each, said):
            self.report.add(
                Trouble.PERSONAL_CHANGED,
                f"The {each.field} of row {each.audit_id} is not what was sealed.",
                audit_id=each.audit_id,
            )

    # --- checkpoints -----------------------------------------------------------------------

    def _compare(self, checkpoint: Checkpoint, block: StoredBlock) -> None:
        self.report.checkpoint_block = block.number
        size = block.first_position + block.row_count
        if (checkpoint.block_hash, checkpoint.size) != (block.block_hash, size):
            self.report.add(
                Trouble.CHECKPOINT_WRONG,
                f"Block {block.number} is not the one that the checkpoint names: "
                "the ledger was written anew.",
                block=block.number,
            )

    def _miss(self, checkpoint: Checkpoint, number: int) -> None:
        self.report.add(
            Trouble.CHECKPOINT_WRONG,
            f"The checkpoint names block {checkpoint.number}, and the ledger ends with block "
            f"{number}: later blocks were taken away.",
            block=checkpoint.number,
        )


def _commits(personal: PersonalValue, canonical: bytes) -> bool:
    """Whether a row was sealed with this value, where it says what personal values it has."""
    kept = commitment(personal.field, personal.value, salt=personal.salt)
    start = canonical.rfind(b'"personal":{')
    return canonical.find(f'"{personal.field}":"{kept}"'.encode(), start) > start >= 0


def refuse_broken(report: Report) -> None:
    """Raise LedgerBrokenError, which names the first trouble, unless the trail is sound."""
    if not report.is_sound:
        more = f" And {report.count - 1} more." if report.count > 1 else ""
        raise LedgerBrokenError(report.findings[0].detail + more)
