"""Whether what is collected daily has arrived, on both databases."""

from datetime import datetime

import pytest

from health.ward import Ward
from made_candles import ist
from munshi.domain.audit import MUNSHI
from munshi.domain.config_keys import SCHEDULE_PREFIX, SCHEDULER
from munshi.domain.health import HealthStatus
from munshi.domain.market.candle_files import CandleKey, WrittenFile
from munshi.domain.market.intervals import Interval
from munshi.health.candle_checks import find_candles
from munshi.settings import BrokerMode

THURSDAY, FRIDAY = ist("2026-11-19 15:25"), ist("2026-11-20 15:25")


def hold(
    ward: Ward,
    instrument: str,
    last_open: datetime,
    *,
    mode: BrokerMode = BrokerMode.SIMULATED,
    month: str = "202611",
) -> None:
    """The manifest says that so much of it is stored."""
    key = CandleKey(
        mode=mode,
        source="kite",
        exchange="NSE",
        instrument=instrument,
        interval=Interval.FIVE_MINUTES,
    )
    written = WrittenFile(
        path=f"candles/{instrument}-{month}-{mode}.parquet",
        sha256="0" * 64,
        rows=1,
        first_open=last_open,
        last_open=last_open,
        bytes=16,
    )
    with ward.database.transaction() as tx:
        tx.candles.save_file(
            key, month, written, label="made up", replaces=None, now=ward.clock.now()
        )


def collect_daily(ward: Ward, *instruments: str, enabled: bool = True) -> None:
    with ward.database.transaction() as tx:
        tx.config.set_config(
            SCHEDULER,
            f"{SCHEDULE_PREFIX}collect",
            {
                "job_type": "data_collection",
                "parameters": {"instruments": list(instruments)},
                "enabled": enabled,
            },
            is_secret=False,
            description=None,
            expected_version=None,
            updated_by=MUNSHI.user_id,
            now=ward.clock.now(),
        )


def test_a_desk_that_collects_nothing_is_not_judged(ward: Ward) -> None:
    hold(ward, "NIFTY 50", THURSDAY)
    without_schedule = find_candles(ward.ground)
    collect_daily(ward, "NIFTY", enabled=False)
    disabled = find_candles(ward.ground)
    collect_daily(ward, "BANKNIFTY", "no such thing")
    never_run = find_candles(ward.ground)

    assert {each.status for each in (without_schedule, disabled, never_run)} == {
        HealthStatus.UNKNOWN
    }


@pytest.mark.parametrize(
    ("now", "held", "status", "behind"),
    [
        ("2026-11-20 10:00", THURSDAY, HealthStatus.PASS, 0),
        ("2026-11-20 18:29", THURSDAY, HealthStatus.PASS, 0),
        ("2026-11-20 18:30", THURSDAY, HealthStatus.WARN, 1),
        ("2026-11-20 18:30", FRIDAY, HealthStatus.PASS, 0),
        ("2026-11-23 09:00", FRIDAY, HealthStatus.PASS, 0),
        ("2026-11-23 19:00", THURSDAY, HealthStatus.WARN, 2),
        # The 24th is a holiday: Guru Nanak's birthday.
        ("2026-11-25 19:00", THURSDAY, HealthStatus.FAIL, 3),
    ],
)
def test_candles_are_as_late_as_the_trading_days_that_lack(
    ward: Ward, now: str, held: datetime, status: HealthStatus, behind: int
) -> None:
    collect_daily(ward, "NIFTY")
    hold(ward, "NIFTY 50", held)
    ward.clock.set(ist(now))

    found = find_candles(ward.ground)

    assert (found.status, found.value, found.unit) == (status, behind, "trading days")


def test_the_instrument_that_lags_most_is_named(ward: Ward) -> None:
    collect_daily(ward, "NIFTY", "BANKNIFTY", "NSE:INFY")
    hold(ward, "NIFTY 50", FRIDAY)
    hold(ward, "NIFTY BANK", ist("2026-10-01 15:25"), month="202610")
    hold(ward, "NIFTY BANK", THURSDAY)
    ward.clock.set(ist("2026-11-21 12:00"))

    found = find_candles(ward.ground)

    assert found.status is HealthStatus.WARN
    assert found.message == (
        "NSE:NIFTY BANK ends on 19 Nov 2026, 1 trading days behind. Of NSE:INFY nothing is stored."
    )
    assert found.facts["behind"] == {"NSE:NIFTY BANK": 1}


def test_candles_of_the_other_mode_are_no_excuse(ward: Ward) -> None:
    collect_daily(ward, "NIFTY")
    hold(ward, "NIFTY 50", FRIDAY, mode=BrokerMode.LIVE)

    assert find_candles(ward.ground).status is HealthStatus.UNKNOWN


def test_a_year_the_calendar_does_not_know_is_not_guessed(ward: Ward) -> None:
    collect_daily(ward, "NIFTY")
    hold(ward, "NIFTY 50", FRIDAY)
    ward.clock.set(ist("2031-01-01 12:00"))

    found = find_candles(ward.ground)

    assert found.status is HealthStatus.UNKNOWN
    assert "does not cover 2031" in found.message
