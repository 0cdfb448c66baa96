"""Candles as a chart, with what was signalled and traded on them."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from munshi.api.roles import Role, allows
from munshi.bootstrap import Services
from munshi.clock import IST
from munshi.dashboard.look import Look, address
from munshi.domain.market.charges import Side
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.domain.signals.parameters import SignalParameters
from munshi.errors import AppError, BacktestRunUnknownError, RequestInvalidError
from munshi.market.candle_view import CandleView

ROWS_SHOWN = 30
GAP_DAYS_SHOWN = 20
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleQuery:
    """Which candles, as an address has it. `run` marks a backtest's orders."""

    instrument: InstrumentRef
    interval: Interval
    source: str | None
    start: date | None
    end: date | None
    signals: bool
    run: UUID | None

    @classmethod
    def read(cls, query: QueryParams) -> "CandleQuery":
        """Raises RequestInvalidError, InstrumentNameInvalidError, IntervalUnknownError."""
        texts = {name: query.get(name, "").strip() for name in _FIELDS}
        if any(len(text) > _LONGEST for text in texts.values()):
            raise RequestInvalidError("The address holds a text that is too long.")
        return cls(
            instrument=InstrumentRef.parse(texts["instrument"]),
            interval=Interval.parse(texts["interval"]),
            source=texts["source"] or None,
            start=_day("from", texts["from"]),
            end=_day("to", texts["to"]),
            signals=bool(texts["signals"]),
            run=_run(texts["run"]),
        )

    def given(self) -> Mapping[str, object]:
        """The part of an address that leads here again."""
        return {
            "instrument": str(self.instrument),
            "interval": self.interval.value,
            "source": self.source,
            "from": self.start,
            "to": self.end,
            "signals": "yes" if self.signals else None,
            "run": self.run,
        }


_FIELDS = ("instrument", "interval", "source", "from", "to", "signals", "run")


class CandlePages:
    """The page holds words and the newest bars; its script asks for the rest as JSON."""

    def __init__(self, services: Services, look: Look) -> None:
        self._services = services
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/data/candles", self.candles, include_in_schema=False)
        router.add_api_route("/ui/data/candles.json", self.bars, include_in_schema=False)

    @allows(Role.VIEWER)
    def candles(self, request: Request) -> Response:
        asked = CandleQuery.read(request.query_params)
        view = self._view(asked)
        days = list(dict.fromkeys(gap.astimezone(IST).date() for gap in view.gaps))
        return self._look.page(
            request,
            "candles.html",
            title=f"{asked.instrument} {asked.interval}",
            asked=asked,
            view=view,
            source=address("/ui/data/candles.json", **asked.given()),
            rows=list(view.bars)[-ROWS_SHOWN:][::-1],
            gap_days=days[-GAP_DAYS_SHOWN:],
            more_gap_days=max(0, len(days) - GAP_DAYS_SHOWN),
            intervals=tuple(Interval),
        )

    @allows(Role.VIEWER)
    def bars(self, request: Request) -> Response:
        """Times are seconds since 1970; a bar of one number is a gap."""
        asked = CandleQuery.read(request.query_params)
        view = self._view(asked)
        marks, trouble = self._marks(asked, view)
        found: list[list[float]] = [[_second(bar[0]), *bar[1:]] for bar in view.bars]
        found += [[_second(gap)] for gap in view.gaps]
        held = view.series
        return JSONResponse(
            {
                "interval": view.shown.value,
                "isStored": view.shown is asked.interval,
                "from": view.first.isoformat(),
                "to": view.last.isoformat(),
                "heldFrom": held.first_open.astimezone(IST).date().isoformat(),
                "bars": sorted(found, key=lambda bar: bar[0]),
                "marks": marks,
                "trouble": trouble,
            },
            headers={"cache-control": "no-store"},
        )

    def _view(self, asked: CandleQuery) -> CandleView:
        return self._services.views.candles.view(
            asked.instrument,
            asked.interval,
            start=asked.start,
            end=asked.end,
            source=asked.source,
        )

    def _marks(
        self, asked: CandleQuery, view: CandleView
    ) -> tuple[list[dict[str, Any]], str | None]:
        """What stands at bars, in order; and why signals could not be told, if they could not."""
        opens = [bar[0] for bar in view.bars]
        found: list[dict[str, Any]] = []
        trouble = None
        if asked.run is not None:
            found += _placed(self._orders(asked), opens)
        if asked.signals:
            try:
                found += _placed(self._signals(asked, view), opens)
            except AppError as error:
                trouble = error.detail
        return sorted(found, key=lambda mark: int(mark["time"])), trouble

    def _orders(self, asked: CandleQuery) -> Iterator[tuple[datetime, str, str]]:
        if asked.run is None:
            return
        for trade in self._services.backtests.trades(asked.run):
            for leg in trade.legs:
                if leg.instrument == str(asked.instrument):
                    side = "buy" if leg.side is Side.BUY else "sell"
                    yield leg.at, side, f"{side} {leg.quantity}"

    def _signals(self, asked: CandleQuery, view: CandleView) -> Iterator[tuple[datetime, str, str]]:
        report = self._services.signals.evaluate(
            asked.instrument,
            start=view.first,
            end=view.last,
            parameters=SignalParameters(),
            source=asked.source,
        )
        for week in report.weeks:
            if week.signal is not None:
                yield week.signal.bar, "signal", f"{week.signal.name} sells {week.signal.sells}"


def _placed(
    marks: Iterator[tuple[datetime, str, str]], opens: Sequence[datetime]
) -> Iterator[dict[str, Any]]:
    """Each at the bar that it happened in; none before the first bar."""
    for at, kind, text in marks:
        place = bisect_right(opens, at) - 1
        if place >= 0:
            yield {"time": _second(opens[place]), "kind": kind, "text": text}


def _second(instant: datetime) -> int:
    return int(instant.timestamp())


def _day(name: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise RequestInvalidError(f"{name} is no day.", hint="Write it as 2026-11-20.") from None


def _run(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BacktestRunUnknownError(f"There is no backtest {text[:60]}.") from None
