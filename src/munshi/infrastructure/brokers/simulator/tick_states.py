"""What the simulated market looks like to Kite's ticker at one moment."""

from munshi.domain.market.candles import PRICE_SCALE
from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.infrastructure.brokers.simulator.bars import MINUTE
from munshi.infrastructure.brokers.simulator.kite_packets import (
    LEVELS,
    IndexState,
    TradableState,
    full_packet,
    index_full_packet,
    index_quote_packet,
    ltp_packet,
    quote_packet,
)
from munshi.infrastructure.brokers.simulator.market import Market, Snapshot

TICK_PAISE = 5
PAISE = PRICE_SCALE // 100


def packet_of(market: Market, instrument: Instrument, *, mode: str) -> bytes | None:
    """The packet an instrument shows now; None for what has no prices."""
    snapshot = market.snapshot(instrument)
    token = instrument.kite_token
    if snapshot is None or token is None:
        return None
    if mode == "ltp":
        return ltp_packet(token, snapshot.last.close // PAISE)
    # The bar that is forming is sent as of now, a finished one as of its last second.
    closes = snapshot.last.opens + MINUTE
    at = min(int(market.now().timestamp()), int(closes.timestamp()) - 1)
    if instrument.kind is InstrumentKind.INDEX:
        index = _index(token, snapshot, at=at)
        return index_full_packet(index) if mode == "full" else index_quote_packet(index)
    tradable = _tradable(token, snapshot, at=at)
    return full_packet(tradable) if mode == "full" else quote_packet(tradable)


def _index(token: int, snapshot: Snapshot, *, at: int) -> IndexState:
    day, last = snapshot.day, snapshot.last.close // PAISE
    return IndexState(
        token=token,
        last_price=last,
        high=day.high // PAISE,
        low=day.low // PAISE,
        open=day.open // PAISE,
        close=snapshot.previous_close // PAISE,
        change=last - snapshot.previous_close // PAISE,
        sent_at=at,
    )


def _tradable(token: int, snapshot: Snapshot, *, at: int) -> TradableState:
    day, last = snapshot.day, snapshot.last.close // PAISE
    rows = [
        (25 * (6 - level), max(last + sign * TICK_PAISE * level, TICK_PAISE), level)
        for sign in (-1, 1)
        for level in range(1, LEVELS + 1)
    ]
    return TradableState(
        token=token,
        last_price=last,
        last_quantity=1,
        average_price=(day.high + day.low) // 2 // PAISE,
        volume=day.volume,
        buy_quantity=sum(quantity for quantity, _, _ in rows[:LEVELS]),
        sell_quantity=sum(quantity for quantity, _, _ in rows[LEVELS:]),
        open=day.open // PAISE,
        high=day.high // PAISE,
        low=day.low // PAISE,
        close=snapshot.previous_close // PAISE,
        traded_at=at,
        oi=day.oi or 0,
        oi_high=snapshot.oi_high,
        oi_low=snapshot.oi_low,
        sent_at=at,
        depth=rows,
    )
