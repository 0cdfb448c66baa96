"""How a month's calls used the brokers' limits, in figures and in sentences."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from munshi.clock import IST, show_ist
from munshi.domain.quotas import RatePool
from munshi.domain.rate_calls import CallCount, DayUse

NEARLY_FULL = 0.9
MANY_WAITS = 0.5
_MINUTE = 60.0


def last_month(today: date) -> tuple[date, date]:
    """The first day of the month before, and of this one."""
    this = today.replace(day=1)
    return (this - timedelta(days=1)).replace(day=1), this


def analyse(
    pools: Sequence[RatePool],
    minutes: Sequence[CallCount],
    days: Sequence[DayUse],
    *,
    first: date,
    end: date,
) -> dict[str, Any]:
    """A report on the days from `first` to the one before `end` (IST)."""
    by_class: defaultdict[str, list[CallCount]] = defaultdict(list)
    for minute in minutes:
        by_class[minute.name].append(minute)
    by_limit: defaultdict[str, list[DayUse]] = defaultdict(list)
    for day in days:
        by_limit[day.name].append(day)
    classes = [
        _class(pool, by_class[pool.name], by_limit[pool.name])
        for pool in pools
        if by_class[pool.name] or by_limit[pool.name]
    ]
    advice = [sentence for each in classes for sentence in _advice(each)]
    return {
        "summary": _summary(classes, advice, first),
        "from": first.isoformat(),
        "to": (end - timedelta(days=1)).isoformat(),
        "classes": classes,
        "advice": advice,
    }


def _class(pool: RatePool, minutes: Sequence[CallCount], days: Sequence[DayUse]) -> dict[str, Any]:
    calls = sum(each.requests for each in minutes)
    found: dict[str, Any] = {
        "name": pool.name,
        "calls": calls,
        "refusals": sum(each.refusals for each in minutes),
        "waits": sum(each.waits for each in minutes),
        "waited_minutes": round(sum(each.waited_seconds for each in minutes) / _MINUTE, 1),
        "limit": f"{pool.requests} in {pool.seconds:g} s",
    }
    if minutes:
        busiest = max(minutes, key=lambda each: each.requests)
        hours: Counter[int] = Counter()
        for each in minutes:
            hours[each.minute.astimezone(IST).hour] += each.requests
        hour, in_hour = hours.most_common(1)[0]
        allowed = pool.requests * max(_MINUTE / pool.seconds, 1.0)
        found |= {
            "busiest_minute": show_ist(busiest.minute),
            "calls_in_busiest_minute": busiest.requests,
            "share_of_limit_in_busiest_minute": round(busiest.requests / allowed, 3),
            "busiest_hour": f"{hour:02}:00 to {hour:02}:59 IST",
            "share_of_calls_in_busiest_hour": round(in_hour / max(calls, 1), 3),
        }
    if days:
        most = max(days, key=lambda each: each.requests)
        found |= {
            "daily_limit": most.limit,
            "fullest_day": most.day.isoformat(),
            "calls_on_fullest_day": most.requests,
            "nearly_full_days": sum(
                each.limit is not None and each.requests >= NEARLY_FULL * each.limit
                for each in days
            ),
        }
    return found


def _advice(found: dict[str, Any]) -> list[str]:
    name, sentences = found["name"], []
    if found["refusals"]:
        sentences.append(
            f"The broker refused {found['refusals']} calls of {name} although {found['limit']} "
            "was kept: something else uses the same account, or the limit has changed. Lower it: "
            f'munshi config set api limit.{name} \'{{"requests": …, "seconds": …}}\''
        )
    if found.get("nearly_full_days"):
        sentences.append(
            f"{name} came to {NEARLY_FULL:.0%} of its day's count on "
            f"{found['nearly_full_days']} days: spread downloads over more days."
        )
    if found["calls"] and found["waits"] > MANY_WAITS * found["calls"]:
        sentences.append(
            f"{found['waits']} of {found['calls']} calls of {name} had to wait, for "
            f"{found['waited_minutes']:g} minutes together: its limit is what downloads wait for."
        )
    return sentences


def _summary(classes: Sequence[dict[str, Any]], advice: Sequence[str], first: date) -> str:
    month = f"{first:%B %Y}"
    if not classes:
        return f"No broker was called in {month}."
    calls = sum(each["calls"] for each in classes)
    refusals = sum(each["refusals"] for each in classes)
    said = f"{calls} calls in {month}, {refusals} refused by the brokers."
    return f"{said} {advice[0]}" if advice else f"{said} Every limit had room."
