"""The headline of a validation: scores of what was walked forward, intervals, and the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from munshi.domain.backtest.evidence import deflated_sharpe_of_trades
from munshi.domain.validation.runs import Interval, Scores
from munshi.domain.validation.verdicts import (
    LEAST_TAKEN,
    Evidence,
    Verdict,
    block_length,
    judge,
)
from munshi.validation.intervals import (
    deviation,
    independent_trades,
    lasting,
    score_intervals,
    stretch,
)
from munshi.validation.measures import Judged, Table, Weights, draw_weights, score, score_draws


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """`block` neighbours were drawn together, for `weights`, which gave `draws` of each score."""

    judged: Judged
    threshold: float
    scores: Scores
    intervals: Mapping[str, Interval | None]
    block: int
    weights: Weights
    draws: Table

    @property
    def blocks(self) -> float:
        return len(self.judged.y) / self.block

    def verdict(self, *, paths: Sequence[float], trials: int) -> tuple[Verdict, str]:
        """In words, with its reason, for the best of `trials` tries."""
        area, spread = self.scores["roc_auc"], deviation(self.draws["roc_auc"])
        between, money = self.intervals["roc_auc"], self.intervals["expectancy"]
        bar = None
        if area is not None and spread is not None:
            bar = area - stretch(self.blocks, trials=trials) * spread
        return judge(
            Evidence(
                tested=len(self.judged.y),
                won=int(self.judged.y.sum()),
                auc=area,
                low=between.low if between else None,
                high=between.high if between else None,
                bar=bar,
                paths=paths,
                trials=trials,
                taken=self.judged.taken(self.threshold),
                expectancy=self.scores["expectancy"],
                least_expected=money.low if money else None,
            )
        )

    def deflated_sharpe(self, *, trials: int) -> float | None:
        """Of the trades taken; None of fewer than can say anything."""
        nets = self.judged.net[self.judged.p >= self.threshold]
        if len(nets) < LEAST_TAKEN:
            return None
        return deflated_sharpe_of_trades(
            nets.tolist(),
            trials=trials,
            independent=independent_trades(nets, self.draws["expectancy"]),
        )


def measure_headline(judged: Judged, *, open_at_once: int, threshold: float, seed: int) -> Headline:
    """`open_at_once` is how many later samples a label overlaps at most."""
    count = len(judged.y)
    block = block_length(
        count, open_at_once=open_at_once, lasting=lasting(judged, threshold=threshold)
    )
    weights = draw_weights(count, block=block, seed=seed)
    scores = score(judged, threshold=threshold)
    draws = score_draws(judged, weights, threshold=threshold)
    return Headline(
        judged=judged,
        threshold=threshold,
        scores=scores,
        intervals=score_intervals(
            scores, draws, taken=judged.taken(threshold), blocks=count / block
        ),
        block=block,
        weights=weights,
        draws=draws,
    )
