"""Candles and coverage drawn in a terminal."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import polars as pl
from rich.text import Text

from munshi.clock import IST
from munshi.domain.market.candles import Candle, to_rupees
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import to_candles
from munshi.market.quality import Coverage, DayCoverage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Glyphs:
    rising: str
    falling: str
    wick: str
    rail: str
    whole: str
    partly: str
    nothing: str


_BLOCKS = _Glyphs(rising="█", falling="░", wick="│", rail="┤", whole="█", partly="▒", nothing="·")
_ASCII = _Glyphs(rising="#", falling="o", wick=":", rail="|", whole="#", partly="+", nothing=".")
_RISING_STYLE = "green"
_FALLING_STYLE = "red"
_LABEL_EVERY = 4
_MOST_COLUMNS = 400


def draw_candles(
    frame: pl.DataFrame, *, interval: Interval, width: int, height: int, ascii_only: bool
) -> Text:
    """The last bars that fit, one a column, without the nights between them.

    Rising bars differ from falling ones by their glyph too, so that nothing is lost where the
    console shows no colour.
    """
    if frame.is_empty():
        return Text("No candles.")
    glyphs = _ASCII if ascii_only else _BLOCKS
    margin = max(len(_rupees(price)) for price in frame["high"].tail(_MOST_COLUMNS)) + 1
    columns = max(1, min(width - margin - 1, _MOST_COLUMNS))
    bars = list(to_candles(frame.tail(columns)))
    scale = _Scale(low=min(b.low for b in bars), high=max(b.high for b in bars), rows=height)
    picture = Text(no_wrap=True)
    for row in reversed(range(height)):
        labelled = row % _LABEL_EVERY == 0 or row == height - 1
        label = _rupees(scale.price_at(row)) if labelled else ""
        picture.append(f"{label:>{margin - 1}} {glyphs.rail}")
        for bar in bars:
            picture.append_text(_cell(bar, row, scale=scale, glyphs=glyphs))
        picture.append("\n")
    picture.append(" " * (margin + 1) + _time_axis(bars, interval))
    return picture


def draw_coverage(coverage: Coverage, *, ascii_only: bool) -> Text:
    """A line a month, a glyph a trading day, and what the glyphs mean."""
    glyphs = _ASCII if ascii_only else _BLOCKS
    picture = Text(no_wrap=True)
    for month, grouped in groupby(coverage.days, key=lambda day: f"{day.day:%b %Y}"):
        days = list(grouped)
        line = "".join(_day_glyph(day, glyphs) for day in days)
        present, expected = sum(d.present for d in days), sum(d.expected for d in days)
        picture.append(f"{month}  {line:<24}{present:>7,} of {expected:>6,} bars\n")
    picture.append(
        f"{glyphs.whole} whole day   {glyphs.partly} part of a day   {glyphs.nothing} nothing"
    )
    return picture


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    low: int
    high: int
    rows: int

    def row_of(self, price: int) -> int:
        span = max(1, self.high - self.low)
        return round((price - self.low) * (self.rows - 1) / span)

    def price_at(self, row: int) -> int:
        return self.low + row * (self.high - self.low) // max(1, self.rows - 1)


def _cell(bar: Candle, row: int, *, scale: _Scale, glyphs: _Glyphs) -> Text:
    rises = bar.close >= bar.open
    style = _RISING_STYLE if rises else _FALLING_STYLE
    body = sorted((scale.row_of(bar.open), scale.row_of(bar.close)))
    if body[0] <= row <= body[1]:
        return Text(glyphs.rising if rises else glyphs.falling, style=style)
    if scale.row_of(bar.low) <= row <= scale.row_of(bar.high):
        return Text(glyphs.wick, style=style)
    return Text(" ")


def _time_axis(bars: Iterable[Candle], interval: Interval) -> str:
    """Each new day under its first bar, each new month for daily bars, where there is room."""
    form = "%b %Y" if interval.is_daily else "%d %b"
    axis = ""
    for column, stamp in _changes((bar.opens.astimezone(IST) for bar in bars), form):
        if not axis or column > len(axis):
            axis = axis.ljust(column) + stamp
    return axis


def _changes(stamps: Iterable[datetime], form: str) -> Iterator[tuple[int, str]]:
    for label, group in groupby(enumerate(stamps), key=lambda item: item[1].strftime(form)):
        yield next(group)[0], label


def _day_glyph(day: DayCoverage, glyphs: _Glyphs) -> str:
    if not day.present:
        return glyphs.nothing
    return glyphs.whole if day.present == day.expected else glyphs.partly


def _rupees(price: int) -> str:
    return f"{to_rupees(price):,.2f}"
