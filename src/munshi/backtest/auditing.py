"""Audits of stored backtests: made again on the same bars, and kept for good."""

from collections.abc import Callable
from importlib.metadata import version
from uuid import UUID, uuid4

from munshi.backtest.service import BacktestService
from munshi.clock import Clock
from munshi.domain.backtest.audit import audit
from munshi.domain.backtest.audits import AuditParams, KeptAudit
from munshi.errors import BacktestBarsChangedError
from munshi.infrastructure.database.engine import Database


class AuditKeeper:
    """Nothing of an audit that fails is stored; a stored one is never changed."""

    def __init__(self, database: Database, clock: Clock, *, backtests: BacktestService) -> None:
        self._database = database
        self._clock = clock
        self._backtests = backtests

    def run(
        self,
        params: AuditParams,
        *,
        job_id: UUID,
        attempt: int,
        progress: Callable[[float, str], None],
    ) -> KeptAudit:
        """Audit and store; for a job that has stored one already, that one.

        Raises BacktestRunUnknownError, BacktestBarsChangedError, what a run raises,
        JobAttemptFencedError after a lost lease, and whatever `progress` raises.
        """
        with self._database.reading() as tx:
            if (stored := tx.backtest_audits.get_of_job(job_id)) is not None:
                return stored
        began = self._clock.monotonic()
        run = self._backtests.get(params.run_id)
        told, bars = self._backtests.read_again(run)
        strategy = self._backtests.find_strategy(told)
        found = audit(
            self._backtests.request(told, bars, strategy),
            strategy.make,
            engine=strategy.engine,
            seed=int(run.result_hash[:8], 16),
            progress=progress,
        )
        if found.net != run.net:
            raise BacktestBarsChangedError(
                f"Made again the run came to {found.net / 100:,.2f} rupees instead of "
                f"{run.net / 100:,.2f}: bars or quotes of its options, its strategy's file or "
                "Munshi are no longer what they were.",
                hint="Run it again; both results are kept: munshi backtest compare",
            )
        kept = KeptAudit(
            audit_id=uuid4(),
            run_id=run.run_id,
            job_id=job_id,
            code_version=version("munshi"),
            found=found,
            duration_ms=round((self._clock.monotonic() - began) * 1000),
            created_at=self._clock.now(),
        )
        with self._database.transaction() as tx:
            tx.attempts.check_running(job_id, attempt)
            tx.backtest_audits.save(kept)
        return kept

    def list_of(self, run_id: UUID) -> list[KeptAudit]:
        """Newest first. Raises BacktestRunUnknownError."""
        self._backtests.get(run_id)
        with self._database.reading() as tx:
            return tx.backtest_audits.list_of_run(run_id)
