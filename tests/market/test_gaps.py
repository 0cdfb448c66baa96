"""What is missing of a series is told with its reason, and never for what is held."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from clocks import FakeClock
from desks import TESTER, Desk, open_desk
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.jobs import DATA_COLLECTION
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candle_gaps import MissingReason
from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import Instrument
from munshi.domain.market.intervals import Interval
from munshi.errors import BrokerThrottledError, BrokerUnavailableError
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.synthetic_candles import SyntheticCandles
from munshi.market.gaps import HeldDay
from munshi.settings import BrokerMode, Settings
from simulators import A_TRADING_MORNING, Simulator

FIRST, LAST = date(2026, 11, 16), date(2026, 11, 19)
EMPTY, TORN = date(2026, 11, 17), date(2026, 11, 18)


class Holed:
    """Candles of which one day is empty, and one has its first fifty minutes lost."""

    label = "synthetic"

    def __init__(self) -> None:
        self._whole = SyntheticCandles(MarketCalendar.packaged())
        self.first_day, self.last_day = self._whole.first_day, self._whole.last_day
        self.is_mended = False

    def minutes(self, instrument: Instrument, day: date) -> Sequence[Candle]:
        bars = self._whole.minutes(instrument, day)
        if self.is_mended:
            return bars
        if day == EMPTY:
            return ()
        return bars[50:] if day == TORN else bars

    def closing(self, instrument: Instrument, day: date) -> int | None:
        return self._whole.closing(instrument, day)


@pytest.fixture
def holes() -> Holed:
    return Holed()


@pytest.fixture
def holed_desk(desk_settings: Settings, tmp_path: Path, holes: Holed) -> Iterator[Desk]:
    simulator = Simulator(tmp_path, FakeClock(A_TRADING_MORNING), candles=holes)
    with open_desk(desk_settings, simulator) as opened:
        yield opened
    simulator.stop()


def asked_of(broker: Service, start: date = FIRST) -> CollectionParams:
    return CollectionParams(
        broker=broker,
        instruments=("NSE:NIFTY 50",),
        interval=Interval.FIVE_MINUTES,
        start=start,
        end=LAST,
    )


def collect(desk: Desk, broker: Service = Service.KITE, start: date = FIRST) -> None:
    desk.services.collection.collect(asked_of(broker, start), progress=lambda *_: None)


def days(
    desk: Desk, broker: str = "kite", *, start: date = FIRST, expires: bool = False
) -> dict[date, HeldDay]:
    key = CandleKey(
        mode=BrokerMode.SIMULATED,
        source=broker,
        exchange="NSE",
        instrument="NIFTY 50",
        interval=Interval.FIVE_MINUTES,
    )
    found = desk.services.gaps.days(
        key, segment=Segment.CASH, start=start, end=LAST, expires=expires
    )
    return {one.day: one for one in found}


def test_days_that_nobody_asked_for_are_missing_without_a_reason(desk: Desk) -> None:
    found = days(desk)
    assert list(found) == [date(2026, 11, day) for day in (16, 17, 18, 19)]
    assert {(one.expected, one.present, one.reason) for one in found.values()} == {(75, 0, None)}


def test_what_the_broker_had_nothing_or_only_a_part_of_is_told(holed_desk: Desk) -> None:
    holed_desk.log_in(Service.KITE)
    job = holed_desk.services.jobs.enqueue(
        DATA_COLLECTION, asked_of(Service.KITE).to_json(), actor=TESTER
    )
    holed_desk.services.worker().run_until_idle()

    found = days(holed_desk)

    assert {day: one.reason for day, one in found.items() if not one.is_complete} == {
        EMPTY: MissingReason.NOTHING_RETURNED,
        TORN: MissingReason.PARTIAL,
    }
    assert (found[TORN].expected, found[TORN].present) == (75, 65)
    seen = found[EMPTY].seen
    assert seen is not None
    assert seen.job_id == job.job_id


def test_a_day_that_came_later_is_missing_no_more(holed_desk: Desk, holes: Holed) -> None:
    holed_desk.log_in(Service.KITE)
    collect(holed_desk)
    holes.is_mended = True

    collect(holed_desk)

    assert all(one.is_complete and one.seen is None for one in days(holed_desk).values())


def test_days_before_the_first_bar_of_a_contract_were_not_yet_traded(holed_desk: Desk) -> None:
    holed_desk.log_in(Service.KITE)
    collect(holed_desk, start=EMPTY)

    assert days(holed_desk, start=EMPTY)[EMPTY].reason is MissingReason.NOTHING_RETURNED
    told = days(holed_desk, start=EMPTY, expires=True)
    assert told[EMPTY].reason is MissingReason.NOT_YET_TRADED
    assert told[TORN].reason is MissingReason.PARTIAL


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        (FaultKind.THROTTLE, BrokerThrottledError, MissingReason.QUOTA),
        (FaultKind.DAILY_LIMIT, BrokerThrottledError, MissingReason.QUOTA),
        (FaultKind.HTML, BrokerUnavailableError, MissingReason.ERROR),
    ],
)
def test_what_could_not_be_asked_is_told_with_the_error(
    desk: Desk, fault: FaultKind, error: type[Exception], reason: MissingReason
) -> None:
    desk.log_in(Service.BREEZE)
    desk.simulator.fault(fault, service="breeze")

    with pytest.raises(error):
        collect(desk, Service.BREEZE)

    found = days(desk, "breeze")
    assert {one.reason for one in found.values()} == {reason}
    assert all(one.seen is not None and one.seen.gap.detail for one in found.values())
