"""A venue of nautilus_trader that keeps our rules: orders go through, and the account may owe."""

from datetime import timedelta

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import FeeModel, FillModel
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.model.data import BarSpecification
from nautilus_trader.model.enums import AccountType, BarAggregation, OmsType, PriceType
from nautilus_trader.model.identifiers import Venue

from munshi.backtest.nautilus_models import INR, money_of

_LENGTHS = {
    timedelta(hours=1): (1, BarAggregation.HOUR),
    timedelta(days=1): (1, BarAggregation.DAY),
}


def engine_with(
    venue: Venue, oms_type: OmsType, *, capital: int, fills: FillModel, charges: FeeModel
) -> BacktestEngine:
    """One venue with `capital` paise, which is checked as our own engines check it, not there.

    A bar fills nothing: what can be traded is told by quotes.
    """
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id="MUNSHI-1",
            logging=LoggingConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(bypass=True),
            run_analysis=False,
        )
    )
    engine.add_venue(
        venue,
        oms_type,
        AccountType.MARGIN,
        [money_of(capital)],
        base_currency=INR,
        fill_model=fills,
        fee_model=charges,
        bar_execution=False,
    )
    return engine


def specification(span: timedelta) -> BarSpecification:
    """Of bars that are `span` long."""
    minutes = int(span / timedelta(minutes=1))
    step, aggregation = _LENGTHS.get(span, (minutes, BarAggregation.MINUTE))
    return BarSpecification(step, aggregation, PriceType.LAST)
