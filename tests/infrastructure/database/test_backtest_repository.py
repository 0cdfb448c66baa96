"""BacktestRepository: a run comes back as it was stored, with trades and charges."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from made_backtests import AT, made_run, made_trades
from munshi.infrastructure.database.engine import Database


def test_a_run_comes_back_with_its_trades_and_every_charge(database: Database) -> None:
    run, trades = made_run(), made_trades()
    with database.transaction() as tx:
        tx.backtests.save_run(run, trades)

    with database.reading() as tx:
        assert tx.backtests.get_run(run.run_id) == run
        assert tuple(tx.backtests.list_trades(run.run_id)) == trades
        assert tx.backtests.get_run(uuid4()) is None


def test_runs_are_listed_newest_first(database: Database) -> None:
    runs = [made_run(created_at=AT + timedelta(hours=hour)) for hour in range(3)]
    with database.transaction() as tx:
        for run in runs:
            tx.backtests.save_run(run, ())

    with database.reading() as tx:
        assert tx.backtests.list_runs(limit=2) == [runs[2], runs[1]]


def test_a_run_is_never_stored_over_another(database: Database) -> None:
    run = made_run()
    with database.transaction() as tx:
        tx.backtests.save_run(run, ())
    with pytest.raises(IntegrityError), database.transaction() as tx:
        tx.backtests.save_run(run, made_trades())

    with database.reading() as tx:
        assert tx.backtests.list_trades(run.run_id) == []
