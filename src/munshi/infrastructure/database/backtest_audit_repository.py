"""SQL for BacktestAudits; nothing here changes a stored row."""

from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, insert, select

from munshi.domain.backtest.audit import Assumption, BacktestAudit, Peek
from munshi.domain.backtest.audits import KeptAudit
from munshi.infrastructure.database.models import backtest_audits

_INSERT = insert(backtest_audits)
_OF_RUN = (
    select(backtest_audits)
    .where(backtest_audits.c.run_id == bindparam("run"))
    .order_by(backtest_audits.c.created_at.desc(), backtest_audits.c.audit_id)
)
_OF_JOB = select(backtest_audits).where(backtest_audits.c.job_id == bindparam("job"))


class BacktestAuditRepository:
    """Stores an audit in the caller's transaction, and reads it back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, kept: KeptAudit) -> None:
        found = kept.found
        self._connection.execute(
            _INSERT,
            {
                "audit_id": kept.audit_id,
                "run_id": kept.run_id,
                "job_id": kept.job_id,
                "code_version": kept.code_version,
                "net": found.net,
                "days_cut": found.days_cut,
                "trades_compared": found.trades_compared,
                "peeks": [
                    {"last_day": peek.last_day.isoformat(), "what": peek.what}
                    for peek in found.peeks
                ],
                "assumptions": [asdict(each) for each in found.assumptions],
                "seed": found.seed,
                "duration_ms": kept.duration_ms,
                "created_at": kept.created_at,
            },
        )

    def get_of_job(self, job_id: UUID) -> KeptAudit | None:
        row = self._connection.execute(_OF_JOB, {"job": job_id}).first()
        return None if row is None else _audit(row)

    def list_of_run(self, run_id: UUID) -> list[KeptAudit]:
        """Newest first."""
        return [_audit(row) for row in self._connection.execute(_OF_RUN, {"run": run_id})]


def _audit(row: Row[Any]) -> KeptAudit:
    return KeptAudit(
        audit_id=row.audit_id,
        run_id=row.run_id,
        job_id=row.job_id,
        code_version=row.code_version,
        found=BacktestAudit(
            net=row.net,
            days_cut=row.days_cut,
            trades_compared=row.trades_compared,
            peeks=tuple(
                Peek(last_day=date.fromisoformat(peek["last_day"]), what=peek["what"])
                for peek in row.peeks
            ),
            assumptions=tuple(Assumption(**each) for each in row.assumptions),
            seed=row.seed,
        ),
        duration_ms=row.duration_ms,
        created_at=row.created_at,
    )
