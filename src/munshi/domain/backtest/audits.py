"""Audits that are kept: of which run, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from munshi.domain.backtest.audit import BacktestAudit
from munshi.errors import JobParametersInvalidError


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditParams:
    """Which stored backtest is audited."""

    run_id: UUID

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Raises JobParametersInvalidError."""
        if set(raw) != {"run_id"}:
            raise JobParametersInvalidError("An audit is told run_id, and nothing else.")
        try:
            return cls(run_id=UUID(str(raw["run_id"])))
        except ValueError as error:
            raise JobParametersInvalidError(f"{raw['run_id']!r} is no backtest's id.") from error

    def to_json(self) -> dict[str, object]:
        return {"run_id": str(self.run_id)}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAudit:
    """An audit as it was stored; `job_id` is None once the job is deleted."""

    audit_id: UUID
    run_id: UUID
    job_id: UUID | None
    code_version: str
    found: BacktestAudit
    duration_ms: int
    created_at: datetime
