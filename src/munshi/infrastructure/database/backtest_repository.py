"""SQL for BacktestRuns, BacktestTrades and BacktestLegs; nothing here changes a stored row."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select

from munshi.domain.backtest.costs import LegCost
from munshi.domain.backtest.results import LegFill, Trade, TradeEnd
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.market.charges import Side
from munshi.domain.places import TOP, Place
from munshi.infrastructure.database.models import backtest_legs, backtest_runs, backtest_trades
from munshi.infrastructure.database.newest_first import follows, like, place_values

# Their rows take several times the memory of the trades themselves.
_TRADES_AT_ONCE = 1_000
_INSERT_RUN = insert(backtest_runs)
_INSERT_TRADES = insert(backtest_trades)
_INSERT_LEGS = insert(backtest_legs)
_GET = select(backtest_runs).where(backtest_runs.c.run_id == bindparam("run"))
_OF_JOB = select(backtest_runs).where(backtest_runs.c.job_id == bindparam("job"))
_CONDITIONS = {
    "strategy": backtest_runs.c.strategy == bindparam("strategy"),
    "instrument": func.upper(backtest_runs.c.instrument).like(bindparam("instrument"), escape="\\"),
}
_STRATEGIES = select(backtest_runs.c.strategy).distinct().order_by(backtest_runs.c.strategy)
_TRIED = select(backtest_runs.c.result_hash, backtest_runs.c.metrics).where(
    backtest_runs.c.instrument == bindparam("instrument")
)
_TRADES = (
    select(backtest_trades)
    .where(backtest_trades.c.run_id == bindparam("run"))
    .order_by(backtest_trades.c.trade_number)
)
_LEGS = (
    select(backtest_legs)
    .where(backtest_legs.c.run_id == bindparam("run"))
    .order_by(backtest_legs.c.trade_number, backtest_legs.c.leg_number)
)


class BacktestRepository:
    """Stores a run whole, in the caller's transaction, and reads it back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save_run(self, run: BacktestRun, trades: Sequence[Trade]) -> None:
        self._connection.execute(_INSERT_RUN, {**asdict(run), "assumptions": list(run.assumptions)})
        numbered = enumerate(trades, start=1)
        while some := list(islice(numbered, _TRADES_AT_ONCE)):
            self._save_trades(run.run_id, some)

    def _save_trades(self, run_id: UUID, numbered: Sequence[tuple[int, Trade]]) -> None:
        self._connection.execute(
            _INSERT_TRADES, [_trade_row(run_id, number, trade) for number, trade in numbered]
        )
        legs = [
            _leg_row(run_id, number, place, leg)
            for number, trade in numbered
            for place, leg in enumerate(trade.legs, start=1)
        ]
        if legs:
            self._connection.execute(_INSERT_LEGS, legs)

    def get_run(self, run_id: UUID) -> BacktestRun | None:
        row = self._connection.execute(_GET, {"run": run_id}).one_or_none()
        return None if row is None else _run(row)

    def get_run_of_job(self, job_id: UUID) -> BacktestRun | None:
        row = self._connection.execute(_OF_JOB, {"job": job_id}).first()
        return None if row is None else _run(row)

    def list_runs(
        self, *, limit: int, after: Place = TOP, strategy: str = "", instrument: str = ""
    ) -> list[BacktestRun]:
        """Newest first: of the strategy, and on what holds `instrument`, where they are given."""
        given = {"strategy": strategy, "instrument": instrument and like(instrument.upper())}
        given = {name: text for name, text in given.items() if text}
        asked = {"most": limit, **place_values(after), **given}
        rows = self._connection.execute(_listing(frozenset(given)), asked)
        return [_run(row) for row in rows]

    def list_strategies(self) -> list[str]:
        """Whatever was run, by name."""
        return list(self._connection.execute(_STRATEGIES).scalars())

    def list_tried(self, instrument: str) -> dict[str, Mapping[str, Any]]:
        """The figures of everything that was run on it, by result: the same again is one trial."""
        rows = self._connection.execute(_TRIED, {"instrument": instrument})
        return {row.result_hash: row.metrics for row in rows}

    def list_trades(self, run_id: UUID) -> list[Trade]:
        """In the order in which they were opened, with their legs."""
        legs: dict[int, list[LegFill]] = {}
        for row in self._connection.execute(_LEGS, {"run": run_id}):
            legs.setdefault(row.trade_number, []).append(_leg(row))
        return [
            Trade(
                decided_at=row.decided_at,
                end=TradeEnd(row.outcome),
                legs=tuple(legs.get(row.trade_number, ())),
                mark=row.mark,
                signal=row.signal,
                expiry=row.expiry,
            )
            for row in self._connection.execute(_TRADES, {"run": run_id})
        ]


@lru_cache
def _listing(given: frozenset[str]) -> Select[Any]:
    chosen = [condition for name, condition in _CONDITIONS.items() if name in given]
    return (
        select(backtest_runs)
        .where(follows(backtest_runs.c.created_at, backtest_runs.c.run_id), *chosen)
        .order_by(backtest_runs.c.created_at.desc(), backtest_runs.c.run_id)
        .limit(bindparam("most"))
    )


def _trade_row(run_id: UUID, number: int, trade: Trade) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "trade_number": number,
        "decided_at": trade.decided_at,
        "outcome": trade.end.value,
        "mark": trade.mark,
        "gross": trade.gross,
        "costs": trade.costs,
        "net": trade.net,
        "signal": trade.signal,
        "expiry": trade.expiry,
    }


def _leg_row(run_id: UUID, trade: int, number: int, leg: LegFill) -> dict[str, Any]:
    costs = asdict(leg.cost)
    costs["transaction_fee"] = costs.pop("transaction")
    return {
        "run_id": run_id,
        "trade_number": trade,
        "leg_number": number,
        "instrument": leg.instrument,
        "side": leg.side.value,
        "quantity": leg.quantity,
        "quoted": leg.quoted,
        "price": leg.price,
        "filled_at": leg.at,
        **costs,
    }


def _leg(row: Row[Any]) -> LegFill:
    return LegFill(
        instrument=row.instrument,
        side=Side(row.side),
        quantity=row.quantity,
        quoted=row.quoted,
        price=row.price,
        at=row.filled_at,
        cost=LegCost(
            brokerage=row.brokerage,
            stt=row.stt,
            transaction=row.transaction_fee,
            sebi=row.sebi,
            stamp=row.stamp,
            gst=row.gst,
            exercise_stt=row.exercise_stt,
        ),
    )


def _run(row: Row[Any]) -> BacktestRun:
    found = dict(row._mapping)  # noqa: SLF001 - how a row is read whole
    return BacktestRun(**{**found, "assumptions": tuple(found["assumptions"])})
