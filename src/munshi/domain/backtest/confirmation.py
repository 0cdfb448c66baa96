"""A run made again by another engine: do they agree, and where not, by how much."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest

from munshi.domain.backtest.results import BacktestResult, Trade

MOST_TOLD = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeDifference:
    """Trade `number`, from 1 on, by its net in paise here and there; None where there is none."""

    number: int
    decided_at: str
    net: int | None
    net_there: int | None
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What `engine` came to. `price_difference` is the largest between two orders, in paise.

    With the same `result_hash` every trade and every point of the curve is the same. Of the
    trades that differ the first `MOST_TOLD` are told.
    """

    engine: str
    engine_version: str
    net: int
    trades: int
    result_hash: str
    is_same: bool
    price_difference: int
    differ: int
    differences: tuple[TradeDifference, ...]
    duration_ms: int

    def to_json(self) -> dict[str, object]:
        document = asdict(self)
        document["differences"] = [asdict(each) for each in self.differences]
        return document


def confirmation_of(
    result: BacktestResult, again: BacktestResult, *, duration_ms: int
) -> Confirmation:
    """`again` is what the other engine made of the same request and strategy."""
    found = [
        TradeDifference(
            number=number,
            decided_at=_decided(ours or there),
            net=None if ours is None else ours.net,
            net_there=None if there is None else there.net,
            what=what,
        )
        for number, (ours, there) in enumerate(zip_longest(result.trades, again.trades), start=1)
        if (what := _difference(ours, there)) is not None
    ]
    return Confirmation(
        engine=again.engine,
        engine_version=again.version,
        net=again.net,
        trades=len(again.trades),
        result_hash=again.digest().hex(),
        is_same=again.digest() == result.digest(),
        price_difference=_price_difference(result.trades, again.trades),
        differ=len(found),
        differences=tuple(found[:MOST_TOLD]),
        duration_ms=duration_ms,
    )


def _difference(ours: Trade | None, there: Trade | None) -> str | None:
    """The first that is other, in a word or two."""
    if ours is None or there is None:
        return "only there" if ours is None else "only here"
    if ours == there:
        return None
    if [leg.at for leg in ours.legs] != [leg.at for leg in there.legs]:
        return "other times"
    if [leg.price for leg in ours.legs] != [leg.price for leg in there.legs]:
        return "other prices"
    if ours.costs != there.costs:
        return "other charges"
    return "otherwise"


def _price_difference(ours: Sequence[Trade], there: Sequence[Trade]) -> int:
    return max(
        (
            abs(leg.price - other.price)
            for trade, again in zip(ours, there, strict=False)
            for leg, other in zip(trade.legs, again.legs, strict=False)
        ),
        default=0,
    )


def _decided(trade: Trade | None) -> str:
    return "" if trade is None else trade.decided_at.isoformat()
