"""BacktestRepository: a run comes back as it was stored, with trades and charges."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from made_backtests import AT, made_run, made_trades
from munshi.domain.places import TOP, Place
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


def test_pages_of_runs_miss_none_and_repeat_none(database: Database) -> None:
    """Four of the same moment, and one after them."""
    runs = [made_run(created_at=AT), *(made_run(created_at=AT) for _ in range(3))]
    runs.append(made_run(created_at=AT + timedelta(seconds=1)))
    with database.transaction() as tx:
        for run in runs:
            tx.backtests.save_run(run, ())
    walked, after = [], TOP

    with database.reading() as tx:
        every = tx.backtests.list_runs(limit=9)
        while found := tx.backtests.list_runs(limit=2, after=after):
            walked += found
            after = Place(at=found[-1].created_at, row=found[-1].run_id)

    assert [run.run_id for run in walked] == [run.run_id for run in every]
    assert walked[0] == runs[-1]
    assert {run.run_id for run in walked} == {run.run_id for run in runs}


def test_runs_are_chosen_by_the_database(database: Database) -> None:
    kinds = (("one", "NSE:AXB"), ("two", "NSE:A_B"), ("two", "BSE:[ab]"))
    runs = [
        replace(made_run(created_at=AT - timedelta(hours=n)), strategy=name, instrument=on)
        for n, (name, on) in enumerate(kinds)
    ]
    with database.transaction() as tx:
        for run in runs:
            tx.backtests.save_run(run, ())
    wanted = {
        ("", ""): [0, 1, 2],
        ("two", ""): [1, 2],
        ("two", "a_b"): [1],
        ("", "nse:"): [0, 1],
        ("", "%"): [],
        ("", "[AB]"): [2],
        ("", "\\"): [],
        ("tw", ""): [],
    }

    with database.reading() as tx:
        found = {
            (strategy, instrument): [
                runs.index(run)
                for run in tx.backtests.list_runs(limit=9, strategy=strategy, instrument=instrument)
            ]
            for strategy, instrument in wanted
        }
        assert tx.backtests.list_strategies() == ["one", "two"]

    assert found == wanted


def test_a_run_is_never_stored_over_another(database: Database) -> None:
    run = made_run()
    with database.transaction() as tx:
        tx.backtests.save_run(run, ())
    with pytest.raises(IntegrityError), database.transaction() as tx:
        tx.backtests.save_run(run, made_trades())

    with database.reading() as tx:
        assert tx.backtests.list_trades(run.run_id) == []
