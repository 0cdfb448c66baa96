"""Samples are trades of a backtest: decided, ended, and worth money after costs or not."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from munshi.clock import IST
from munshi.domain.backtest.results import LegFill, Trade, TradeEnd
from munshi.domain.market.charges import Side
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.validation.params import ALL_SIGNALS
from munshi.errors import ValidationSamplesMissingError

LEAST_SAMPLES = 40
LEAST_OF_A_CLASS = 5
_NO_KNOWN_END = frozenset({TradeEnd.OPEN_AT_END, TradeEnd.UNPRICED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`net` paise after costs were known at `ends_at`, of a trade decided at `decided_at`.

    `direction` is 1 where the trade gains by a rise of what the bars are of, as who buys it or
    sells puts on it, -1 where by a fall, else 0.
    """

    decided_at: datetime
    ends_at: datetime
    net: int
    direction: int

    @property
    def made_money(self) -> bool:
        """The label."""
        return self.net > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """Samples in the order of their decisions, and how many trades were left out, by reason."""

    samples: tuple[Sample, ...]
    left_out: Mapping[str, int]


def pick_samples(
    trades: Sequence[Trade],
    *,
    instrument: str,
    signal_type: str = ALL_SIGNALS,
    start: date | None = None,
    end: date | None = None,
) -> Picked:
    """The trades whose end is known.

    Raises ValidationSamplesMissingError for a signal that no trade has.
    """
    signals = sorted({signal for trade in trades if (signal := trade.signal) is not None})
    if signal_type != ALL_SIGNALS and signal_type not in signals:
        has = f"has {', '.join(signals)}" if signals else "names no signals"
        raise ValidationSamplesMissingError(
            f"No trade of this backtest was made by the signal {signal_type}; it {has}.",
            hint="Take all of its trades: --signal all",
        )
    left_out: Counter[str] = Counter()
    samples = []
    for trade in trades:
        day = trade.decided_at.astimezone(IST).date()
        if signal_type not in {ALL_SIGNALS, trade.signal}:
            left_out["of another signal"] += 1
        elif (start and day < start) or (end and day > end):
            left_out["outside the dates"] += 1
        elif trade.end in _NO_KNOWN_END or not trade.legs:
            left_out[trade.end.value.replace("_", " ")] += 1
        else:
            samples.append(
                Sample(
                    decided_at=trade.decided_at,
                    ends_at=max(leg.at for leg in trade.legs),
                    net=trade.net,
                    direction=_direction(trade, instrument),
                )
            )
    samples.sort(key=lambda sample: (sample.decided_at, sample.ends_at, sample.net))
    return Picked(samples=tuple(samples), left_out=dict(left_out))


def check_enough(samples: Sequence[Sample], *, left_out: Mapping[str, int]) -> None:
    """Raise ValidationSamplesMissingError where nothing could be learnt or measured at all."""
    won = sum(sample.made_money for sample in samples)
    lost = len(samples) - won
    told = "".join(f"; {count} {reason}" for reason, count in sorted(left_out.items()))
    if len(samples) < LEAST_SAMPLES:
        raise ValidationSamplesMissingError(
            f"There are {len(samples)} trades with a known end, and {LEAST_SAMPLES} is the least "
            f"a model can be held against{told}.",
            hint="Run the backtest over a longer time: munshi backtest run --help",
        )
    if min(won, lost) < LEAST_OF_A_CLASS:
        few, many = ("made", "lost") if won < lost else ("lost", "made")
        raise ValidationSamplesMissingError(
            f"{max(won, lost)} trades {many} money after costs and {min(won, lost)} {few} any: "
            f"there is nothing to tell apart with fewer than {LEAST_OF_A_CLASS} of either.",
            hint="Validate a strategy that sometimes wins and sometimes loses.",
        )


def most_open_at_once(samples: Sequence[Sample]) -> int:
    """Of how many later samples, at most, the decision falls before a sample has ended."""
    decided = [sample.decided_at for sample in samples]
    # What is decided in the very moment another ends knows that end.
    return max(
        (
            bisect_left(decided, sample.ends_at) - number - 1
            for number, sample in enumerate(samples)
        ),
        default=0,
    )


def _direction(trade: Trade, instrument: str) -> int:
    first = trade.legs[0]
    if first.instrument == instrument:
        return 1 if first.side is Side.BUY else -1
    return 0 if trade.expiry is None else _option_direction(trade)


def _option_direction(trade: Trade) -> int:
    """Whoever sells puts or buys calls wants a rise; of a spread, the dearer leg is meant."""
    opened: dict[str, LegFill] = {}
    for leg in trade.legs:
        opened.setdefault(leg.instrument, leg)  # later orders of it close it
    if len({name[-2:] for name in opened}) != 1:
        return 0  # both kinds at once, as a straddle
    meant = max(opened.values(), key=lambda leg: leg.quoted)
    sells_put = meant.instrument.endswith(InstrumentKind.PUT)
    return 1 if (meant.side is Side.SELL) == sells_put else -1
