"""A sweep with some of its trials, as it is stored."""

from datetime import date
from uuid import uuid4

from made_backtests import AT
from munshi.domain.backtest.sweeps import Sweep, SweepTrial
from munshi.infrastructure.database.engine import Database


def store_sweep(database: Database) -> Sweep:
    """Of three trials two are stored, the better one last."""
    sweep = Sweep(
        sweep_id=uuid4(),
        strategy="ma_cross",
        instrument="NSE:INFY",
        bar_interval="1minute",
        from_date=date(2024, 6, 10),
        to_date=date(2024, 6, 11),
        label="made up",
        code_version="0",
        parameters={},
        assumptions=("Prices: made up.",),
        trial_count=3,
        data_fingerprint="f" * 64,
        created_at=AT,
    )
    trials = [
        SweepTrial(
            trial_number=number,
            instrument="NSE:INFY",
            parameters={"fast": 2 + number},
            metrics={"net": net, "sharpe": net / 100, "period_sharpe": net / 1000},
            returns=(0.0, net / 1e6),
            result_hash=f"{number}" * 64,
            net=net,
        )
        for number, net in ((0, 100), (1, 300))
    ]
    with database.transaction() as tx:
        tx.sweeps.save_sweep(sweep)
        tx.sweeps.save_trials(sweep.sweep_id, trials)
    return sweep
