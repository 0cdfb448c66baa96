"""Wiring of backtests and of the validations that stand on them."""

from munshi.backtest.own_strategies import FOLDER, StrategyFinder
from munshi.backtest.service import BacktestService
from munshi.bootstrap.broker_lines import Ground
from munshi.jobs.service import JobService
from munshi.market.calendar_service import CalendarService
from munshi.market.candles import CandleService
from munshi.market.instruments import InstrumentService
from munshi.validation.service import ValidationService


def wire_backtests(
    ground: Ground,
    *,
    candles: CandleService,
    instruments: InstrumentService,
    calendar: CalendarService,
) -> BacktestService:
    return BacktestService(
        ground.database,
        ground.clock,
        candles=candles,
        instruments=instruments,
        calendar=calendar,
        strategies=StrategyFinder(ground.settings.home / FOLDER),
    )


def wire_validations(
    ground: Ground, *, backtests: BacktestService, candles: CandleService, jobs: JobService
) -> ValidationService:
    return ValidationService(
        ground.database,
        ground.clock,
        backtests=backtests,
        candles=candles,
        jobs=jobs,
        home=ground.settings.home,
    )
