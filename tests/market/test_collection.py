"""Collecting from the simulated brokers: complete, once, in requests they answer in full."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from clocks import FakeClock
from desks import TESTER, Desk, open_desk
from made_candles import ist
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.jobs import DATA_COLLECTION, Job, JobState
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import Instrument, InstrumentKind, InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.errors import (
    AppError,
    DateRangeInvalidError,
    InstrumentNotServedError,
    InstrumentUnknownError,
    IntervalUnknownError,
    LoginNeededError,
)
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.synthetic_candles import SyntheticCandles
from munshi.settings import Settings
from simulators import A_TRADING_MORNING, Simulator

NIFTY, BANKNIFTY = "NSE:NIFTY 50", "NSE:NIFTY BANK"
BARS_A_DAY = 75
# 20 Nov 2026 is a Friday, and it is 10:30:30 IST: 15 five-minute bars have closed today.
TODAY = date(2026, 11, 20)
BARS_TODAY = 15
FIRST = date(2026, 10, 21)


def params(
    broker: Service = Service.KITE,
    *instruments: str,
    interval: Interval = Interval.FIVE_MINUTES,
    start: date = FIRST,
    end: date = TODAY,
) -> CollectionParams:
    return CollectionParams(
        broker=broker,
        instruments=instruments or (NIFTY,),
        interval=interval,
        start=start,
        end=end,
    )


def collect(desk: Desk, asked: CollectionParams) -> dict[str, Any]:
    return desk.services.collection.collect(asked, progress=lambda *_: None)


def history_calls(desk: Desk, service: Service) -> int:
    asked = desk.simulator.arrivals(service=service)
    return sum("historical" in arrival.path for arrival in asked)


def stored(
    desk: Desk, name: str = NIFTY, interval: Interval = Interval.FIVE_MINUTES
) -> pl.DataFrame:
    page = desk.services.candles.page(InstrumentRef.parse(name), interval, limit=100_000)
    return page.frame


@pytest.mark.parametrize("broker", Service)
def test_twenty_trading_days_and_more_come_whole_from_either_broker(
    desk: Desk, broker: Service
) -> None:
    desk.log_in(broker)
    days = desk.services.calendar.calendar().trading_days(FIRST, TODAY)

    report = collect(desk, params(broker, NIFTY, BANKNIFTY))

    expected = (len(days) - 1) * BARS_A_DAY + BARS_TODAY
    assert len(days) >= 21
    assert [part["bars_present"] for part in report["instruments"]] == [expected, expected]
    assert [part["bars_expected"] for part in report["instruments"]] == [expected, expected]
    assert report["rows_added"] == 2 * expected
    assert (report["label"], report["mode"]) == ("simulated: synthetic", "simulated")
    assert all(part["missing_days"] == [] == part["gaps"] for part in report["instruments"])


@pytest.mark.parametrize("broker", Service)
def test_a_second_run_asks_nothing_and_changes_nothing(desk: Desk, broker: Service) -> None:
    desk.log_in(broker)
    collect(desk, params(broker))
    before = desk.services.candles.coverage()
    asked = history_calls(desk, broker)

    report = collect(desk, params(broker))

    assert history_calls(desk, broker) == asked
    assert (report["requests"], report["rows_added"], report["rows_changed"]) == (0, 0, 0)
    assert desk.services.candles.coverage() == before


def test_later_bars_of_the_day_are_all_that_is_asked_for_later(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    collect(desk, params())
    desk.clock.advance(timedelta(minutes=10))

    report = collect(desk, params())

    assert (report["requests"], report["rows_added"]) == (1, 2)


def test_the_forming_bar_is_dropped(desk: Desk) -> None:
    desk.log_in(Service.KITE)

    report = collect(desk, params(start=TODAY))

    assert stored(desk)["opens"][-1] == ist("2026-11-20 10:25")
    assert report["instruments"][0]["rows_refused"] == {"not closed yet": 1}


@pytest.mark.parametrize(
    ("interval", "bars_a_day"), [(Interval.ONE_MINUTE, 375), (Interval.THIRTY_MINUTES, 13)]
)
def test_no_breeze_answer_is_cut(desk: Desk, interval: Interval, bars_a_day: int) -> None:
    """Days far apart must not become one request for all between them."""
    desk.log_in(Service.BREEZE)
    days = desk.services.calendar.calendar().trading_days(date(2026, 11, 4), date(2026, 11, 17))
    for day in days[1:-1:2]:
        collect(desk, params(Service.BREEZE, interval=interval, start=day, end=day))

    report = collect(desk, params(Service.BREEZE, interval=interval, start=days[0], end=days[-1]))

    [part] = report["instruments"]
    assert part["bars_present"] == part["bars_expected"] == bars_a_day * len(days)


def test_both_brokers_agree_and_are_kept_apart(desk: Desk) -> None:
    desk.log_in_everywhere()

    for broker in Service:
        collect(desk, params(broker))

    kite, breeze = (
        desk.services.candles.page(
            InstrumentRef.parse(NIFTY), Interval.FIVE_MINUTES, source=source, limit=5000
        )
        for source in ("kite", "breeze")
    )
    assert kite.frame.drop("oi", "volume").equals(breeze.frame.drop("oi", "volume"))
    assert (kite.key.source, breeze.key.source) == ("kite", "breeze")
    assert (kite.label, breeze.label) == ("simulated: synthetic", "simulated: synthetic")


class Holed:
    """Candles with some missing, as brokers' own are at times."""

    label = "synthetic"
    first_day: date | None = None
    last_day: date | None = None

    def __init__(self) -> None:
        self._whole = SyntheticCandles(MarketCalendar.packaged())
        self.first_day, self.last_day = self._whole.first_day, self._whole.last_day

    def minutes(self, instrument: Instrument, day: date) -> Sequence[Candle]:
        if day == date(2026, 11, 17):
            return ()
        lost = {
            ist(f"2026-11-18 {hour}:{minute:02}") + timedelta(minutes=n)
            for hour, minute in ((11, 0), (11, 5), (13, 30))
            for n in range(5)
        }
        return [bar for bar in self._whole.minutes(instrument, day) if bar.opens not in lost]

    def closing(self, instrument: Instrument, day: date) -> int | None:
        return self._whole.closing(instrument, day)


@pytest.fixture
def holed_desk(desk_settings: Settings, tmp_path: Path) -> Iterator[Desk]:
    simulator = Simulator(tmp_path, FakeClock(A_TRADING_MORNING), candles=Holed())
    with open_desk(desk_settings, simulator) as opened:
        yield opened
    simulator.stop()


def test_a_hole_in_the_brokers_data_is_reported_and_not_filled(holed_desk: Desk) -> None:
    holed_desk.log_in(Service.KITE)

    report = collect(holed_desk, params(start=date(2026, 11, 16), end=date(2026, 11, 19)))

    [part] = report["instruments"]
    stamps = set(stored(holed_desk)["opens"])
    assert part["missing_days"] == ["2026-11-17"]
    assert [(gap["first"], gap["bars"]) for gap in part["gaps"]] == [
        ("2026-11-18T05:30:00+00:00", 2),
        ("2026-11-18T08:00:00+00:00", 1),
    ]
    assert part["bars_expected"] - part["bars_present"] == BARS_A_DAY + 3
    assert ist("2026-11-18 11:10") in stamps
    assert not {ist("2026-11-18 11:00"), ist("2026-11-18 13:30")} & stamps


def test_what_a_hole_lost_is_asked_for_again_and_nothing_else(holed_desk: Desk) -> None:
    holed_desk.log_in(Service.KITE)
    collect(holed_desk, params())

    report = collect(holed_desk, params())

    assert (report["requests"], report["rows_added"], report["rows_changed"]) == (1, 0, 0)


def run_job(desk: Desk, asked: CollectionParams) -> Job:
    job = desk.services.jobs.enqueue(DATA_COLLECTION, asked.to_json(), actor=TESTER)
    desk.services.worker().run_until_idle()
    return desk.services.jobs.get(job.job_id)


def test_a_collection_is_a_job_whose_result_is_the_report(desk: Desk) -> None:
    desk.log_in(Service.KITE)

    job = run_job(desk, params())

    assert job.state is JobState.SUCCEEDED
    assert job.result_data is not None
    assert job.result_data["rows_added"] == stored(desk).height
    assert job.progress_percent == 100


def test_a_throttle_storm_is_waited_out(desk: Desk) -> None:
    desk.log_in(Service.BREEZE)
    desk.simulator.fault(FaultKind.THROTTLE, service="breeze", count=6)
    began = desk.clock.now()
    said: list[str] = []

    report = desk.services.collection.collect(
        params(Service.BREEZE, end=date(2026, 11, 19)),
        progress=lambda _, message: said.append(message),
    )

    assert report["instruments"][0]["missing_day_count"] == 0
    assert desk.clock.now() - began >= timedelta(minutes=6)
    assert any(message.startswith("Waiting 60 seconds: Breeze said") for message in said)


def test_a_storm_that_does_not_end_is_given_up_and_tried_again_later(desk: Desk) -> None:
    desk.log_in(Service.BREEZE)
    desk.simulator.fault(FaultKind.THROTTLE, service="breeze")
    asked = params(Service.BREEZE, end=date(2026, 11, 19)).to_json()
    job_id = desk.services.jobs.enqueue(DATA_COLLECTION, asked, actor=TESTER).job_id
    # The job waits for minutes of the test's clock, while its worker's keeper waits for seconds.
    patient = desk.services.settings.model_copy(update={"lease_seconds": 7200.0})

    replace(desk.services, settings=patient).worker().run_until_idle()

    job = desk.services.jobs.get(job_id)
    assert job.state is JobState.SCHEDULED
    assert "Limit exceed" in (job.error_details or "")


def test_a_login_that_ends_in_the_middle_pauses_the_job_and_keeps_what_was_fetched(
    desk: Desk,
) -> None:
    desk.log_in(Service.BREEZE)
    asked = params(Service.BREEZE, NIFTY, BANKNIFTY)
    desk.services.collection.collect(
        params(Service.BREEZE, NIFTY, start=date(2026, 11, 16)), progress=lambda *_: None
    )
    kept = stored(desk).height
    desk.simulator.fault(FaultKind.EXPIRED_TOKEN, service="breeze", count=1)

    paused = run_job(desk, asked)

    assert paused.state is JobState.PAUSED
    assert "/auth/breeze/start?ticket=" in (paused.message or "")
    assert stored(desk).height == kept

    desk.log_in(Service.BREEZE)
    desk.services.worker().run_until_idle()

    assert desk.services.jobs.get(paused.job_id).state is JobState.SUCCEEDED
    assert stored(desk).height == stored(desk, BANKNIFTY).height > kept


def test_without_a_login_a_job_waits_for_one(desk: Desk) -> None:
    paused = run_job(desk, params())

    assert paused.state is JobState.PAUSED
    with pytest.raises(LoginNeededError):
        collect(desk, params())


@pytest.mark.parametrize("broker", Service)
def test_futures_and_options_are_collected_for_as_long_as_they_live(
    desk: Desk, broker: Service
) -> None:
    desk.log_in(broker)
    desk.services.instruments.refresh(broker, actor=TESTER)
    listed = desk.services.instruments.list(exchange="NFO", underlying="NIFTY", limit=1000)
    future = next(one for one in listed.instruments if one.kind is InstrumentKind.FUTURE)
    call = next(one for one in listed.instruments if one.kind is InstrumentKind.CALL)

    report = collect(desk, params(broker, str(future.ref), str(call.ref), start=date(2026, 11, 12)))

    # Contracts trade to 15:40 since August 2026: 77 bars of five minutes.
    assert [part["bars_present"] for part in report["instruments"]] == [
        6 * 77 + BARS_TODAY,
        6 * 77 + BARS_TODAY,
    ]
    assert all(part["gap_count"] == 0 for part in report["instruments"])
    assert stored(desk, str(future.ref))["oi"].null_count() == 0


def test_bars_after_an_expiry_are_not_missing(desk: Desk) -> None:
    desk.services.instruments.refresh(Service.BREEZE, actor=TESTER)
    listed = desk.services.instruments.list(exchange="NFO", underlying="NIFTY", limit=1000)
    soonest = min(listed.instruments, key=lambda one: one.expiry or date.max)
    assert soonest.expiry is not None
    asked = params(Service.BREEZE, str(soonest.ref), start=TODAY, end=date(2026, 12, 11))
    desk.clock.set(datetime(2026, 12, 11, 12, 0, tzinfo=UTC))
    desk.log_in(Service.BREEZE)

    report = collect(desk, asked)

    [part] = report["instruments"]
    assert part["missing_days"] == []
    with pytest.raises(DateRangeInvalidError, match=f"expired on {soonest.expiry}"):
        collect(desk, replace(asked, start=soonest.expiry + timedelta(days=1)))


def test_kite_is_not_asked_for_a_contract_that_has_expired(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    desk.services.instruments.refresh(Service.KITE, actor=TESTER)
    listed = desk.services.instruments.list(exchange="NFO", underlying="NIFTY", limit=1000)
    soonest = min(listed.instruments, key=lambda one: one.expiry or date.max)
    desk.clock.set(datetime(2026, 12, 11, 12, 0, tzinfo=UTC))

    with pytest.raises(InstrumentNotServedError, match="Kite keeps nothing of NFO:NIFTY26"):
        collect(desk, params(Service.KITE, str(soonest.ref), start=TODAY))


def test_both_brokers_lists_meet_in_one_instrument(desk: Desk) -> None:
    desk.log_in_everywhere()

    counts = {
        service: desk.services.instruments.refresh(service, actor=TESTER) for service in Service
    }

    listed = desk.services.instruments.list(exchange="NFO", limit=2000).instruments
    reliance = desk.services.instruments.find("NSE:RELIANCE")
    assert len(listed) == counts[Service.KITE]["NFO"] == counts[Service.BREEZE]["NFO"] > 500
    assert all(one.kite_token and one.breeze_code for one in listed)
    assert (reliance.breeze_code, reliance.kite_token) == ("RELIND", 2885 * 256 + 1)
    assert desk.services.audit.page(entity_type="instruments").entries[0].entity_id == "breeze"


def test_a_list_that_does_not_arrive_leaves_the_old_one(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    desk.services.instruments.refresh(Service.KITE, actor=TESTER)
    before = desk.services.instruments.list(limit=2000).instruments
    desk.clock.advance(timedelta(hours=1))
    desk.simulator.fault(FaultKind.HTML, service="kite")

    with pytest.raises(AppError):
        desk.services.instruments.refresh(Service.KITE, actor=TESTER)

    desk.simulator.mend()
    assert desk.services.instruments.list(limit=2000).instruments == before


REFUSED: list[tuple[CollectionParams, type[AppError], str]] = [
    (params(start=date(2026, 11, 21), end=date(2026, 11, 30)), DateRangeInvalidError, "today is"),
    (params(start=date(2015, 1, 5), end=date(2015, 3, 5)), DateRangeInvalidError, "2015-02-02"),
    (params(Service.KITE, "NSE:NOBODY"), InstrumentUnknownError, "NSE:NOBODY is in no list"),
    (params(Service.BREEZE, "NSE:INDIA VIX"), InstrumentUnknownError, "ICICI's code"),
    (
        params(Service.BREEZE, interval=Interval.FIFTEEN_MINUTES),
        IntervalUnknownError,
        "Breeze has no 15minute bars",
    ),
]


@pytest.mark.parametrize(("asked", "error", "words"), REFUSED)
def test_what_cannot_be_collected_is_refused_before_anything_is_asked(
    desk: Desk, asked: CollectionParams, error: type[AppError], words: str
) -> None:
    desk.log_in_everywhere()

    with pytest.raises(error, match=words):
        collect(desk, replace(asked, instruments=(NIFTY, *asked.instruments)))

    assert history_calls(desk, asked.broker) == 0
    assert desk.services.candles.coverage() == []


def test_a_cancelled_job_stops_between_requests(desk: Desk) -> None:
    desk.log_in(Service.BREEZE)
    seen: list[str] = []

    def stop_after_one(_: float, message: str) -> None:
        seen.append(message)
        if len(seen) > 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.services.collection.collect(
            params(Service.BREEZE, interval=Interval.ONE_MINUTE), progress=stop_after_one
        )

    assert seen[0].startswith("NSE:NIFTY 50 2026-10-21 to 2026-10-22, request 1 of")
    assert stored(desk, interval=Interval.ONE_MINUTE).height == 2 * 375


@pytest.mark.parametrize("broker", Service)
def test_a_plan_tells_the_requests_that_a_collection_then_makes_and_asks_nothing_itself(
    desk: Desk, broker: Service
) -> None:
    desk.log_in(broker)
    collect(desk, params(broker, start=date(2026, 11, 9), end=date(2026, 11, 13)))
    asked, wanted = history_calls(desk, broker), params(broker, NIFTY, BANKNIFTY)

    planned = desk.services.collection.plan(wanted)

    assert history_calls(desk, broker) == asked
    # The 10th, Balipratipada, is a holiday.
    assert [part["days_held"] for part in planned["instruments"]] == [4, 0]
    assert collect(desk, wanted)["requests"] == planned["requests"] > 0
    assert history_calls(desk, broker) - asked == planned["requests"]
    assert desk.services.collection.plan(wanted)["requests"] == 0
