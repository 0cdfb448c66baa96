"""How streamed prices are shown: a table that is drawn again, or one JSON line an event."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol

from rich.live import Live
from rich.table import Table

from munshi.cli.output import print_json_line, print_mode
from munshi.cli.quote_text import show_age
from munshi.domain.market.quotes import LastQuote, StreamState
from munshi.streams.job import describe

_SHOWN = (
    *("instrument", "broker", "is_provisional", "last_price", "open", "high", "low", "close"),
    *("volume", "oi", "best_bid", "best_offer", "traded_at", "seen_at"),
)


class Board(Protocol):
    """What `munshi stream` shows."""

    def hear(self, event: str, fields: Mapping[str, object]) -> None:
        """A gap or a message; called in the stream's thread."""
        ...

    def show(self, quotes: Sequence[LastQuote], state: StreamState, *, now: datetime) -> None: ...


@contextmanager
def open_board(mode: str, *, as_json: bool) -> Iterator[Board]:
    if as_json:
        yield _Lines(mode)
        return
    print_mode(mode)
    with Live(refresh_per_second=2) as live:
        yield _Live(live, mode)
    if not live.console.is_terminal:
        live.console.line()


class _Lines:
    """A price that has not changed is not repeated."""

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self._heard: deque[dict[str, object]] = deque()
        self._seen: dict[str, LastQuote] = {}

    def hear(self, event: str, fields: Mapping[str, object]) -> None:
        self._heard.append({"event": event, **fields})

    def show(self, quotes: Sequence[LastQuote], _: StreamState, *, now: datetime) -> None:
        while self._heard:
            print_json_line({"mode": self._mode, **self._heard.popleft(), "at": now})
        for quote in quotes:
            if self._seen.get(quote.instrument) != quote:
                self._seen[quote.instrument] = quote
                print_json_line({"mode": self._mode, "event": "quote", **_document(quote)})


class _Live:
    def __init__(self, live: Live, mode: str) -> None:
        self._live = live
        self._mode = mode

    def hear(self, event: str, fields: Mapping[str, object]) -> None:
        """Messages of the broker are kept above the table; a gap is told below it."""
        if event == "broker_said":
            self._live.console.print(f"{fields['kind']}: {fields['said']}", markup=False)

    def show(self, quotes: Sequence[LastQuote], state: StreamState, *, now: datetime) -> None:
        self._live.update(_table(quotes, state, mode=self._mode, now=now))


def _table(quotes: Sequence[LastQuote], state: StreamState, *, mode: str, now: datetime) -> Table:
    table = Table(title=f"{state.broker} stream ({mode}), provisional", caption=describe(state))
    for name in ("instrument", "last", "change", "bid", "offer", "volume", "age"):
        table.add_column(name, justify="left" if name == "instrument" else "right")
    for quote in quotes:
        change = quote.last_price - quote.close if quote.close else None
        table.add_row(
            quote.instrument,
            f"{quote.last_price:f}",
            "" if change is None else f"{change:+.2f}",
            *("" if each is None else f"{each:f}" for each in (quote.best_bid, quote.best_offer)),
            "" if quote.volume is None else f"{quote.volume:,}",
            show_age(max(now - quote.seen_at, timedelta())),
        )
    return table


def _document(quote: LastQuote) -> dict[str, Any]:
    return {name: getattr(quote, name) for name in _SHOWN}
