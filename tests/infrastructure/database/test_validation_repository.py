"""Validations in the database, on each dialect."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from made_backtests import made_run
from made_validation_runs import AT, made_validation
from munshi.infrastructure.database.engine import Database


def test_a_validation_comes_back_as_it_was_stored(database: Database) -> None:
    run = made_validation()
    with database.transaction() as tx:
        tx.validations.save_run(run)

    with database.reading() as tx:
        assert tx.validations.get_run(run.validation_id) == run
        assert tx.validations.get_run(uuid4()) is None
        assert tx.validations.get_run_of_job(uuid4()) is None


def test_tries_are_counted_by_what_was_tried_and_the_one_before_is_another(
    database: Database,
) -> None:
    first, again = made_validation(trial_key="1" * 64), made_validation(trial_key="1" * 64)
    other = replace(made_validation(trial_key="2" * 64), created_at=AT + timedelta(hours=1))
    signal = made_validation(signal_type="S3", trial_key="3" * 64)
    with database.transaction() as tx:
        for run in (first, again, other, signal):
            made = replace(made_run(), run_id=run.backtest_run_id)
            tx.backtests.save_run(made, ())
            tx.validations.save_run(run)

    told = {"instrument": "NSE:INFY", "signal_type": "all"}
    asked = {**told, "strategy": "ma_cross"}
    with database.reading() as tx:
        assert tx.validations.list_trials(instrument="NSE:INFY") == {
            number * 64
            for number in "123"  # S3 is one of those from which the best may be kept
        }
        assert tx.validations.list_trials(instrument="NSE:TCS") == set()
        assert tx.validations.get_previous(**asked, trial_key="1" * 64) == other
        before = tx.validations.get_previous(**asked, trial_key="2" * 64)
        assert before is not None
        assert before.trial_key == "1" * 64
        for unlike in ({"instrument": "X"}, {"strategy": "short_straddle"}):
            assert tx.validations.get_previous(**{**asked, **unlike}, trial_key="") is None
        assert [run.signal_type for run in tx.validations.list_runs(limit=1)] == ["all"]
