"""One stream of prices from its start to its end: a line, and what is kept of what it brings."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from munshi.domain.enums import Service
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.instruments import Instrument
from munshi.domain.market.intervals import Interval
from munshi.domain.market.quotes import LastQuote, StreamState
from munshi.domain.market.ticks import TickMode
from munshi.errors import BrokerRequestError, InstrumentNotServedError
from munshi.infrastructure.brokers.breeze.stream import (
    MAX_ROOMS,
    BreezeRooms,
    open_breeze_stream,
)
from munshi.infrastructure.brokers.kite.stream import MAX_INSTRUMENTS, open_kite_stream
from munshi.streams.breeze_rooms import find_rooms
from munshi.streams.ground import StreamGround
from munshi.streams.line_keeper import LineKeeper, Patience
from munshi.streams.recorder import Heard, Streamed, StreamRecorder
from munshi.streams.steady_clock import SteadyClock
from munshi.streams.stream_store import StreamStore

_log = structlog.get_logger()
STOP_SECONDS = 20.0
# Breeze tells only when a trade was, which may be long ago: no reason to think its clock so late.
_BREEZE_LEAD = timedelta(seconds=-5)
_MOST: Mapping[Service, int] = {Service.KITE: MAX_INSTRUMENTS, Service.BREEZE: MAX_ROOMS}


def log_only(event: str, fields: Mapping[str, object]) -> None:
    """For a stream whose gaps nobody else wants to hear of."""
    _log.info("stream", what=event, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What shall be streamed, checked: `numbers` are what the ticks of each instrument carry."""

    broker: Service
    instruments: tuple[Instrument, ...]
    numbers: tuple[int, ...]
    rooms: BreezeRooms | None = None


class PriceStream:
    """Open while its line's thread runs. The caller calls `tick` once a second."""

    def __init__(self, keeper: LineKeeper[Any], recorder: StreamRecorder) -> None:
        self._keeper = keeper
        self._recorder = recorder
        self._failure: BaseException | None = None
        self.is_over = threading.Event()

    def run(self) -> None:
        """The line's thread."""
        try:
            self._keeper.run()
        except BaseException as failure:  # noqa: BLE001 - raised again by `tick`
            self._failure = failure
        finally:
            self.is_over.set()

    def tick(self) -> StreamState:
        """Store and tell what came. Raises what ended the line, such as a rejected login."""
        self._recorder.flush()
        if self._failure is not None:
            raise self._failure
        return self._recorder.state()

    def state(self) -> StreamState:
        return self._recorder.state(is_over=self.is_over.is_set())

    def quotes(self) -> list[LastQuote]:
        """The newest of each instrument that has had one, in this stream."""
        return self._recorder.last()


def check_wanted(ground: StreamGround, broker: Service, names: Sequence[str]) -> Wanted:
    """Find what is named; asks Breeze for its list of codes if it needs one that is not stored.

    Raises InstrumentUnknownError, InstrumentNotServedError, BrokerRequestError.
    """
    found = {instrument.ref: instrument for instrument in map(ground.find, names)}
    instruments = tuple(found.values())
    if len(instruments) > _MOST[broker]:
        raise BrokerRequestError(
            f"{broker.capitalize()} streams {_MOST[broker]} instruments on a connection, "
            f"not {len(instruments)}.",
            hint="Name fewer.",
        )
    if broker is Service.BREEZE:
        rooms = find_rooms(instruments, security_master=ground.security_master)
        numbers = tuple(range(1, len(instruments) + 1))
        return Wanted(
            broker=broker,
            instruments=instruments,
            numbers=numbers,
            rooms=BreezeRooms(dict(zip(numbers, rooms, strict=True))),
        )
    tokens = [instrument.kite_token for instrument in instruments]
    for instrument, token in zip(instruments, tokens, strict=True):
        if token is None:
            raise InstrumentNotServedError(
                f"Kite lists no {instrument.ref}.",
                hint="munshi data instruments --refresh kite",
            )
    return Wanted(
        broker=broker,
        instruments=instruments,
        numbers=tuple(token for token in tokens if token is not None),
    )


@contextmanager
def open_price_stream(
    ground: StreamGround,
    wanted: Wanted,
    *,
    heard: Heard = log_only,
    wait_for_login: bool,
    patience: Patience | None = None,
) -> Iterator[PriceStream]:
    """Stream for as long as it is used; what is forming at the end is stored as not whole.

    Returns at once: until the line stands there is a gap. `heard` is called in another thread.
    """
    steady, stop = SteadyClock(ground.clock), threading.Event()
    source = ground.origin(wanted.broker).source
    keys = {
        number: CandleKey(
            mode=ground.mode,
            source=source,
            exchange=each.exchange,
            instrument=each.tradingsymbol,
            interval=Interval.ONE_MINUTE,
        )
        for number, each in zip(wanted.numbers, wanted.instruments, strict=True)
    }
    recorder = StreamRecorder(
        Streamed(broker=wanted.broker, keys=keys),
        clock=steady,
        desk_clock=ground.clock,
        quotes=ground.quotes,
        store=StreamStore(ground.database, ground.clock),
        heard=heard,
        least_lead=None if wanted.rooms is None else _BREEZE_LEAD,
    )
    login, opener = _line_of(ground, wanted)
    keeper = LineKeeper(
        steady,
        login=login,
        opener=opener,
        modes=dict.fromkeys(wanted.numbers, TickMode.FULL),
        sink=recorder,
        stop=stop,
        patience=patience,
        wait_for_login=wait_for_login,
    )
    stream = PriceStream(keeper, recorder)
    thread = threading.Thread(target=stream.run, name="price-stream", daemon=True)
    thread.start()
    try:
        yield stream
    finally:
        stop.set()
        thread.join(STOP_SECONDS)
        recorder.end()


def _line_of(ground: StreamGround, wanted: Wanted) -> tuple[Any, Any]:
    """How the broker's login is used, and its line opened."""
    if wanted.rooms is None:
        return ground.kite, partial(
            open_kite_stream,
            endpoints=ground.kite_endpoints,
            gate=ground.gate,
            guard=ground.guard,
        )
    return ground.breeze, partial(
        open_breeze_stream,
        endpoints=ground.breeze_endpoints,
        rooms=wanted.rooms,
        gate=ground.gate,
        guard=ground.guard,
    )
