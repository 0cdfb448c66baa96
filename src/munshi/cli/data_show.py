"""What is held of a series, drawn in the terminal, as a table, as CSV and as JSON."""

import csv
import sys
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from rich.console import Console

from munshi.bootstrap import Services
from munshi.cli.days import read_day
from munshi.cli.output import print_json, print_mode, print_table, show_instant
from munshi.clock import IST
from munshi.domain.market.candles import to_rupees
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.errors import DateRangeInvalidError
from munshi.infrastructure.candles.frames import CandleFrame
from munshi.infrastructure.database.candle_repository import SeriesSummary
from munshi.market.chart import draw_candles, draw_coverage
from munshi.market.quality import Coverage
from munshi.market.quality import coverage as coverage_of
from munshi.market.quality_report import describe_coverage

CHART_HEIGHT = 15
MONTHS_DRAWN = 6
_PRICES = ("open", "high", "low", "close")
_LONGEST_MONTH = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """The bars of one series that were asked for."""

    series: SeriesSummary
    frame: CandleFrame

    @property
    def name(self) -> str:
        return f"{self.series.key.exchange}:{self.series.key.instrument}"

    @property
    def title(self) -> str:
        """Says first what no reader may miss."""
        label = self.series.label
        shown = label.replace("simulated", "SIMULATED", 1)
        return f"{self.name} {self.series.key.interval} ({shown})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A series with what is missing of it."""

    bars: Bars
    coverage: Coverage

    def document(self) -> dict[str, Any]:
        return {
            **series_document(self.bars.series),
            "bars_expected": self.coverage.expected,
            "bars_present": self.coverage.present,
            "missing_days": list(self.coverage.missing_days),
            "gap_count": len(self.coverage.gaps),
        }

    def draw(self) -> None:
        console = Console(highlight=False)
        ascii_only = "utf" not in (console.encoding or "").lower()
        print_mode(self.bars.series.key.mode.value)
        console.print(self.bars.title, style="bold")
        console.print(draw_coverage(self.coverage, ascii_only=ascii_only))
        for sentence in describe_coverage(self.coverage):
            console.print(sentence)
        console.print()
        console.print(
            draw_candles(
                self.bars.frame,
                interval=self.bars.series.key.interval,
                width=console.width,
                height=CHART_HEIGHT,
                ascii_only=ascii_only,
            )
        )
        if not self.bars.frame.is_empty():
            last = self.bars.frame.row(-1, named=True)
            opens = last["opens"]
            daily = self.bars.series.key.interval.is_daily
            stamp = f"{_day(opens):%d %b %Y}" if daily else show_instant(opens)
            console.print(f"The last bar, of {stamp}, closed at {_rupees(last['close'])}.")


def read_bars(
    services: Services,
    instrument: str,
    *,
    interval: str,
    source: str | None,
    start: str | None,
    end: str | None,
) -> Bars:
    """Raises InstrumentUnknownError, IntervalUnknownError, DateRangeInvalidError."""
    series = services.candles.find_series(
        InstrumentRef.parse(instrument), Interval.parse(interval), source=source
    )
    first = read_day(start) or _day(series.first_open)
    last = read_day(end) or _day(series.last_open)
    if last < first:
        raise DateRangeInvalidError(f"The range ends on {last}, before it starts on {first}.")
    frame = services.candles.read(
        series.key,
        start=datetime.combine(first, time(0), tzinfo=IST),
        end=datetime.combine(last + timedelta(days=1), time(0), tzinfo=IST),
    )
    return Bars(series=series, frame=frame)


def look_at(
    services: Services,
    instrument: str,
    *,
    interval: str,
    source: str | None,
    start: str | None,
    end: str | None,
) -> Seen:
    """The last six months of a series where no other days are named. Raises as `read_bars`."""
    bars = read_bars(services, instrument, interval=interval, source=source, start=start, end=end)
    last = read_day(end) or _day(bars.series.last_open)
    first = read_day(start) or max(
        _day(bars.series.first_open), (last - (MONTHS_DRAWN - 1) * _LONGEST_MONTH).replace(day=1)
    )
    found = coverage_of(
        bars.frame,
        start=first,
        end=last,
        interval=bars.series.key.interval,
        segment=services.instruments.segment(InstrumentRef.parse(instrument)),
        calendar=services.calendar.calendar(),
        now=services.clock.now(),
    )
    return Seen(bars=bars, coverage=found)


def series_document(series: SeriesSummary) -> dict[str, Any]:
    """The names that the API uses."""
    return {
        "mode": series.key.mode.value,
        "label": series.label,
        "source": series.key.source,
        "instrument": f"{series.key.exchange}:{series.key.instrument}",
        "interval": series.key.interval.value,
        "first_open": series.first_open,
        "last_open": series.last_open,
        "rows": series.rows,
        "bytes": series.bytes,
        "files": series.files,
        "fetched_at": series.fetched_at,
    }


def print_bars(bars: Bars, *, limit: int | None, as_csv: bool, as_json: bool) -> None:
    frame = bars.frame if limit is None else bars.frame.head(limit)
    rows = [_bar(row) for row in frame.iter_rows(named=True)]
    if as_json:
        print_json({**series_document(bars.series), "candles": rows})
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("opens", *_PRICES, "volume", "oi", "label"))
        writer.writerows(
            (_iso(row["opens"]), *(row[name] for name in _PRICES), row["volume"], row["oi"],
             bars.series.label)
            for row in rows
        )  # fmt: skip
    else:
        print_mode(bars.series.key.mode.value)
        print_table(
            bars.title,
            ("opens", *_PRICES, "volume", "oi"),
            [
                (show_instant(row["opens"]), *(row[name] for name in (*_PRICES, "volume", "oi")))
                for row in rows
            ],
            empty="no bars in these days.",
        )


def _bar(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, **{name: _rupees(row[name]) for name in _PRICES}}


def _rupees(price: int) -> str:
    """Exact, with the paise always and finer digits only where there are any."""
    exact = to_rupees(price).normalize()
    return f"{exact:.2f}" if exact == round(exact, 2) else f"{exact:f}"


def _iso(opens: datetime) -> str:
    return opens.astimezone(IST).isoformat()


def _day(opens: datetime) -> date:
    return opens.astimezone(IST).date()
