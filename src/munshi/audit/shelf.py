"""What checking the trail keeps at hand: which rows it met, and the archives it reads from."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from munshi.audit.findings import DroppedArchive, Report, Trouble
from munshi.domain.ledger.archives import (
    ON_FILE,
    Archive,
    ArchivedBlock,
    ArchiveState,
    drop_body,
)
from munshi.domain.ledger.checkpoints import Checkpoint, read_checkpoint
from munshi.domain.ledger.rows import StoredBlock, StoredRow
from munshi.errors import ArchiveInvalidError, CheckpointInvalidError
from munshi.infrastructure.archives import ArchiveFolder
from munshi.infrastructure.security.signing import is_signed

_PAGE = 1 << 15


class Bits:
    """A set of numbers, near each other for the most part: a bit each."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def add(self, number: int) -> None:
        page, place = divmod(number, _PAGE)
        bits = self._pages.get(page)
        if bits is None:
            bits = self._pages[page] = bytearray(_PAGE // 8)
        bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, number: int) -> bool:
        page, place = divmod(number, _PAGE)
        bits = self._pages.get(page)
        return bits is not None and bool(bits[place >> 3] >> (place & 7) & 1)


class Shelf:
    """The archives, read forwards as the blocks come. Neither file nor record is believed."""

    def __init__(
        self,
        archives: Sequence[Archive],
        folder: ArchiveFolder,
        report: Report,
        *,
        ledger_id: str,
        keys: Mapping[str, bytes] | None,
    ) -> None:
        self._archives = sorted(archives, key=lambda each: each.first_block)
        self._firsts = [each.first_block for each in self._archives]
        self._folder = folder
        self._report = report
        self._ledger_id = ledger_id
        self._keys = keys
        self._opened = ExitStack()
        self._reading: str | None = None
        self._blocks: Iterator[ArchivedBlock] = iter(())
        self._dropped: set[str] = set()
        self._ends: dict[int, tuple[Archive, Checkpoint]] = {}

    def __len__(self) -> int:
        return len(self._archives)

    def check(self, files: frozenset[str]) -> None:
        """Compare the records with the files there are, each file with its hash and its head."""
        for before, each in zip(self._archives, self._archives[1:], strict=False):
            if each.first_block <= before.last_block:
                self._complain(each, f"The archive {each.name} overlaps with {before.name}.")
        for each in self._archives:
            if each.state == ArchiveState.DROPPED:
                self._check_drop(each)
            elif each.state in ON_FILE:
                self._check_file(each)
            elif each.state not in {ArchiveState.WRITING, ArchiveState.RESTORED}:
                self._complain(each, f"The record of the archive {each.name} was changed.")
        for name in sorted(files - {each.name for each in self._archives}):
            self._report.add(
                Trouble.ARCHIVE_WRONG,
                f"The file {name} stands with the archives, and no archive is recorded under it.",
                archive=name,
            )

    def was_dropped(self, block: int) -> bool:
        """Whether retention dropped the archive of a block, and signed for it."""
        archive = self._find(block)
        return archive is not None and archive.name in self._dropped

    def rows(self, block: int) -> Mapping[int, StoredRow]:
        """The rows of a block as its archive has them; none if there is no such archive."""
        archive = self._find(block)
        if archive is None or archive.state not in ON_FILE:
            return {}
        try:
            self._open(archive)
            for found in self._blocks:
                if found.number == block:
                    self._end(archive, block)
                    return {each.audit_id: each.row for each in found.rows}
        except ArchiveInvalidError as error:
            self._complain(archive, error.detail)
        return {}

    def meet(self, block: StoredBlock) -> None:
        """Compare a block with the checkpoint of the archive that ends with it."""
        archive, checkpoint = self._ends.pop(block.number, (None, None))
        if archive is None or checkpoint is None:
            return
        size = block.first_position + block.row_count
        said = (checkpoint.block_hash, checkpoint.size, checkpoint.signature)
        if said != (block.block_hash, size, block.signature):
            self._complain(archive, f"The archive {archive.name} ends in another checkpoint.")

    def close(self, last_block: int) -> None:
        """Complain of archives of blocks that are not there, behind `last_block`; close files."""
        self._opened.close()
        for each in self._archives:
            if each.last_block > last_block:
                self._complain(
                    each,
                    f"The archive {each.name} is recorded up to block {each.last_block}, and the "
                    f"ledger ends with block {last_block}.",
                )

    # --- one archive -----------------------------------------------------------------------

    def _find(self, block: int) -> Archive | None:
        place = bisect_right(self._firsts, block) - 1
        if place < 0 or self._archives[place].last_block < block:
            return None
        return self._archives[place]

    def _open(self, archive: Archive) -> None:
        if self._reading == archive.name:
            return
        self._opened.close()
        self._reading, self._blocks = archive.name, iter(())
        _, self._blocks = self._opened.enter_context(self._folder.read(archive.name))

    def _end(self, archive: Archive, block: int) -> None:
        """Nothing may follow the last block."""
        if block == archive.last_block and next(self._blocks, None) is not None:
            self._complain(archive, f"The archive {archive.name} goes on behind its last block.")

    def _check_file(self, archive: Archive) -> None:
        try:
            if self._folder.digest(archive.name) != archive.sha256:
                self._complain(archive, f"The archive {archive.name} was changed.")
            header = self._folder.header(archive.name)
        except ArchiveInvalidError as error:
            self._complain(archive, error.detail)
            return
        self._check_header(archive, header)

    def _check_header(self, archive: Archive, header: Mapping[str, Any]) -> None:
        if header.get("ledger") != self._ledger_id:
            self._complain(archive, f"The archive {archive.name} is of another desk.")
            return
        said = tuple(header.get(name) for name in ("first_block", "last_block", "rows"))
        if said != (archive.first_block, archive.last_block, archive.rows):
            self._complain(
                archive,
                f"The archive {archive.name} says that it holds blocks {said[0]} to {said[1]} with "
                f"{said[2]} rows.",
            )
        checkpoint = None
        with suppress(CheckpointInvalidError):
            checkpoint = read_checkpoint(str(header.get("checkpoint")))
        fits = (
            checkpoint is not None
            and (checkpoint.ledger_id, checkpoint.number) == (self._ledger_id, archive.last_block)
            and (self._keys is None or checkpoint.public_key in self._keys.values())
            and is_signed(checkpoint.body, checkpoint.signature, by=checkpoint.public_key)
        )
        if checkpoint is None or not fits:
            self._complain(archive, f"The checkpoint in the archive {archive.name} is not ours.")
            return
        self._ends[archive.last_block] = (archive, checkpoint)

    def _check_drop(self, archive: Archive) -> None:
        """A record of retention counts only as it was signed."""
        key = None if self._keys is None else self._keys.get(archive.key_id or "")
        if archive.dropped_at is None or archive.signature is None or key is None:
            is_ours = self._keys is None and archive.dropped_at is not None
        else:
            body = drop_body(self._ledger_id, archive, archive.dropped_at)
            is_ours = is_signed(body, archive.signature, by=key)
        if not is_ours or archive.dropped_at is None:
            self._complain(
                archive,
                f"The archive {archive.name} is said to have been dropped, and nobody signed that.",
            )
            return
        self._dropped.add(archive.name)
        self._report.dropped.append(
            DroppedArchive(
                name=archive.name,
                first_block=archive.first_block,
                last_block=archive.last_block,
                rows=archive.rows,
                dropped_at=archive.dropped_at,
            )
        )

    def _complain(self, archive: Archive, detail: str) -> None:
        self._report.add(Trouble.ARCHIVE_WRONG, detail, archive=archive.name)
