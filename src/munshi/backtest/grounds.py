"""What a run stands on besides its bars, by what its strategy trades."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from munshi.backtest.own_strategies import FoundStrategy
from munshi.clock import IST
from munshi.domain.backtest.catalogue import Trades
from munshi.domain.backtest.engine import Request
from munshi.domain.backtest.facts import RunFacts, prepared
from munshi.domain.backtest.fingerprints import fingerprint_of
from munshi.domain.backtest.hours import TradingHours, trading_hours
from munshi.domain.backtest.options.market import OptionMarket, OptionRequest
from munshi.domain.backtest.params import BacktestParams
from munshi.domain.backtest.quotes import QuoteBook
from munshi.domain.backtest.results import FillModel, Trade
from munshi.domain.enums import Service
from munshi.domain.market.calendar import Segment
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import ChargeKind
from munshi.domain.market.instruments import InstrumentRef, well_known_index
from munshi.domain.market.kept_quotes import QuoteTrack
from munshi.domain.market.strikes import strike_step
from munshi.errors import BacktestDataMissingError, JobParametersInvalidError
from munshi.market.calendar_service import CalendarService
from munshi.market.candles import CandleService
from munshi.market.option_prices import StoredOptionPrices
from munshi.market.stored_quotes import KeptQuoteService

_A_DAY = timedelta(days=1)
_LEAST = timedelta(microseconds=1)
_MOST_DAYS_KEPT = 100
_LABELS_NAMED = 5
Memo = dict[Any, Any]
_Equip = Callable[[Request, BacktestParams], Request]


class Grounds:
    """Nothing is read before the engine asks for it."""

    def __init__(
        self, candles: CandleService, calendar: CalendarService, quotes: KeptQuoteService
    ) -> None:
        self._candles = candles
        self._calendar = calendar
        self._quotes = quotes
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

    @property
    def quotes_label(self) -> str:
        return self._quotes.label

    def quotes(
        self, params: BacktestParams, bars: Sequence[Candle], hours: TradingHours
    ) -> QuoteBook:
        """What may fill orders by bid and ask; those of the instrument itself are read at once.

        Raises BacktestDataMissingError where there are none of it, or of a day of `bars` unless
        holes are accepted.
        """
        if params.fill is not FillModel.BID_ASK:
            return QuoteBook()
        # Nobody streams what was imported.
        source = params.source if params.source in set(Service) else None
        first = datetime.combine(params.start, time.min, IST)
        after = datetime.combine(params.end + _A_DAY, time.min, IST)
        stored = self._quotes.over(first=first, last=after - _LEAST, source=source)
        if params.kind is not ChargeKind.OPTIONS:
            book = QuoteBook(stored, hours)
            _refuse_unquoted(book, params, bars)
            return book
        calendar = self._calendar.calendar()
        hours_of_options = trading_hours(
            calendar.trading_days(params.start, params.end),
            interval=params.interval,
            segment=Segment.FNO,
            calendar=calendar,
        )
        return QuoteBook(stored, hours_of_options)

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


def quotes_document(request: Request, trades: Sequence[Trade]) -> dict[str, object]:
    """What the quotes of a run came to; empty where nothing was filled by them."""
    if request.fill_model is not FillModel.BID_ASK:
        return {}
    orders = request.quoted_orders(trades)
    document: dict[str, object] = {
        "bars_fingerprint": fingerprint_of(request.bars),
        "orders_quoted": orders.count,
        "orders_larger": orders.larger,
    }
    if not isinstance(request, OptionRequest):
        missing = _days_without(request.quotes.track(request.order.instrument), request.bars)
        document["quote_days_missing"] = [day.isoformat() for day in missing[:_MOST_DAYS_KEPT]]
        document["quote_days_missing_count"] = len(missing)
    return document


def _refuse_unquoted(book: QuoteBook, params: BacktestParams, bars: Sequence[Candle]) -> None:
    track = book.track(str(params.instrument))
    if not track.stamps:
        raise BacktestDataMissingError(
            f"No quotes of {params.instrument} are stored from {params.start} to {params.end} "
            "to fill by.",
            hint=f'A stream keeps one a minute: munshi stream "{params.instrument}". Brokers have '
            "none of the past, and an index never has any.",
        )
    missing = _days_without(track, bars)
    if missing and not params.accept_holes:
        days = len({bar.opens.astimezone(IST).date() for bar in bars})
        raise BacktestDataMissingError(
            f"No quotes of {params.instrument} are stored of {len(missing):,} of {days:,} days, "
            f"the first of them {missing[0]}.",
            hint="Choose days of which there are some, or run with --accept-holes; orders of the "
            "others are then listed as unpriced.",
        )


def _days_without(track: QuoteTrack, bars: Sequence[Candle]) -> list[date]:
    """The days of `bars` of which there is no quote."""
    quoted = {track.at(place).astimezone(IST).date() for place in range(len(track.stamps))}
    return sorted({bar.opens.astimezone(IST).date() for bar in bars} - quoted)


def premiums_of(request: Request) -> Iterator[str]:
    """Where the prices of the options come from that a run has traded, as an assumption."""
    if isinstance(request, OptionRequest) and isinstance(request.market.prices, StoredOptionPrices):
        labels = request.market.prices.labels
        more = f" and {len(labels) - _LABELS_NAMED:,} more" if len(labels) > _LABELS_NAMED else ""
        if labels:
            yield f"Prices of options: {'; '.join(labels[:_LABELS_NAMED])}{more}."


def refuse_unpriced(request: Request) -> None:
    """Raise BacktestDataMissingError where no contract that was asked for has any bar.

    Or any quote, where quotes fill its orders.
    """
    held = request.coverage()
    unquoted = held.get("quotes_missing")
    if held.get("contracts") and not held.get("quotes") and isinstance(unquoted, list):
        example = unquoted[0]
        raise BacktestDataMissingError(
            f"No quotes are stored of any of the {held['quoted']} option contracts that it "
            f"trades, such as {example}.",
            hint=f"A stream keeps one a minute: munshi stream {example} …",
        )
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
