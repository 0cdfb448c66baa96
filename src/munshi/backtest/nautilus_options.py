"""Option trades of several legs in nautilus_trader, through expiry."""

from collections.abc import Callable
from itertools import groupby

from nautilus_trader.model.enums import OmsType
from nautilus_trader.model.identifiers import Venue

from munshi.backtest.nautilus_option_desk import OptionDesk
from munshi.backtest.nautilus_option_feed import OptionFeed
from munshi.backtest.nautilus_option_models import OptionCharges, OptionFill
from munshi.backtest.nautilus_venue import engine_with
from munshi.domain.backtest.engine import Strategy
from munshi.domain.backtest.options.engine import Played
from munshi.domain.backtest.options.market import OptionRequest
from munshi.domain.backtest.options.timeline import Timeline


def play_in_nautilus(
    request: OptionRequest,
    timeline: Timeline,
    strategy: Strategy,
    *,
    progress: Callable[[float], None],
) -> Played:
    """As `options.engine.play`, filled and booked there; each leg has a position of its own.

    Raises what the options engine raises.
    """
    charges = OptionCharges(request.order)
    engine = engine_with(
        Venue(request.market.exchange),
        OmsType.HEDGING,
        capital=request.sizing.capital,
        fills=OptionFill(request.order),
        charges=charges,
    )
    try:
        feed = OptionFeed(engine, request, timeline, progress=progress)
        desk = OptionDesk(request, strategy, timeline, charges, feed)
        feed.begin()
        engine.add_strategy(desk)
        engine.run()
        way_out = desk.end()
    finally:
        engine.dispose()
    return Played(
        trades=desk.trades,
        cash_runs=[(cash, len(list(run))) for cash, run in groupby(desk.cash)],
        positions=desk.positions,
        way_out=way_out,
    )
