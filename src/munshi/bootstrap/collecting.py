"""Wiring of what collects candles."""

from collections.abc import Callable

from munshi.auth.breeze_db_service import BreezeDBService
from munshi.auth.kite_db_service import KiteDBService
from munshi.bootstrap.broker_lines import BrokerLines, Ground
from munshi.domain.enums import Service
from munshi.infrastructure.candles.store import CandleStore
from munshi.market.calendar_service import CalendarService
from munshi.market.candle_months import CandleMonths
from munshi.market.candle_view import CandleViews
from munshi.market.candles import CandleService
from munshi.market.chain_choice import ChainChooser
from munshi.market.collection import CollectionService
from munshi.market.collection_outlook import CollectionOutlook
from munshi.market.collection_plan import Planner
from munshi.market.collection_scope import CollectionScope
from munshi.market.coverage_map import CoverageMap
from munshi.market.day_spots import DaySpots
from munshi.market.gaps import GapService
from munshi.market.held_bars import HeldBars
from munshi.market.history import BreezeHistory, KiteHistory
from munshi.market.instrument_history import InstrumentHistory
from munshi.market.instruments import InstrumentService
from munshi.market.quality_service import QualityService
from munshi.market.views import MarketViews


def wire_collection(
    ground: Ground,
    lines: BrokerLines,
    *,
    kite: KiteDBService,
    breeze: BreezeDBService,
    instruments: InstrumentService,
    history: InstrumentHistory,
    candles: CandleService,
    store: CandleStore,
    gaps: GapService,
    calendar: CalendarService,
    outlook: CollectionOutlook,
    part_requests: Callable[[], int],
) -> CollectionService:
    scope = CollectionScope(
        ground.clock,
        mode=ground.mode,
        provenance=lines.provenance,
        histories={
            Service.KITE: KiteHistory(lines.kite, calling=kite.calling),
            Service.BREEZE: BreezeHistory(lines.breeze, calling=breeze.calling),
        },
        instruments=instruments,
    )
    return CollectionService(
        ground.clock,
        scope=scope,
        planner=Planner(
            ground.clock,
            scope=scope,
            held=HeldBars(ground.database, store=store, candles=candles),
            calendar=calendar.calendar,
        ),
        chains=ChainChooser(
            ground.clock,
            instruments=instruments,
            history=history,
            spots=DaySpots(candles),
            calendar=calendar.calendar,
        ),
        candles=candles,
        gaps=gaps,
        calendar=calendar,
        outlook=outlook,
        part_requests=part_requests,
    )


def wire_quality(
    ground: Ground,
    *,
    candles: CandleService,
    months: CandleMonths,
    gaps: GapService,
    instruments: InstrumentService,
    calendar: CalendarService,
) -> QualityService:
    return QualityService(
        ground.clock,
        mode=ground.mode,
        candles=candles,
        months=months,
        gaps=gaps,
        instruments=instruments,
        calendar=calendar,
    )


def wire_views(
    ground: Ground,
    *,
    candles: CandleService,
    instruments: InstrumentService,
    calendar: CalendarService,
) -> MarketViews:
    return MarketViews(
        candles=CandleViews(
            ground.clock, candles=candles, instruments=instruments, calendar=calendar
        ),
        coverage=CoverageMap(
            ground.database,
            ground.clock,
            candles=candles,
            instruments=instruments,
            calendar=calendar,
        ),
    )
