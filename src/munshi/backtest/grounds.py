"""What a run stands on besides its bars, by what its strategy trades."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from munshi.backtest.own_strategies import FoundStrategy
from munshi.domain.backtest.catalogue import Trades
from munshi.domain.backtest.engine import Request
from munshi.domain.backtest.facts import RunFacts, prepared
from munshi.domain.backtest.options.market import OptionMarket, OptionRequest
from munshi.domain.backtest.params import BacktestParams
from munshi.domain.market.charges import ChargeKind
from munshi.domain.market.instruments import InstrumentRef, well_known_index
from munshi.domain.market.strikes import strike_step
from munshi.errors import BacktestDataMissingError, JobParametersInvalidError
from munshi.market.calendar_service import CalendarService
from munshi.market.candles import CandleService
from munshi.market.option_prices import StoredOptionPrices

_LABELS_NAMED = 5
Memo = dict[Any, Any]
_Equip = Callable[[Request, BacktestParams], Request]


class Grounds:
    """Nothing is read before the engine asks for it."""

    def __init__(self, candles: CandleService, calendar: CalendarService) -> None:
        self._candles = candles
        self._calendar = calendar
        self._equip: Mapping[Trades, _Equip] = {
            Trades.INSTRUMENT: lambda request, _: request,
            Trades.OPTIONS: self._with_options,
        }

    def prepare(
        self, found: FoundStrategy, params: BacktestParams, memo: Memo | None
    ) -> FoundStrategy:
        """`found`, told of its run. Raises JobParametersInvalidError where it cannot trade that."""
        step = 1
        if found.trades is Trades.OPTIONS:
            step = int(strike_step(_underlying(params.instrument)))
        if (found.trades is Trades.OPTIONS) != (params.kind is ChargeKind.OPTIONS):
            raise JobParametersInvalidError(
                f"{params.strategy} trades {found.trades}; kind cannot be {params.kind}.",
                hint="Say kind=options for a strategy that trades options, and for no other.",
            )
        facts = RunFacts(
            span=params.interval.span,
            calendar=self._calendar.calendar(),
            strike_step=step,
            memo={} if memo is None else memo,
        )
        return replace(found, make=prepared(found.make, facts, shares=memo is not None))

    def equip(self, request: Request, params: BacktestParams, found: FoundStrategy) -> Request:
        """`request` with all that the strategy's engine asks of it."""
        return self._equip[found.trades](request, params)

    def _with_options(self, request: Request, params: BacktestParams) -> Request:
        market = OptionMarket(
            underlying=_underlying(params.instrument),
            exchange="BFO" if params.instrument.exchange == "BSE" else "NFO",
            calendar=self._calendar.calendar(),
            prices=StoredOptionPrices(
                self._candles, interval=params.interval, source=params.source
            ),
        )
        shared = {each.name: getattr(request, each.name) for each in fields(request)}
        return OptionRequest(**shared, market=market)


def premiums_of(request: Request) -> Iterator[str]:
    """Where the prices of the options come from that a run has traded, as an assumption."""
    if isinstance(request, OptionRequest) and isinstance(request.market.prices, StoredOptionPrices):
        labels = request.market.prices.labels
        more = f" and {len(labels) - _LABELS_NAMED:,} more" if len(labels) > _LABELS_NAMED else ""
        if labels:
            yield f"Prices of options: {'; '.join(labels[:_LABELS_NAMED])}{more}."


def refuse_unpriced(request: Request) -> None:
    """Raise BacktestDataMissingError where no contract that was asked for has any bar."""
    held = request.coverage()
    missing = held.get("contracts_missing")
    if held.get("contracts") and not held.get("contract_bars") and isinstance(missing, list):
        raise BacktestDataMissingError(
            f"No bars are stored of any of the {held['contracts']} option contracts that it "
            f"trades, such as {missing[0]}.",
            hint="Collect them with the interval of the backtest: munshi data collect --help",
        )


def _underlying(instrument: InstrumentRef) -> str:
    index = well_known_index(instrument)
    if index is None:
        raise JobParametersInvalidError(
            f"Options are traded here on an index, and {instrument} is none.",
            hint="Name an index, like NIFTY.",
        )
    return index.name
