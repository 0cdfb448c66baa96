"""How a month's gets used the cache, in figures and in sentences."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from functools import reduce
from operator import add
from typing import Any

from munshi.domain.cache import CacheUse

_FEW = 100
_LOW, _NO_GAIN_MS = 0.5, 1.0


def last_month(today: date) -> tuple[date, date]:
    """The first day of the month before, and of this one."""
    this = today.replace(day=1)
    return (this - timedelta(days=1)).replace(day=1), this


def report(days: Sequence[CacheUse], *, first: date, end: date) -> dict[str, Any]:
    """On the days from `first` to the one before `end` (IST)."""
    by_shelf: defaultdict[str, list[CacheUse]] = defaultdict(list)
    for day in days:
        by_shelf[day.namespace].append(day)
    sums = [reduce(add, each) for each in by_shelf.values()]
    shelves = [shelf_document(each) for each in sorted(sums, key=lambda use: -use.gets)]
    advice = [sentence for each in sums for sentence in _advice(each)]
    return {
        "summary": _summary(sums, advice, first),
        "from": first.isoformat(),
        "to": (end - timedelta(days=1)).isoformat(),
        "shelves": shelves,
        "advice": advice,
    }


def shelf_document(use: CacheUse) -> dict[str, Any]:
    """What is told of a shelf's use, here and in `munshi cache stats`."""
    return {
        "name": use.namespace,
        "gets": use.gets,
        "hit_rate": None if use.hit_rate is None else round(use.hit_rate, 4),
        "first_hits": use.first_hits,
        "second_hits": use.second_hits,
        "stale_hits": use.stale_hits,
        "misses": use.misses,
        "computed": use.computed,
        "mean_compute_ms": None if not use.computed else round(_mean_ms(use), 3),
        "refused": use.refused,
        "damaged": use.damaged,
        "evicted": use.evicted,
    }


def _mean_ms(use: CacheUse) -> float:
    return use.compute_seconds / use.computed * 1000


def _advice(use: CacheUse) -> list[str]:
    sentences = []
    if use.gets >= _FEW and use.hit_rate is not None and use.hit_rate < _LOW:
        sentences.append(
            f"{use.namespace} had the answer for {use.hit_rate:.0%} of {use.gets} gets: it is "
            "asked for too many different things, or keeps them too briefly."
        )
    if use.computed >= _FEW and _mean_ms(use) < _NO_GAIN_MS:
        sentences.append(
            f"{use.namespace} saves {_mean_ms(use):.2f} ms a time, about what looking it up costs."
        )
    if use.evicted > use.computed / 2 > 0:
        sentences.append(
            f"{use.evicted} entries of {use.namespace} went to make room: raise the size with "
            "munshi config set cache most_mb …"
        )
    if use.refused:
        sentences.append(f"{use.refused} values of {use.namespace} were too large, or had no room.")
    if use.damaged:
        sentences.append(
            f"{use.damaged} entries of {use.namespace} could not be read again. After an update "
            "that is to be expected; otherwise check the disk: munshi health check"
        )
    return sentences


def _summary(sums: Sequence[CacheUse], advice: Sequence[str], first: date) -> str:
    gets, month = sum(each.gets for each in sums), f"{first:%B %Y}"
    if not gets:
        return f"Nothing was asked of the cache in {month}."
    hits = sum(each.first_hits + each.second_hits for each in sums)
    said = f"{hits / gets:.1%} of {gets} gets in {month} were answered by the cache."
    return f"{said} {advice[0]}" if advice else said
