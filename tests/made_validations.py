"""Made-up markets with trades on them: pure chance, or with an edge that was planted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from made_backtests import made_run
from made_candles import ist
from munshi.bootstrap import Services
from munshi.clock import IST
from munshi.domain.backtest.costs import LegCost
from munshi.domain.backtest.fingerprints import fingerprint_of
from munshi.domain.backtest.results import LegFill, Trade, TradeEnd
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import Side
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import to_frame

MINUTE = timedelta(minutes=1)
START = ist("2024-01-01 09:15")
INSTRUMENT = "NSE:NIFTY 50"
PAISA = 100
FIRST = 60
COST = LegCost(brokerage=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Bars, and trades that buy every `every` bars and sell `held` bars later."""

    bars: Sequence[Candle]
    trades: Sequence[Trade]


def market(*, seed: int, trades: int, edge: float = 0.0, every: int = 8, held: int = 20) -> Market:
    """A random walk in which trades overlap; with an `edge` its trends last, in deviations."""
    random = Random(seed)  # noqa: S311 - made-up prices
    price, trend, bars = 2_000_000, 1, []
    for number in range(FIRST + trades * every + held + 1):
        if random.random() < 1 / 150:
            trend = -trend
        opened = price
        price = max(price + round(random.gauss(trend * edge, 1) * 400), 100_000)
        bars.append(
            Candle(
                opens=START + MINUTE * number,
                open=opened * PAISA,
                high=(max(opened, price) + random.randrange(200)) * PAISA,
                low=(min(opened, price) - random.randrange(200)) * PAISA,
                close=price * PAISA,
                volume=random.randrange(50, 150),
            )
        )
    made = [buy_and_sell(bars, begin=FIRST + number * every, held=held) for number in range(trades)]
    return Market(bars=bars, trades=made)


def buy_and_sell(bars: Sequence[Candle], *, begin: int, held: int) -> Trade:
    """Decided when the bar `begin` closed, sold when `held` more had."""
    decided = bars[begin].opens + MINUTE
    return Trade(
        decided_at=decided,
        end=TradeEnd.CLOSED,
        legs=(
            _leg(Side.BUY, bars[begin], at=decided),
            _leg(Side.SELL, bars[begin + held], at=decided + held * MINUTE),
        ),
    )


def _leg(side: Side, bar: Candle, *, at: datetime) -> LegFill:
    price = bar.close // PAISA
    return LegFill(
        instrument=INSTRUMENT,
        side=side,
        quantity=1,
        quoted=price,
        price=price,
        at=at,
        cost=COST,
    )


def store(services: Services, made: Market) -> BacktestRun:
    """As if the bars had been imported and a strategy had made the trades."""
    key = CandleKey(
        mode=services.settings.brokers,
        source="import",
        exchange="NSE",
        instrument="NIFTY 50",
        interval=Interval.ONE_MINUTE,
    )
    services.candles.save(key, to_frame(made.bars), label="made up")
    return store_run(services, made.trades, bars=made.bars)


def store_run(
    services: Services, trades: Sequence[Trade], *, bars: Sequence[Candle]
) -> BacktestRun:
    run = replace(
        made_run(),
        instrument=INSTRUMENT,
        from_date=START.date(),
        to_date=bars[-1].opens.astimezone(IST).date(),
        data_fingerprint=fingerprint_of(bars),
        parameters={"source": None},
    )
    with services.database.transaction() as tx:
        tx.backtests.save_run(run, trades)
    return run


def asked(run_id: UUID, **other: object) -> dict[str, object]:
    return {"run_id": str(run_id), "folds": 10, "purged_folds": 10, **other}
