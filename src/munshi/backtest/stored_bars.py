"""The bars that a run runs on, and what it says of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from munshi.domain.backtest.engine import Order, Request
from munshi.domain.backtest.fingerprints import fingerprint_of
from munshi.domain.backtest.hours import TradingHours
from munshi.domain.backtest.params import BacktestParams
from munshi.domain.backtest.quotes import QuoteBook
from munshi.domain.backtest.results import FillModel, Sizing
from munshi.domain.market.candle_columns import CandleColumns
from munshi.domain.market.charges import ChargeKind
from munshi.market.quality import Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBars:
    """What a run runs on, how much of it there is, and where it comes from."""

    candles: CandleColumns
    held: Coverage
    hours: TradingHours
    quotes: QuoteBook
    label: str
    quotes_label: str

    @property
    def fingerprint(self) -> str:
        """Of the bars, and of the quotes that were read with them."""
        return fingerprint_of(self.candles, self.quotes.coverage())

    def assumptions(self, params: BacktestParams) -> tuple[str, ...]:
        return tuple(_assumptions(params, self))

    def request(self, params: BacktestParams) -> Request:
        """A run over them, before what its strategy trades adds to it."""
        return Request(
            bars=self.candles,
            span=params.interval.span,
            order=Order(
                instrument=str(params.instrument),
                exchange="BSE" if params.instrument.exchange in {"BSE", "BFO"} else "NSE",
                kind=params.kind,
                brokerage=params.brokerage,
                slippage_bp=params.slippage_bp,
            ),
            sizing=Sizing(capital=params.capital, lots=params.lots, lot_size=params.lot_size),
            fill_model=params.fill,
            margin_percent=params.margin_percent,
            hours=self.hours,
            max_wait=params.max_wait,
            quotes=self.quotes,
        )


def _assumptions(params: BacktestParams, read: StoredBars) -> Iterator[str]:
    held = read.held
    yield f"Prices: {read.label}."
    size = f"{params.lots} x {params.lot_size} units"
    if params.kind is ChargeKind.OPTIONS:
        size = f"{params.lots} lots, each as large as the contract's expiry says"
    yield (
        f"Every order is of {size}, filled by {params.fill}, "
        f"with {params.slippage_bp} basis points of slippage and the charges of {params.kind}. "
        f"One to open waits at most {params.max_wait / timedelta(minutes=1):.0f} minutes of "
        "trading for a price."
    )
    if params.fill is FillModel.BID_ASK:
        yield f"Quotes: {read.quotes_label}."
        yield (
            "A buy pays the offer and a sell gets the bid of the first stored quote after the "
            "decision, legs of options those of the first minute in which each has one; the "
            "slippage comes on top."
        )
    if held.present < held.expected:
        yield f"{held.expected - held.present:,} of {held.expected:,} bars are missing."
