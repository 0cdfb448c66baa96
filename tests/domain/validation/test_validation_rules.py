"""The rules of a validation without any library: labels, gaps, features, words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_backtests import made_trades
from made_validations import FIRST, INSTRUMENT, MINUTE, market
from munshi.domain.backtest.results import TradeEnd
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import Side
from munshi.domain.validation.curves import precision_recall, reliability
from munshi.domain.validation.features import LOOKBACK, tabulate
from munshi.domain.validation.params import ValidationParams
from munshi.domain.validation.samples import (
    Sample,
    check_enough,
    most_open_at_once,
    pick_samples,
)
from munshi.domain.validation.splits import apart, walk_forward
from munshi.domain.validation.verdicts import (
    Evidence,
    Verdict,
    block_length,
    judge,
)
from munshi.errors import (
    FeatureInvalidError,
    FeaturePeeksError,
    JobParametersInvalidError,
    ValidationSamplesMissingError,
)

MADE = market(seed=3, trades=60)
SAMPLES = pick_samples(MADE.trades, instrument=INSTRUMENT).samples
RUN = str(uuid4())


def ignore(_: float) -> None: ...


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "Not given: run_id"),
        ({"run_id": "x"}, "run_id must be the id of a backtest, not 'x'"),
        ({"run_id": RUN, "model": "logistic"}, "Not known here: model"),
        ({"run_id": RUN, "model_type": "magic"}, "There is no model 'magic'"),
        ({"run_id": RUN, "model_type": "entry:"}, "There is no model 'entry:'"),
        ({"run_id": RUN, "features": "f.py"}, "features must be FILE.py:NAME or entry:NAME"),
        ({"run_id": RUN, "splits": "shuffled"}, "Splits of the kind 'shuffled' are refused"),
        ({"run_id": RUN, "folds": True}, "folds must be a whole number from 3 to 50"),
        ({"run_id": RUN, "purged_folds": 40}, "purged_folds must be a whole number from 3 to 12"),
        ({"run_id": RUN, "threshold": 1}, "threshold must be a probability between 0 and 1"),
        ({"run_id": RUN, "from": "June"}, "from must be a date like 2026-11-20"),
        ({"run_id": RUN, "from": "2024-02-01", "to": "2024-01-01"}, "The range ends on"),
    ],
)
def test_parameters_are_refused_in_one_sentence(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(JobParametersInvalidError) as refused:
        ValidationParams.from_json(wrong)

    assert said in str(refused.value)


def test_shuffled_splits_are_refused_with_the_reason() -> None:
    with pytest.raises(JobParametersInvalidError) as refused:
        ValidationParams.from_json({"run_id": RUN, "splits": "shuffled"})

    assert "learns from the future" in (refused.value.hint or "")


def test_parameters_travel_as_json() -> None:
    told = {"run_id": RUN, "model_type": "my.py:make", "from": "2024-01-01", "seed": 7}

    params = ValidationParams.from_json(told)

    assert ValidationParams.from_json(params.to_json()) == params
    assert (params.start, params.folds, params.seed) == (date(2024, 1, 1), 10, 7)


def test_only_trades_with_a_known_end_are_samples_and_the_label_is_money_after_costs() -> None:
    closed, unpriced = made_trades()
    open_at_end = replace(closed, end=TradeEnd.OPEN_AT_END)
    buy, sell = closed.legs
    lost = replace(closed, legs=(buy, replace(sell, price=buy.price + 18)))  # costs are 56

    picked = pick_samples((closed, unpriced, open_at_end, lost), instrument="NSE:INFY")

    assert {sample.net: sample.made_money for sample in picked.samples} == {37: True, -2: False}
    assert [sample.direction for sample in picked.samples] == [1, 1]
    assert picked.left_out == {"unpriced": 1, "open at end": 1}
    with pytest.raises(ValidationSamplesMissingError, match=r"There are 2 trades .* 1 unpriced"):
        check_enough(picked.samples, left_out=picked.left_out)


@pytest.mark.parametrize(
    ("opened", "direction"),
    [
        ((("21800PE", Side.SELL, 90),), 1),
        ((("21800PE", Side.SELL, 90), ("21600PE", Side.BUY, 30)), 1),
        ((("21800PE", Side.SELL, 30), ("22000PE", Side.BUY, 90)), -1),
        ((("22200CE", Side.BUY, 20), ("22000CE", Side.SELL, 80)), -1),
        ((("22000CE", Side.BUY, 80),), 1),
        ((("22000CE", Side.SELL, 80), ("22000PE", Side.SELL, 90)), 0),
    ],
)
def test_a_trade_of_options_gains_by_a_rise_a_fall_or_neither(
    opened: Sequence[tuple[str, Side, int]], direction: int
) -> None:
    closed, _ = made_trades()
    legs = [
        replace(closed.legs[0], instrument=f"NFO:NIFTY24613{name}", side=side, quoted=price)
        for name, side, price in opened
    ]
    other = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}
    ways_out = [replace(leg, side=other[leg.side], quoted=5_000) for leg in legs]
    trade = replace(closed, legs=(*legs, *ways_out))

    [sample] = pick_samples([trade], instrument="NSE:NIFTY 50").samples

    assert sample.direction == direction


made_samples = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 60)), min_size=40, max_size=90
).map(
    lambda steps: [
        Sample(
            decided_at=SAMPLES[0].decided_at + sum(gap for gap, _ in steps[: n + 1]) * MINUTE,
            ends_at=SAMPLES[0].decided_at
            + (sum(gap for gap, _ in steps[: n + 1]) + steps[n][1]) * MINUTE,
            net=1,
            direction=1,
        )
        for n in range(len(steps))
    ]
)


@settings(max_examples=60, deadline=None)
@given(samples=made_samples, folds=st.integers(3, 12))
def test_no_label_that_is_learnt_from_reaches_into_a_test(
    samples: list[Sample], folds: int
) -> None:
    found = walk_forward(samples, folds=folds)

    assert [place for fold in found for place in fold.test] == list(
        range(found[0].test[0], len(samples))
    )
    for fold in found:
        opens = samples[fold.test[0]].decided_at
        assert all(samples[place].ends_at <= opens for place in fold.train)
        left = set(range(fold.test[0])) - set(fold.train)
        assert all(samples[place].ends_at > opens for place in left)
        ends = max(samples[place].ends_at for place in fold.test)
        for place in apart(samples, range(len(samples)), fold.test):
            assert samples[place].ends_at <= opens or samples[place].decided_at >= ends


def test_overlap_counts_decisions_before_the_end() -> None:
    assert most_open_at_once(SAMPLES) == 2  # every 8 bars one that lasts 20
    assert block_length(375, open_at_once=2) == 7
    assert block_length(375, open_at_once=9) == 18
    assert block_length(375, open_at_once=2, lasting=12.2) == 25
    assert block_length(60, open_at_once=2, lasting=12.2) == 10  # six blocks at least


def test_features_come_from_closed_bars_and_the_first_trades_have_none() -> None:
    table = tabulate(SAMPLES, MADE.bars, span=MINUTE, progress=ignore)
    later = [replace(bar, close=bar.close * 2) for bar in MADE.bars]
    first = FIRST + 1
    same = tabulate(SAMPLES[:1], [*MADE.bars[:first], *later[first:]], span=MINUTE, progress=ignore)

    assert same.rows[0] == table.rows[0]
    assert len(table.rows) == len(SAMPLES)
    cut = FIRST - LOOKBACK + 1
    assert tabulate(SAMPLES, MADE.bars[cut:], span=MINUTE, progress=ignore).places[0] == 1


def peeking(bars: Sequence[Candle], last: int) -> Mapping[str, float]:
    return {"now": bars[last].close, "next": bars[min(last + 1, len(bars) - 1)].close}


def counting(bars: Sequence[Candle], last: int) -> Mapping[str, float]:
    return {"bars": len(bars) - last}


def sometimes(bars: Sequence[Candle], last: int) -> Mapping[str, float]:
    """Honest but for the bars of one minute of the hour."""
    reach = 3 if bars[last].opens.minute == 31 else 0
    return {"close": bars[min(last + reach, len(bars) - 1)].close}


def over_the_whole(bars: Sequence[Candle], last: int) -> Mapping[str, float]:
    return {"share": bars[last].close / (sum(bar.close for bar in bars) / len(bars))}


class KeptFromTheFirstCall:
    """What is quick to write: all is worked out at once, and looked up afterwards."""

    def __init__(self) -> None:
        self.shares: list[float] = []

    def __call__(self, bars: Sequence[Candle], last: int) -> Mapping[str, float]:
        if not self.shares:
            mean = sum(bar.close for bar in bars) / len(bars)
            self.shares = [bar.close / mean for bar in bars]
        return {"share": self.shares[last]}


class KeptByLength:
    """It works all out again whenever there are more bars, and answers what it knew first."""

    def __init__(self) -> None:
        self.known: dict[int, float] = {}

    def __call__(self, bars: Sequence[Candle], last: int) -> Mapping[str, float]:
        mean = sum(bar.close for bar in bars) / len(bars)
        return {"share": self.known.setdefault(last, bars[last].close / mean)}


def test_what_a_function_keeps_between_calls_never_holds_the_future() -> None:
    with pytest.raises(FeatureInvalidError, match="list index out of range") as raised:
        tabulate(SAMPLES, MADE.bars, span=MINUTE, maker=KeptFromTheFirstCall(), progress=ignore)
    assert "what was kept of an earlier call is too short" in (raised.value.hint or "")

    table = tabulate(SAMPLES, MADE.bars, span=MINUTE, maker=KeptByLength(), progress=ignore)

    for place, (share,) in zip(table.places, table.rows, strict=True):
        seen = [bar for bar in MADE.bars if bar.opens < SAMPLES[place].decided_at]
        assert share == seen[-1].close / (sum(bar.close for bar in seen) / len(seen))


def past_the_end(bars: Sequence[Candle], last: int) -> Mapping[str, float]:
    return {"next": bars[last + 1].close}


@pytest.mark.parametrize(
    ("maker", "said"),
    [
        (peeking, "next of the signal of 2024-01-01 10:16 changes when the bars after it"),
        (counting, "bars of the signal"),
        (sometimes, "close of the signal of 2024-01-01 10:32 changes when the bars after it"),
        (over_the_whole, "share of the signal of 2024-01-01 10:16 changes when the bars after it"),
        (past_the_end, "Without the bars after the signal of 2024-01-01 10:16"),
    ],
)
def test_a_feature_that_peeks_is_caught(maker: object, said: str) -> None:
    with pytest.raises(FeaturePeeksError) as caught:
        tabulate(SAMPLES, MADE.bars, span=MINUTE, maker=maker, progress=ignore)  # type: ignore[arg-type]

    assert said in str(caught.value)


def test_a_feature_that_is_no_number_is_named() -> None:
    with pytest.raises(FeatureInvalidError, match=r"The feature odd of the signal .* is nan"):
        tabulate(
            SAMPLES,
            MADE.bars,
            span=MINUTE,
            maker=lambda _bars, _last: {"odd": float("nan")},
            progress=ignore,
        )


CLEAR = Evidence(
    tested=300,
    won=150,
    auc=0.60,
    low=0.54,
    high=0.66,
    bar=0.54,
    paths=[0.55] * 9,
    trials=1,
    taken=120,
    expectancy=100.0,
    least_expected=10.0,
)


@pytest.mark.parametrize(
    ("changed", "verdict", "why"),
    [
        ({}, Verdict.EDGE, "chance (0.5) ruled out after 1 tries"),
        ({"tested": 59, "won": 30}, Verdict.NOT_ENOUGH_EVIDENCE, "the least is 60"),
        ({"won": 290}, Verdict.NOT_ENOUGH_EVIDENCE, "the lesser class with 10"),
        ({"low": None}, Verdict.NOT_ENOUGH_EVIDENCE, "could not be measured"),
        ({"low": 0.45}, Verdict.NOT_ENOUGH_EVIDENCE, "neither chance (0.5) nor an edge"),
        ({"low": 0.45, "auc": 0.53, "high": 0.61}, Verdict.NO_EDGE, "chance (0.5) is in it"),
        ({"low": 0.3, "auc": 0.4, "high": 0.49}, Verdict.NO_EDGE, "worse than chance"),
        (
            {"trials": 200, "bar": 0.49, "high": 0.65},
            Verdict.NO_EDGE,
            "not as the best of 200 tries",
        ),
        ({"paths": [0.6] * 3 + [0.4] * 6}, Verdict.NO_EDGE, "only 3 of 9 purged paths"),
        ({"expectancy": -1.0}, Verdict.DOES_NOT_PAY, "do not make money"),
        ({"taken": 3}, Verdict.MAY_NOT_PAY, "but 3 trades were taken at the threshold"),
        ({"taken": 0, "expectancy": None}, Verdict.MAY_NOT_PAY, "but 0 trades were taken"),
        ({"least_expected": -5.0}, Verdict.MAY_NOT_PAY, "whether the 120 taken pay"),
        ({"least_expected": None}, Verdict.MAY_NOT_PAY, "whether the 120 taken pay"),
    ],
)
def test_the_words_follow_from_the_evidence(
    changed: dict[str, object], verdict: Verdict, why: str
) -> None:
    found, reason = judge(replace(CLEAR, **changed))  # type: ignore[arg-type]

    assert found == verdict
    assert why in reason


def test_curves_are_of_the_probabilities_as_they_are() -> None:
    probabilities, labels = [0.05, 0.95, 1.0, 0.95], [False, True, True, False]

    bins = reliability(probabilities, labels)

    assert [each.count for each in bins] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 3]
    assert bins[-1].share == pytest.approx(2 / 3)
    assert bins[-1].mean == pytest.approx(2.9 / 3)
    assert precision_recall(probabilities, labels) == [(0.5, 1.0), (1.0, 2 / 3), (1.0, 0.5)]
    assert precision_recall([0.5], [False]) == []
