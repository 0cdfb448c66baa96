"""What checking the audit trail found, in words that name the row or the block."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

FINDINGS_KEPT = 100


class Trouble(StrEnum):
    """What is wrong with a row, a block or an archive."""

    ROW_CHANGED = "row changed"
    ROW_READS_OTHERWISE = "row reads otherwise than it was sealed"
    ROW_MISSING = "row missing"
    ROW_FOREIGN = "row in no block"
    PERSONAL_CHANGED = "personal value changed"
    BLOCK_CHANGED = "block changed"
    BLOCK_MISSING = "block missing"
    CHAIN_BROKEN = "chain broken"
    SIGNATURE_WRONG = "signature wrong"
    KEY_WRONG = "signing key wrong"
    ARCHIVE_WRONG = "archive wrong"
    CHECKPOINT_WRONG = "checkpoint not in this ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One trouble; `audit_id`, `block` and `archive` where they can be named."""

    trouble: Trouble
    detail: str
    audit_id: int | None = None
    block: int | None = None
    archive: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedArchive:
    """An archive that retention dropped, as its signed record says."""

    name: str
    first_block: int
    last_block: int
    rows: int
    dropped_at: datetime


@dataclass(slots=True, kw_only=True)
class Report:
    """What was checked and what is wrong; of many findings the first hundred are kept."""

    rows: int = 0
    archived_rows: int = 0
    dropped_rows: int = 0
    blocks: int = 0
    unsealed: int = 0
    oldest_unsealed: datetime | None = None
    personal_values: int = 0
    archives: int = 0
    dropped: list[DroppedArchive] = field(default_factory=list)
    checkpoint_block: int | None = None
    signatures_checked: bool = True
    findings: list[Finding] = field(default_factory=list)
    count: int = 0

    @property
    def is_sound(self) -> bool:
        return self.count == 0

    def add(
        self,
        trouble: Trouble,
        detail: str,
        *,
        audit_id: int | None = None,
        block: int | None = None,
        archive: str | None = None,
    ) -> None:
        self.count += 1
        if len(self.findings) < FINDINGS_KEPT:
            self.findings.append(
                Finding(
                    trouble=trouble, detail=detail, audit_id=audit_id, block=block, archive=archive
                )
            )
