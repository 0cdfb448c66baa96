"""How far the brokers' limits are used: now, today, and in the last whole month."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter

from munshi.api.answers import Shown
from munshi.api.roles import Role, allows
from munshi.bootstrap import Services
from munshi.domain.rate_calls import LimitStatus
from munshi.settings import BrokerMode


class CallsShown(Shown):
    requests: int
    refusals: int
    waits: int
    waited_seconds: float


class LimitShown(Shown):
    """`used` slots are free a window after their call, the next at `next_free` at the soonest.

    Downloads leave `kept` slots, and `daily_kept` of a trading day's count until the close.
    `curve` has today's calls of each half hour (IST), `resets_at` the next midnight (IST).
    """

    name: str
    requests: int
    seconds: float
    used: int
    left: int
    next_free: datetime | None
    closed_until: datetime | None
    kept: int
    daily: int | None
    daily_used: int
    daily_left: int | None
    daily_kept: int
    resets_at: datetime
    today: CallsShown
    curve: list[int]


class LimitsAnswer(Shown):
    mode: BrokerMode
    limits: list[LimitShown]


class MonthAnswer(Shown):
    """`classes` has the figures of each limit that was used, `advice` what would help."""

    mode: BrokerMode
    summary: str
    first: str
    last: str
    classes: list[Mapping[str, Any]]
    advice: list[str]


class LimitRoutes:
    """Each call is one service call."""

    def __init__(self, services: Services) -> None:
        self._limits = services.limits
        self._mode = services.settings.brokers

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["limits"]}
        router.add_api_route("/limits", self.now, **options)
        router.add_api_route("/limits/last-month", self.last_month, **options)

    @allows(Role.VIEWER)
    def now(self) -> LimitsAnswer:
        """Every limit: used and left, now and today, with today's calls by the half hour."""
        found = [_shown(status) for status in self._limits.list_limits()]
        return LimitsAnswer(mode=self._mode, limits=found)

    @allows(Role.VIEWER)
    def last_month(self) -> MonthAnswer:
        """How the limits were used in the last whole month (IST)."""
        report = self._limits.analyse_last_month()
        return MonthAnswer(
            mode=self._mode,
            summary=report["summary"],
            first=report["from"],
            last=report["to"],
            classes=report["classes"],
            advice=report["advice"],
        )


def _shown(status: LimitStatus) -> LimitShown:
    return LimitShown(
        name=status.name,
        requests=status.requests,
        seconds=status.seconds,
        used=status.used,
        left=status.left,
        next_free=status.next_free,
        closed_until=status.closed_until,
        kept=status.kept,
        daily=status.daily,
        daily_used=status.daily_used,
        daily_left=status.daily_left,
        daily_kept=status.daily_kept,
        resets_at=status.resets_at,
        today=CallsShown(
            requests=status.today.requests,
            refusals=status.today.refusals,
            waits=status.today.waits,
            waited_seconds=status.today.waited_seconds,
        ),
        curve=list(status.curve),
    )
