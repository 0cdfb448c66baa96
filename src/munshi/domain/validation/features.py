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
    """Work out every sample's features with the future cut away, then all again with it.

    What is learnt from are the first: they were made before `maker` had seen one later bar, so
    that nothing it keeps from call to call can hold the future. Without a `maker` of the user's
    they are those of `packaged`. Raises FeaturePeeksError where the two differ,
    FeatureInvalidError for what is no number or is missing, and whatever `progress`, which is
    told the share done, raises.
    """
    maker = maker or packaged
    opens = [bar.opens for bar in bars]
    lasts = [bisect_right(opens, sample.decided_at - span) - 1 for sample in samples]
    places = [place for place, last in enumerate(lasts) if last >= LOOKBACK]
    closed = ClosedBars(bars)
    rows: list[dict[str, float]] = []
    for place in places:
        while len(closed) <= lasts[place]:  # samples come in the order of their decisions
            closed.close_next()
        rows.append(_blind_values(maker, bars, closed, samples[place]))
        if rows[-1].keys() != rows[0].keys():
            raise FeatureInvalidError(
                f"The features of {_when(samples[place])} are {', '.join(rows[-1])}, those before "
                f"{', '.join(rows[0])}."
            )
        if place % _TOLD_EVERY == 0:
            progress(place / len(samples) / 2)
    for place, row in zip(places, rows, strict=True):
        _check_blind(row, _values(maker, bars, lasts[place], samples[place]), samples[place])
        if place % _TOLD_EVERY == 0:
            progress(0.5 + place / len(samples) / 2)
    names = tuple(rows[0]) if rows else ()
    return FeatureTable(
        names=names,
        rows=tuple(tuple(row[name] for name in names) for row in rows),
        places=tuple(places),
    )


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
            f"The features of {_when(sample)} failed: {type(error).__name__}: {error}",
            hint="They are asked for in the order of time, each with the bars closed by then; "
            "what was kept of an earlier call is too short.",
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


def _blind_values(
    maker: FeatureMaker, bars: Sequence[Candle], closed: Sequence[Candle], sample: Sample
) -> dict[str, float]:
    try:
        return _values(maker, closed, len(closed) - 1, sample)
    except FeatureInvalidError as error:
        blind = error
    _values(maker, bars, len(closed) - 1, sample)  # what fails with all bars, too, does not peek
    raise FeaturePeeksError(
        f"Without the bars after {_when(sample)} its features cannot be worked out: {blind.detail}",
        hint="Use bars[: last + 1] only.",
    ) from blind


def _check_blind(blind: Mapping[str, float], seeing: Mapping[str, float], sample: Sample) -> None:
    peeking = [name for name in blind if seeing.get(name) != blind[name]]
    if peeking or set(seeing) != set(blind):
        raise FeaturePeeksError(
            f"{', '.join(peeking) or 'The list of features'} of {_when(sample)} changes when the "
            "bars after it are cut away.",
            hint="Use bars[: last + 1] only.",
        )


def _when(sample: Sample) -> str:
    return f"the signal of {sample.decided_at.astimezone(IST):%Y-%m-%d %H:%M}"
