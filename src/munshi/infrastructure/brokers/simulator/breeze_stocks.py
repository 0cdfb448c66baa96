"""What the simulated market looks like on Breeze's sockets: lists by position, and CSV for bars."""

import re
from collections.abc import Sequence
from datetime import datetime

from munshi.clock import IST
from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.infrastructure.brokers.simulator.bars import MINUTE
from munshi.infrastructure.brokers.simulator.market import Market, Snapshot

# `X.Y!token`: exchange, kind of feed, and the exchange's token, or the name of an index.
ROOM = re.compile(r"(\d{1,2})\.([12])!(.{1,40})")
QUOTES, DEPTH = "1", "2"
_EXCHANGES = {"1": {"BSE"}, "4": {"NSE", "NFO"}, "8": {"BFO"}, "2": {"BFO"}}
_TICK = 500
_STEPS = 5
_CRORE = 10_000_000
_RIGHTS = {InstrumentKind.CALL: "CE", InstrumentKind.PUT: "PE"}


def instrument_of(market: Market, room: str) -> Instrument | None:
    """None for a room in which nothing is ever said."""
    found = ROOM.fullmatch(room)
    if found is None:
        return None
    exchange, _, token = found.groups()
    exchanges = _EXCHANGES.get(exchange, set())
    return next(
        (
            each
            for each in market.listing().instruments
            if each.exchange in exchanges and token in {_token(each), each.tradingsymbol}
        ),
        None,
    )


def stock_of(market: Market, instrument: Instrument, room: str) -> list[object] | None:
    """The `stock` payload a room shows now; None for what has no prices."""
    snapshot = market.snapshot(instrument)
    if snapshot is None:
        return None
    closes = snapshot.last.opens + MINUTE
    at = min(int(market.now().timestamp()), int(closes.timestamp()) - 1)
    kind = ROOM.fullmatch(room)
    if kind is not None and kind[2] == DEPTH:
        return [room, at, _depth(instrument, snapshot)]
    return _quote(instrument, snapshot, room, at=at)


def bar_text(instrument: Instrument, bar: Candle, *, interval: str) -> str:
    """Low before high, then open and close; a contract has its terms before and interest after."""
    prices = [_rupees(price) for price in (bar.low, bar.high, bar.open, bar.close)]
    parts: list[object] = [instrument.exchange, instrument.breeze_code]
    if instrument.expiry is not None:
        parts.append(f"{instrument.expiry:%d-%b-%Y}")
    if instrument.kind.is_option:
        parts += [f"{instrument.strike:f}", _RIGHTS[instrument.kind]]
    parts += [*prices, bar.volume]
    if instrument.kind.is_derivative:
        parts.append(bar.oi or 0)
    return ",".join(map(str, [*parts, _wall(bar.opens), interval]))


def _quote(instrument: Instrument, snapshot: Snapshot, room: str, *, at: int) -> list[object]:
    """21 places, nulls where an index has nothing; a contract has interest and its change more."""
    day, last, before = snapshot.day, snapshot.last.close, snapshot.previous_close
    is_index = instrument.kind is InstrumentKind.INDEX
    head: list[object] = [
        room,
        _rupees(day.open),
        _rupees(last),
        _rupees(day.high),
        _rupees(day.low),
        round((last - before) / before * 100, 2),
    ]
    book: list[object] = [None] * 6
    interest: list[object] = []
    traded: list[object] = [None] * 4
    if not is_index:
        book = [
            *(_rupees(max(last - _TICK, _TICK)), 125, _rupees(last + _TICK), 100, 1),
            _rupees((day.high + day.low) // 2),
        ]
        worth = last / PRICE_SCALE * day.volume / _CRORE
        traded = [day.volume, 2500, 2600, f"{worth:.2f}C"]
    if instrument.kind.is_derivative:
        now = day.oi or 0
        interest = [now, now - snapshot.oi_low]
    limits: list[object] = [None, None]
    if not is_index:
        limits = [_rupees(before * 9 // 10), _rupees(before * 11 // 10)]
    return [*head, *book, *interest, *traded, "", *limits, at, _rupees(before)]


def _depth(instrument: Instrument, snapshot: Snapshot) -> list[Sequence[object]]:
    last = snapshot.last.close
    bids = [_rupees(max(last - _TICK * step, _TICK)) for step in range(1, _STEPS + 1)]
    offers = [_rupees(last + _TICK * step) for step in range(1, _STEPS + 1)]
    pairs = list(zip(bids, offers, strict=True))
    if instrument.exchange == "BSE":
        return [[bid, 25 * n, offer, 20 * n] for n, (bid, offer) in enumerate(pairs, 1)]
    return [[bid, 25 * n, n, "", offer, 20 * n, n, ""] for n, (bid, offer) in enumerate(pairs, 1)]


def _token(instrument: Instrument) -> str:
    return "" if instrument.kite_token is None else str(instrument.kite_token // 256)


def _rupees(price: int) -> float:
    return price / PRICE_SCALE


def _wall(instant: datetime) -> str:
    return instant.astimezone(IST).strftime("%Y-%m-%d %H:%M:%S")
