"""Wiring of backtests and of the validations that stand on them."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from munshi.backtest.door import check_audit, check_sweep
from munshi.backtest.own_strategies import FOLDER, StrategyFinder
from munshi.backtest.service import BacktestService
from munshi.bootstrap.broker_lines import Ground
from munshi.domain.backtest.params import needs_nautilus
from munshi.domain.job_specs import OtherEntry
from munshi.domain.jobs import BACKTEST_AUDIT, BACKTEST_SWEEP, ML_VALIDATION
from munshi.jobs.service import Door, JobService
from munshi.market.calendar_service import CalendarService
from munshi.market.candles import CandleService
from munshi.market.instruments import InstrumentService
from munshi.market.stored_quotes import KeptQuoteService
from munshi.validation.door import check_validation
from munshi.validation.service import OWN_FOLDER, ValidationService

_NAUTILUS = "nautilus_trader"
IN_NAUTILUS = OtherEntry(
    wanted=needs_nautilus, entry="munshi.backtest.nautilus_job:run", needs=_NAUTILUS
)
# The library is looked for before the first trial, not when the finalists are confirmed.
CONFIRMED_SWEEP = OtherEntry(
    wanted=needs_nautilus, entry="munshi.backtest.sweep_job:run", needs=_NAUTILUS
)


def wire_backtests(
    ground: Ground,
    *,
    candles: CandleService,
    instruments: InstrumentService,
    calendar: CalendarService,
    quotes: KeptQuoteService,
) -> BacktestService:
    return BacktestService(
        ground.database,
        ground.clock,
        candles=candles,
        instruments=instruments,
        calendar=calendar,
        quotes=quotes,
        strategies=StrategyFinder(ground.settings.home / FOLDER),
    )


def research_doors(home: Path) -> Mapping[str, Door]:
    """By job type, what is looked up before such a job is stored."""
    return {
        ML_VALIDATION: partial(check_validation, folder=home / OWN_FOLDER),
        BACKTEST_AUDIT: check_audit,
        BACKTEST_SWEEP: check_sweep,
    }


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
