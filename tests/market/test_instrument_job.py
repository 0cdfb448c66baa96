"""The job `instrument_load` over some days of a simulated market."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from desks import TESTER, Desk
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.jobs import INSTRUMENT_LOAD, Job, JobState
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.brokers.simulator.faults import FaultKind

FRIDAY = date(2026, 11, 20)


def run(desk: Desk) -> Job:
    job = desk.services.jobs.enqueue(INSTRUMENT_LOAD, {}, actor=TESTER)
    desk.services.worker().run_until_idle()
    return desk.services.jobs.get(job.job_id)


def test_both_brokers_lists_are_loaded_once_a_day(desk: Desk) -> None:
    desk.log_in_everywhere()

    first, second = run(desk), run(desk)

    assert (first.state, second.state) == (JobState.SUCCEEDED, JobState.SUCCEEDED)
    assert first.result_data is not None
    kite: Any = first.result_data["kite"]
    assert kite["NFO"]["listed"] > 500
    assert kite["NFO"]["unmapped"] == 0
    before = "loaded before"
    assert second.result_data == {"breeze": before, "kite": before, "forgotten": 0}
    assert len(desk.services.audit.page(entity_type="instruments").entries) == 2


def test_without_a_login_icicis_lists_are_loaded_and_kites_wait(desk: Desk) -> None:
    waiting = run(desk)

    loaded = desk.services.instruments.is_loaded_today
    assert (waiting.state, waiting.waits_for_service) == (JobState.PAUSED, Service.KITE)
    assert (loaded(Service.BREEZE), loaded(Service.KITE)) == (True, False)

    desk.log_in(Service.KITE)
    desk.services.worker().run_until_idle()

    assert desk.services.jobs.get(waiting.job_id).state is JobState.SUCCEEDED
    assert loaded(Service.KITE)


def test_a_refused_list_is_tried_again_and_the_other_is_loaded_meanwhile(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    desk.simulator.fault(FaultKind.HTML, service="breeze", endpoint_class="master")

    failed = run(desk)

    assert failed.state is JobState.SCHEDULED
    assert desk.services.instruments.is_loaded_today(Service.KITE)
    assert "instruments" in {alert.kind for alert in desk.services.alerts.list_open()}

    desk.simulator.mend()
    desk.clock.advance(timedelta(hours=1))
    desk.services.worker().run_until_idle()

    assert desk.services.jobs.get(failed.job_id).state is JobState.SUCCEEDED
    assert "instruments" not in {alert.kind for alert in desk.services.alerts.list_open()}


def test_day_after_day_the_lists_follow_and_an_expired_contract_is_collected_by_its_day(
    desk: Desk,
) -> None:
    for _ in range(8):
        desk.log_in(Service.KITE)
        assert run(desk).state is JobState.SUCCEEDED
        desk.clock.advance(timedelta(days=1))
    desk.log_in(Service.BREEZE)
    history = desk.services.instrument_history
    contracts = history.contracts_on(FRIDAY, "NIFTY", kinds=[InstrumentKind.CALL])
    soonest = contracts[len([one for one in contracts if one.expiry == contracts[0].expiry]) // 2]
    assert soonest.expiry is not None
    assert soonest.expiry < desk.clock.now().date()

    asked = CollectionParams(
        broker=Service.BREEZE,
        instruments=(str(soonest.ref),),
        interval=Interval.FIVE_MINUTES,
        start=FRIDAY,
        end=FRIDAY,
    )
    report = desk.services.collection.collect(asked, progress=lambda *_: None)

    assert soonest not in history.contracts_on(soonest.expiry + timedelta(days=1), "NIFTY")
    assert report["instruments"][0]["bars_present"] == 77
    token = history.of_token(Service.KITE, str(soonest.kite_token), day=FRIDAY)
    assert token.last_day == soonest.expiry


def test_contracts_are_forgotten_long_after_they_expired_and_shares_never(desk: Desk) -> None:
    services = desk.services
    value = {"loss_percent": 30, "keep_days": 90}
    services.config.set("market", "instrument_lists", value, actor=TESTER)
    services.instruments.load(Service.BREEZE, actor=TESTER)
    [future, *_] = services.instrument_history.contracts_on(FRIDAY, "NIFTY")
    desk.clock.set(datetime(2026, 12, 26, 4, 0, tzinfo=UTC))
    services.instruments.load(Service.BREEZE, actor=TESTER)
    assert services.instruments.cleanup(actor=TESTER) == 0
    desk.clock.advance(timedelta(days=120))

    forgotten = services.instruments.cleanup(actor=TESTER)

    assert forgotten > 100
    assert services.instrument_history.contracts_on(FRIDAY, "NIFTY") != ()
    assert future not in services.instrument_history.contracts_on(FRIDAY, "NIFTY")
    assert services.instruments.find("NSE:RELIANCE").breeze_code == "RELIND"
    [entry, *_] = services.audit.page(entity_type="instruments").entries
    assert entry.action == "cleanup"
