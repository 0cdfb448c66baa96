"""Kite's binary ticks: bytes read off official samples, and whatever else may come."""

import struct
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.domain.market.ticks import DepthRow, TickMode
from munshi.infrastructure.brokers.kite.ticks import read_frame, read_packet
from munshi.infrastructure.brokers.simulator.kite_packets import (
    IndexState,
    TradableState,
    full_packet,
    index_full_packet,
    index_quote_packet,
    ltp_packet,
    pack_frame,
    quote_packet,
)

LTP_FRAME = bytes.fromhex("0001000800063a0100026683")
QUOTE_PACKET = bytes.fromhex(
    "00063a010002668300000001000265690011f1b20003e9ff00058037000264f30002673c000261c90002646c"
)
INDEX_FRAME = bytes.fromhex("0001001c0003e909002625d200264cb00025fe90002612180025d78000004e52")
# Fields of the official full sample: five of its ten book rows are not published, so are ours.
FULL = TradableState(
    token=408065,
    last_price=157370,
    last_quantity=7,
    average_price=157037,
    volume=1192471,
    buy_quantity=256443,
    sell_quantity=363009,
    open=156915,
    high=157500,
    low=156105,
    close=156780,
    traded_at=1625461887,
    oi=0,
    oi_high=0,
    oi_low=0,
    sent_at=1625461887,
    depth=[(5, 157340, 1), *[(0, 0, 0)] * 4, (172, 157370, 3), *[(0, 0, 0)] * 4],
)

u16 = st.integers(0, 2**16 - 1)
u32 = st.integers(0, 2**32 - 1)
tradables = st.builds(
    TradableState,
    **{name: u32 for name in TradableState.__dataclass_fields__ if name != "depth"},
    depth=st.lists(st.tuples(u32, u32, u16), min_size=10, max_size=10),
)
indices = st.builds(
    IndexState,
    **{name: u32 for name in IndexState.__dataclass_fields__ if name != "change"},
    change=st.integers(-(2**31), 2**31 - 1),
)


def test_the_golden_ltp_frame_is_infosys_at_1573_15() -> None:
    frame = read_frame(LTP_FRAME)

    [tick] = frame.ticks
    assert (tick.token, tick.mode, tick.last_price) == (408065, TickMode.LTP, Decimal("1573.15"))
    assert (tick.volume, tick.exchange_at, frame.refused) == (None, None, 0)
    assert pack_frame([ltp_packet(408065, 157315)]) == LTP_FRAME


def test_the_golden_quote_packet_is_read_field_by_field() -> None:
    tick = read_packet(QUOTE_PACKET)

    assert tick is not None
    assert (tick.token, tick.mode, tick.is_index) == (408065, TickMode.QUOTE, False)
    assert (tick.last_price, tick.last_quantity) == (Decimal("1573.15"), 1)
    assert (tick.average_price, tick.volume) == (Decimal("1570.33"), 1175986)
    assert (tick.buy_quantity, tick.sell_quantity) == (256511, 360503)
    assert (tick.open, tick.high) == (Decimal("1569.15"), Decimal("1575.00"))
    assert (tick.low, tick.close) == (Decimal("1561.05"), Decimal("1567.80"))
    assert (tick.oi, tick.exchange_at, tick.bids) == (None, None, ())


def test_the_golden_full_packet_has_184_bytes_a_book_and_utc_times() -> None:
    packet = full_packet(FULL)
    tick = read_packet(packet)

    assert len(packet) == 184
    assert tick is not None
    assert (tick.last_price, tick.volume) == (Decimal("1573.70"), 1192471)
    assert (tick.buy_quantity, tick.sell_quantity) == (256443, 363009)
    assert tick.traded_at == tick.exchange_at == datetime(2021, 7, 5, 5, 11, 27, tzinfo=UTC)
    assert (tick.oi, tick.oi_high, tick.oi_low) == (0, 0, 0)
    assert tick.bids[0] == DepthRow(Decimal("1573.40"), 5, 1)
    assert tick.offers[0] == DepthRow(Decimal("1573.70"), 172, 3)
    assert (len(tick.bids), len(tick.offers)) == (5, 5)


def test_the_golden_index_frame_has_high_and_low_before_the_open() -> None:
    [tick] = read_frame(INDEX_FRAME).ticks

    assert (tick.token, tick.mode, tick.is_index) == (256265, TickMode.QUOTE, True)
    assert tick.last_price == Decimal("25000.50")
    assert (tick.high, tick.low) == (Decimal(25100), Decimal(24900))
    assert (tick.open, tick.close) == (Decimal(24950), Decimal(24800))
    assert (tick.volume, tick.exchange_at) == (None, None)


@pytest.mark.parametrize(
    ("segment", "rupees"),
    [(1, "0.83"), (2, "0.83"), (3, "0.0000083"), (4, "0.83"), (5, "0.83"), (6, "0.0083"),
     (7, "0.83"), (8, "0.83"), (9, "0.83"), (12, "0.0083"), (200, "0.83")],
)  # fmt: skip
def test_the_segment_in_the_token_says_how_many_decimals_a_price_has(
    segment: int, rupees: str
) -> None:
    tick = read_packet(ltp_packet(1000 * 256 + segment, 83))

    assert tick is not None
    assert tick.last_price == Decimal(rupees)
    assert tick.is_index == (segment == 9)


def test_what_never_traded_has_no_time() -> None:
    tick = read_packet(full_packet(replace(FULL, traded_at=0, sent_at=0)))

    assert tick is not None
    assert (tick.traded_at, tick.exchange_at) == (None, None)


@given(tradables)
def test_what_a_broker_packs_of_a_share_is_read_back_whole(state: TradableState) -> None:
    frame = read_frame(
        pack_frame([ltp_packet(state.token, state.last_price), quote_packet(state),
                    full_packet(state)])
    )  # fmt: skip

    decimals = {3: 7, 6: 4, 12: 4}.get(state.token % 256, 2)

    def rupees(units: int) -> Decimal:
        return Decimal(units).scaleb(-decimals)

    ltp, quote, full = frame.ticks
    assert frame.refused == 0
    assert ltp.last_price == quote.last_price == full.last_price == rupees(state.last_price)
    for tick in (quote, full):
        assert (tick.open, tick.high, tick.low, tick.close, tick.average_price) == tuple(
            map(rupees, (state.open, state.high, state.low, state.close, state.average_price))
        )
        assert (tick.last_quantity, tick.volume, tick.buy_quantity, tick.sell_quantity) == (
            state.last_quantity, state.volume, state.buy_quantity, state.sell_quantity,
        )  # fmt: skip
    assert (full.oi, full.oi_high, full.oi_low) == (state.oi, state.oi_high, state.oi_low)
    for read, sent in ((full.traded_at, state.traded_at), (full.exchange_at, state.sent_at)):
        assert (int(read.timestamp()) if read else 0) == sent
    book = [(row.quantity, row.price, row.orders) for row in (*full.bids, *full.offers)]
    assert book == [(count, rupees(price), orders) for count, price, orders in state.depth]


@given(indices)
def test_what_a_broker_packs_of_an_index_is_read_back_whole(state: IndexState) -> None:
    state = replace(state, token=state.token - state.token % 256 + 9)
    frame = read_frame(pack_frame([index_quote_packet(state), index_full_packet(state)]))

    assert frame.refused == 0
    for tick in frame.ticks:
        assert tick.is_index
        units = (state.last_price, state.high, state.low, state.open, state.close)
        read = (tick.last_price, tick.high, tick.low, tick.open, tick.close)
        assert read == tuple(Decimal(unit) / 100 for unit in units)
    assert [t.mode for t in frame.ticks] == [TickMode.QUOTE, TickMode.FULL]
    sent = frame.ticks[1].exchange_at
    assert (int(sent.timestamp()) if sent else 0) == state.sent_at


def test_a_heartbeat_holds_nothing_and_is_no_fault() -> None:
    assert read_frame(b"\x00") == read_frame(b"\xff")
    assert (read_frame(b"\x00").ticks, read_frame(b"\x00").refused) == ((), 0)


@pytest.mark.parametrize("length", [0, 1, 7, 9, 12, 27, 29, 31, 33, 43, 45, 183, 185])
def test_a_packet_of_unknown_length_is_passed_over_and_its_neighbours_are_read(
    length: int,
) -> None:
    good = ltp_packet(408065, 157315)

    frame = read_frame(pack_frame([good, b"\x07" * length, good]))

    assert [tick.last_price for tick in frame.ticks] == [Decimal("1573.15")] * 2
    assert frame.refused == 1


def test_what_a_cut_message_still_announced_is_counted() -> None:
    whole = pack_frame([ltp_packet(408065, 157315), quote_packet(FULL), full_packet(FULL)])

    counts = [
        (len(f.ticks), f.refused) for f in (read_frame(whole[:n]) for n in (2, 3, 12, 50, 58))
    ]

    assert counts == [(0, 3), (0, 3), (1, 2), (1, 2), (2, 1)]
    assert (len(read_frame(whole).ticks), read_frame(whole).refused) == (3, 0)


def test_bytes_that_no_packet_announces_are_counted_once() -> None:
    frame = read_frame(LTP_FRAME + b"\x00\x01\x02")

    assert (len(frame.ticks), frame.refused) == (1, 1)
    assert read_frame(b"").refused == 1
    assert read_frame(b"\x00\x00").refused == 0


@given(st.binary(max_size=600))
def test_no_bytes_whatever_bring_the_reader_down(frame: bytes) -> None:
    read = read_frame(frame)

    assert read.refused >= 0
    assert len(read.ticks) * 10 <= max(len(frame) - 2, 0)


@given(tradables, st.integers(0, 200), u16)
def test_one_changed_pair_of_bytes_costs_no_more_than_the_message(
    state: TradableState, at: int, value: int
) -> None:
    whole = bytearray(pack_frame([full_packet(state), ltp_packet(408065, 1)]))
    struct.pack_into(">H", whole, at % (len(whole) - 2), value)

    read = read_frame(bytes(whole))

    assert len(read.ticks) <= 25
