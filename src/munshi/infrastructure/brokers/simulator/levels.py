"""The slow history of synthetic prices: one level for every date since 2015, from a seed."""

import math
import threading
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random

START = date(2015, 1, 1)
SATURDAY = 5
WEEKEND_WEIGHT = 0.3
SEED = "munshi-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelModel:
    """A price that reverts to a growing trend.

    `start` is the trend in rupees on 1 Jan 2015, `growth` its yearly log growth, `daily` the
    standard deviation of a day's log move, `market` how much of it the whole market shares (below
    zero for a fear index), `memory` the share of a deviation that is left a day later.
    """

    start: float
    growth: float
    daily: float
    market: float
    memory: float = 0.99


MODELS = {
    "NIFTY": LevelModel(start=8_300, growth=0.098, daily=0.0085, market=0.95),
    "BANKNIFTY": LevelModel(start=18_700, growth=0.095, daily=0.011, market=0.85),
    "SENSEX": LevelModel(start=27_500, growth=0.097, daily=0.0085, market=0.94),
    "INDIAVIX": LevelModel(start=14.0, growth=0.0, daily=0.045, market=-0.7, memory=0.97),
    "RELIANCE": LevelModel(start=220, growth=0.16, daily=0.015, market=0.65),
    "INFY": LevelModel(start=480, growth=0.1, daily=0.014, market=0.5),
    "SBIN": LevelModel(start=300, growth=0.09, daily=0.017, market=0.6),
    "TATASTEEL": LevelModel(start=38, growth=0.13, daily=0.019, market=0.55),
    "ICICIBANK": LevelModel(start=310, growth=0.125, daily=0.014, market=0.65),
}


class LevelHistory:
    """Levels in order from the first date on, so a date's level never depends on who asks."""

    def __init__(self, name: str) -> None:
        self._model = MODELS[name]
        self._own = Random(f"{SEED}:{name}")  # noqa: S311
        self._market = Random(f"{SEED}:market")  # noqa: S311
        self._deviations = [0.0]
        self._lock = threading.Lock()

    def level(self, day: date) -> float:
        """Rupees at the close of `day`, trading day or not."""
        place = max((day - START).days, 0)
        with self._lock:  # two threads drawing at once would each get the other's numbers
            while len(self._deviations) <= place:
                self._extend()
        trend = math.log(self._model.start) + self._model.growth * place / 365.25
        return math.exp(trend + self._deviations[place])

    def _extend(self) -> None:
        model = self._model
        weekday = (START + timedelta(days=len(self._deviations))).weekday()
        weight = WEEKEND_WEIGHT if weekday >= SATURDAY else 1.0
        shared, own = self._market.gauss(0, 1), self._own.gauss(0, 1)
        shock = model.market * shared + math.sqrt(1 - model.market**2) * own
        self._deviations.append(self._deviations[-1] * model.memory + model.daily * weight * shock)


@cache
def level_history(name: str) -> LevelHistory:
    return LevelHistory(name)
