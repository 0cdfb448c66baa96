"""Options around each day's spot: by the lists of the time, or else by the market's rules."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from desks import TESTER, Desk
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.market.candles import PRICE_SCALE
from munshi.domain.market.instruments import Instrument, InstrumentKind, InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.domain.market.sessions import Segment
from munshi.domain.option_chains import OptionChain
from munshi.errors import (
    DateRangeInvalidError,
    InstrumentUnknownError,
    MarketFactUnknownError,
    SpotPriceMissingError,
)
from stored_lists import store

# Monday to Friday; the weekly contract expires on Tuesday, the 17th.
FIRST, EXPIRY, TODAY = date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 20)
# The Tuesday after it is a holiday.
NEXT = date(2026, 11, 23)
NIFTY = InstrumentRef.parse("NIFTY")


def asked(wanted: OptionChain | None = None, **changed: Any) -> CollectionParams:  # noqa: ANN401
    params = CollectionParams(
        broker=Service.KITE,
        instruments=(),
        interval=Interval.FIVE_MINUTES,
        start=FIRST,
        end=TODAY,
        chain=wanted,
    )
    return replace(params, **changed)


def parts(desk: Desk, params: CollectionParams) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk.services.collection.plan(params)["instruments"]
    return found


def opened_at(desk: Desk, day: date) -> Decimal:
    page = desk.services.candles.page(NIFTY, Interval.FIVE_MINUTES, start=day, end=day, limit=1)
    return Decimal(page.frame["open"][0]) / PRICE_SCALE


def strikes(found: Sequence[dict[str, Any]], *, term: str) -> set[int]:
    """Of the calls whose symbol has `term`."""
    names = [part["instrument"] for part in found if part["instrument"].endswith("CE")]
    return {int(name.split(term)[1].removesuffix("CE")) for name in names if term in name}


@pytest.fixture
def spotted(desk: Desk) -> Desk:
    """Logged in everywhere, with the underlying's bars; no list of instruments was loaded."""
    desk.log_in_everywhere()
    spot = asked(instruments=(str(NIFTY),))
    desk.services.collection.collect(
        replace(spot, start=date(2026, 11, 13)), progress=lambda *_: None
    )
    return desk


def test_without_lists_the_rules_choose_and_breeze_serves_what_has_expired(spotted: Desk) -> None:
    found = parts(spotted, asked(OptionChain(underlying="NIFTY", strikes=1)))

    expired = [part for part in found if "26N17" in part["instrument"]]
    assert {part["source"] for part in found} == {"breeze"}
    for part in expired:
        assert part["days_wanted"] <= 2
    for day in (FIRST, EXPIRY):
        middle = round(opened_at(spotted, day) / 50) * 50
        assert {middle - 50, middle, middle + 50} <= strikes(found, term="26N17")
    assert all("26N17" in part["instrument"] or "26NOV" in part["instrument"] for part in found)


def test_each_day_has_the_strikes_around_its_own_spot_and_its_own_nearest_expiry(
    spotted: Desk,
) -> None:
    params = asked(OptionChain(underlying="NIFTY", strikes=0))
    by_day = {
        day: {
            part["instrument"]
            for part in parts(spotted, replace(params, start=date.fromisoformat(day),
                                               end=date.fromisoformat(day)))
        }
        for day in ("2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20")
    }  # fmt: skip

    whole = parts(spotted, params)

    assert all(len(names) == 2 for names in by_day.values())
    assert {part["instrument"] for part in whole} == set().union(*by_day.values())
    assert sum(part["days_wanted"] for part in whole) == 2 * len(by_day)


def test_a_chain_is_collected_whole_and_a_second_run_asks_nothing(spotted: Desk) -> None:
    params = asked(OptionChain(underlying="NIFTY", strikes=1), broker=Service.BREEZE)

    report = spotted.services.collection.collect(params, progress=lambda *_: None)

    assert all(
        part["bars_present"] == part["bars_expected"] > 0 and not part["missing_day_count"]
        for part in report["instruments"]
    )
    assert report["requests"] == len(report["instruments"])
    assert spotted.services.collection.plan(params)["requests"] == 0


def test_where_lists_were_kept_they_are_the_law_and_live_contracts_go_to_the_broker_asked(
    spotted: Desk,
) -> None:
    """The list of that day knows one expiry more than the rules, and strikes 100 apart."""
    odd = date(2026, 11, 26)
    listed = [
        Instrument(
            exchange="NFO",
            tradingsymbol=f"NIFTY26N26{strike}{kind}",
            name="NIFTY",
            kind=kind,
            segment=Segment.FNO,
            lot_size=65,
            tick_size=Decimal("0.05"),
            expiry=odd,
            strike=Decimal(strike),
            underlying="NIFTY",
            kite_token=strike * 256 + 2 + (kind is InstrumentKind.PUT),
        )
        for strike in range(20_000, 32_000, 100)
        for kind in (InstrumentKind.CALL, InstrumentKind.PUT)
    ]
    services = spotted.services
    with services.database.transaction() as tx:
        store(
            tx,
            Service.KITE,
            "NFO",
            listed,
            mode=services.settings.brokers,
            now=datetime(2026, 11, 19, 4, tzinfo=UTC),
        )

    found = parts(spotted, asked(OptionChain(underlying="NIFTY", strikes=1)))

    live = [part for part in found if "26N26" in part["instrument"]]
    middle = round(opened_at(spotted, TODAY) / 100) * 100
    assert {middle - 100, middle, middle + 100} <= strikes(found, term="26N26")
    assert {part["source"] for part in live} == {"kite"}
    assert {part["source"] for part in found if part not in live} == {"breeze"}


def test_a_chain_of_todays_lists_is_served_by_either_broker(spotted: Desk) -> None:
    for service in Service:
        spotted.services.instruments.refresh(service, actor=TESTER)
    chain = OptionChain(underlying="NIFTY", expiries=(NEXT,), strikes=2)

    for broker in Service:
        report = spotted.services.collection.collect(
            asked(chain, broker=broker, start=TODAY), progress=lambda *_: None
        )
        assert len(report["instruments"]) == 10
        assert all(part["bars_present"] == 15 for part in report["instruments"])
        calls = spotted.simulator.arrivals(service=broker)
        assert sum("historical" in call.path for call in calls) >= 10


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    (
        {"start": date(2026, 10, 1)},
        SpotPriceMissingError,
        "of NSE:NIFTY 50 is stored for 2[0-9] of",
    ),
    ({"start": date(2026, 11, 23), "end": date(2026, 11, 24)}, DateRangeInvalidError, "today is"),
    ({"chain": OptionChain(underlying="NOBODY")}, InstrumentUnknownError, "NSE:NOBODY"),
    ({"chain": OptionChain(underlying="INDIAVIX")}, SpotPriceMissingError, "INDIA VIX"),
]


@pytest.mark.parametrize(("changed", "error", "said"), REFUSED)
def test_what_cannot_be_chosen_is_refused_with_what_mends_it(
    spotted: Desk, changed: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as refused:
        parts(spotted, asked(OptionChain(underlying="NIFTY"), **changed))

    if error is SpotPriceMissingError:
        assert "munshi data collect" in str(getattr(refused.value, "hint", ""))


def test_shares_without_a_known_distance_of_strikes_need_lists(spotted: Desk) -> None:
    spotted.services.instruments.refresh(Service.KITE, actor=TESTER)
    spot = asked(instruments=("NSE:RELIANCE",))
    spotted.services.collection.collect(spot, progress=lambda *_: None)

    with pytest.raises(MarketFactUnknownError, match="distance of RELIANCE strikes"):
        parts(spotted, asked(OptionChain(underlying="RELIANCE"), end=date(2026, 11, 19)))
