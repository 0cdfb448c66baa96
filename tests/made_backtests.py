"""A backtest made up for tests."""

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from munshi.domain.backtest.costs import LegCost
from munshi.domain.backtest.results import LegFill, Trade, TradeEnd
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.market.charges import Side

AT = datetime(2024, 6, 10, 4, 15, tzinfo=UTC)
COST = LegCost(brokerage=1, stt=2, transaction=3, sebi=4, stamp=5, gst=6, exercise_stt=7)


def made_run(*, job_id: UUID | None = None, created_at: datetime = AT) -> BacktestRun:
    return BacktestRun(
        run_id=uuid4(),
        job_id=job_id,
        strategy="ma_cross",
        instrument="NSE:INFY",
        bar_interval="1minute",
        from_date=date(2024, 6, 10),
        to_date=date(2024, 6, 11),
        label="made up",
        engine="kernel",
        engine_version="1",
        code_version="0",
        parameters={"fast": 2},
        coverage={"bars_expected": 1},
        assumptions=("Prices: made up.",),
        metrics={"net": 5, "sharpe": 0.25, "sortino": None},
        data_fingerprint="f" * 64,
        result_hash="a" * 64,
        net=5,
        duration_ms=7,
        created_at=created_at,
    )


def made_trades() -> tuple[Trade, ...]:
    """One with two orders, and one for which no price came."""
    legs = tuple(
        LegFill(
            instrument="NSE:INFY", side=side, quantity=3, quoted=99, price=price, at=AT, cost=COST
        )
        for side, price in ((Side.BUY, 100), (Side.SELL, 131))
    )
    return (
        Trade(
            decided_at=AT,
            end=TradeEnd.CLOSED,
            legs=legs,
            signal="S3",
            expiry=date(2024, 6, 13),
        ),
        Trade(decided_at=AT, end=TradeEnd.UNPRICED, legs=()),
    )
