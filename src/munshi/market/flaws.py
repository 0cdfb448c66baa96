"""What is wrong with bars that are held: each by itself, and beside its neighbours."""

from collections.abc import Iterator

import polars as pl

from munshi.domain.market.data_quality import Finding, Flaw
from munshi.domain.market.intervals import Interval
from munshi.market.quality import Quality, Reason
from munshi.market.session_bars import ist_day

NEIGHBOURS = 5
_FEWEST_NEIGHBOURS = 3
# A usual step of a series, so many times, is far; and nothing nearer than the floor is.
_USUAL_STEPS = 25
_FLOOR, _DAILY_FLOOR, _OPTION_FLOOR = 0.05, 0.20, 0.50
_EXAMPLES = 3
_FEWEST_BARS = 10
_FEW_FALLS, _MANY_RISES = 0.05, 0.5
_ALONE = {
    Reason.INCOMPLETE: Flaw.INCOMPLETE,
    Reason.OUTSIDE_SESSION: Flaw.OUTSIDE_SESSION,
    Reason.OFF_GRID: Flaw.OFF_GRID,
    Reason.FORMING: Flaw.FORMING,
    Reason.PRICE_NOT_POSITIVE: Flaw.PRICE_NOT_POSITIVE,
    Reason.RANGE_WRONG: Flaw.RANGE_WRONG,
    Reason.COUNT_NEGATIVE: Flaw.COUNT_NEGATIVE,
    Reason.CONFLICTING: Flaw.CONFLICTING,
    Reason.REPEATED: Flaw.REPEATED,
}


def flaws_alone(frame: pl.DataFrame, judged: Quality) -> Iterator[Finding]:
    """What `validate` found of `frame`, whose rows are in the order of their file."""
    for refusal in judged.refusals:
        yield Finding(
            flaw=_ALONE[refusal.reason],
            bars=refusal.rows,
            days=refusal.days,
            examples=refusal.examples,
        )
    if judged.out_of_order:
        late = frame.filter(pl.col("opens") < pl.col("opens").cum_max())
        yield _finding(Flaw.OUT_OF_ORDER, late)


def outliers(
    bars: pl.DataFrame,
    *,
    before: pl.DataFrame,
    after: pl.DataFrame,
    interval: Interval,
    is_option: bool,
) -> Iterator[Finding]:
    """Bars of which a price is far from the closes before it and from those after it.

    Far is 25 usual steps of this stretch, and never less than 5 % (20 % for daily bars, 50 % for
    options). A price that stays where it went is not far from what comes after, so a gap over
    night is none. Bars with fewer than three neighbours on a side are not judged. `before` and
    `after` are the bars around this stretch. Each frame has its bars in order.
    """
    around = pl.concat(
        [
            before.tail(NEIGHBOURS).with_columns(judged=pl.lit(value=False)),
            bars.with_columns(judged=pl.lit(value=True)),
            after.head(NEIGHBOURS).with_columns(judged=pl.lit(value=False)),
        ]
    )
    floor = _DAILY_FLOOR if interval.is_daily else _FLOOR
    usual = bars.select((pl.col("close") / pl.col("close").shift() - 1).abs().median()).item()
    limit = max(_OPTION_FLOOR if is_option else floor, _USUAL_STEPS * (usual or 0))
    past = _level(pl.col("close").shift())
    future = _level(pl.col("close").reverse().shift()).reverse()
    prices = [pl.col(name) for name in ("open", "high", "low", "close")]
    near = pl.min_horizontal(
        pl.max_horizontal((price / level - 1).abs() for price in prices)
        for level in (pl.col("past"), pl.col("future"))
    )
    far = (
        around.with_columns(past=past, future=future)
        .filter(pl.col("judged") & pl.col("past").is_not_null() & pl.col("future").is_not_null())
        .filter(near > limit)
    )
    if far.height:
        yield _finding(Flaw.PRICE_OUTLIER, far, detail=f"more than {limit:.0%} away")


def volume_flaws(bars: pl.DataFrame, interval: Interval) -> Iterator[Finding]:
    """Days without volume among days that have it, and days of running totals.

    A series of which less than half the days have volume is one that is seldom traded, or an
    index. A day of at least ten bars whose volume hardly ever falls holds running totals.
    """
    dated = bars.with_columns(day=ist_day(pl.col("opens")))
    step = pl.col("volume").diff()
    days = dated.group_by("day", maintain_order=True).agg(
        total=pl.col("volume").sum(),
        bars=pl.len(),
        rises=(step > 0).mean(),
        falls=(step < 0).mean(),
        resets=(step < 0).sum(),
    )
    traded = days.filter(pl.col("total") > 0)
    if 2 * traded.height < days.height:
        return
    lost = days.filter(pl.col("total") == 0)
    if lost.height:
        yield _finding(Flaw.VOLUME_LOST, dated.join(lost, on="day", how="semi"))
    if interval.is_daily:
        return
    totals = traded.filter(
        (pl.col("bars") >= _FEWEST_BARS)
        & (pl.col("falls") <= _FEW_FALLS)
        & (pl.col("rises") >= _MANY_RISES)
    )
    if totals.height:
        resets = totals["resets"].sum()
        yield _finding(
            Flaw.VOLUME_RESET,
            dated.join(totals, on="day", how="semi"),
            detail=f"begun anew {resets} times within a day" if resets else None,
        )


def _level(shifted: pl.Expr) -> pl.Expr:
    return shifted.rolling_median(window_size=NEIGHBOURS, min_samples=_FEWEST_NEIGHBOURS)


def _finding(flaw: Flaw, bars: pl.DataFrame, *, detail: str | None = None) -> Finding:
    days = bars.select(ist_day(pl.col("opens")).unique().sort()).to_series()
    return Finding(
        flaw=flaw,
        bars=bars.height,
        days=tuple(days),
        examples=tuple(bars["opens"].head(_EXAMPLES)),
        detail=detail,
    )
