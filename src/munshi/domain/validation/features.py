"""Features of a signal, from bars that had closed before it, and proof that none looks ahead."""

import hashlib
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean, pstdev

from munshi.clock import IST
from munshi.domain.backtest.closed_bars import ClosedBars
from munshi.domain.market.candles import Candle
from munshi.domain.validation.samples import Sample
from munshi.errors import AppError, FeatureInvalidError, FeaturePeeksError

LOOKBACK = 50
_SHORT = 20
_TOLD_EVERY = 64

# From all bars and the place of the last one that has closed to values by name.
FeatureMaker = Callable[[Sequence[Candle], int], Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTable:
    """A row for each sample that has enough bars behind it; `places` are those samples'."""

    names: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    places: tuple[int, ...]

    def fingerprint(self) -> str:
        """The SHA-256 of names and values, to the last bit."""
        digest = hashlib.sha256(",".join(self.names).encode())
        for row in self.rows:
            digest.update(("\n" + ",".join(value.hex() for value in row)).encode())
        return digest.hexdigest()


def tabulate(
    samples: Sequence[Sample],
    bars: Sequence[Candle],
    *,
    span: timedelta,
    maker: FeatureMaker | None = None,
    progress: Callable[[float], None],
) -> FeatureTable:
    """Work out every sample's features twice, the second time with the future cut away.

    Without a `maker` of the user's they are those of `packaged`. Raises FeaturePeeksError where
    the two differ, FeatureInvalidError for what is no number or is missing, and whatever
    `progress`, which is told the share done, raises.
    """
    opens = [bar.opens for bar in bars]
    closed = ClosedBars(bars)
    rows: list[tuple[float, ...]] = []
    places: list[int] = []
    names: tuple[str, ...] | None = None
    for place, sample in enumerate(samples):
        last = bisect_right(opens, sample.decided_at - span) - 1
        if last < LOOKBACK:
            continue
        while len(closed) <= last:  # samples come in the order of their decisions
            closed.close_next()
        values = _values(maker or packaged, bars, last, sample)
        _check_blind(maker or packaged, closed, sample, values)
        if names is None:
            names = tuple(values)
        if tuple(values) != names:
            raise FeatureInvalidError(
                f"The features of {_when(sample)} are {', '.join(values)}, those before "
                f"{', '.join(names)}."
            )
        rows.append(tuple(values.values()))
        places.append(place)
        if place % _TOLD_EVERY == 0:
            progress(place / len(samples))
    return FeatureTable(names=names or (), rows=tuple(rows), places=tuple(places))


def packaged(bars: Sequence[Candle], last: int) -> Mapping[str, float]:
    """Returns, spread, places in ranges and the clock, all without a unit."""
    seen = bars[last - LOOKBACK : last + 1]
    newest = seen[-1]
    closes = [bar.close for bar in seen]
    short = seen[-_SHORT:]
    low, high = min(bar.low for bar in short), max(bar.high for bar in short)
    volume = fmean(bar.volume for bar in short)
    moves = [math.log(b / a) for a, b in zip(closes[-_SHORT - 1 :], closes[-_SHORT:], strict=False)]
    at = newest.opens.astimezone(IST)
    return {
        "return_1": math.log(closes[-1] / closes[-2]),
        "return_5": math.log(closes[-1] / closes[-6]),
        "return_20": math.log(closes[-1] / closes[-_SHORT - 1]),
        "above_mean_50": closes[-1] / fmean(closes[-LOOKBACK:]) - 1,
        "place_in_range_20": (newest.close - low) / (high - low) - 0.5 if high > low else 0.0,
        "body": (newest.close - newest.open) / (newest.high - newest.low)
        if newest.high > newest.low
        else 0.0,
        "bar_range": (newest.high - newest.low) / newest.close,
        "volatility_20": pstdev(moves),
        "volume_ratio_20": newest.volume / volume if volume else 1.0,
        "hour": at.hour + at.minute / 60,
        "weekday": float(at.weekday()),
    }


# What has a direction is told along that of the trade: a fall is good for whoever sold.
_DIRECTED = frozenset(
    {"return_1", "return_5", "return_20", "above_mean_50", "place_in_range_20", "body"}
)


def _values(
    maker: FeatureMaker, bars: Sequence[Candle], last: int, sample: Sample
) -> dict[str, float]:
    try:
        found = {str(name): float(value) for name, value in maker(bars, last).items()}
    except AppError:
        raise
    except Exception as error:
        raise FeatureInvalidError(
            f"The features of {_when(sample)} failed: {type(error).__name__}: {error}"
        ) from error
    for name, value in found.items():
        if not math.isfinite(value):
            raise FeatureInvalidError(f"The feature {name} of {_when(sample)} is {value}.")
    if not found:
        raise FeatureInvalidError(f"There are no features of {_when(sample)}.")
    if maker is not packaged:
        return found
    sign = sample.direction or 1
    return {
        "direction": float(sample.direction),
        **{name: sign * value if name in _DIRECTED else value for name, value in found.items()},
    }


def _check_blind(
    maker: FeatureMaker, closed: Sequence[Candle], sample: Sample, values: Mapping[str, float]
) -> None:
    try:
        again = _values(maker, closed, len(closed) - 1, sample)
    except FeatureInvalidError as error:
        raise FeaturePeeksError(
            f"Without the bars after {_when(sample)} its features cannot be worked out: "
            f"{error.detail}",
            hint="Use bars[: last + 1] only.",
        ) from error
    peeking = [name for name in values if again.get(name) != values[name]]
    if peeking or set(again) != set(values):
        raise FeaturePeeksError(
            f"{', '.join(peeking) or 'The list of features'} of {_when(sample)} changes when the "
            "bars after it are cut away.",
            hint="Use bars[: last + 1] only.",
        )


def _when(sample: Sample) -> str:
    return f"the signal of {sample.decided_at.astimezone(IST):%Y-%m-%d %H:%M}"
