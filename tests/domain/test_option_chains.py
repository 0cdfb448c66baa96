"""What a chain is told, and which expiries and strikes it then chooses."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from munshi.domain.job_params import CollectionParams
from munshi.domain.market.strikes import derived_strikes, strikes_around
from munshi.domain.option_chains import OptionChain
from munshi.errors import JobParametersInvalidError, MarketFactUnknownError

RANGE = {"broker": "breeze", "interval": "1minute", "from": "2026-11-02", "to": "2026-11-20"}
LISTED = [date(2026, 11, day) for day in (3, 10, 17, 24)]


def test_a_chain_needs_no_instruments_and_comes_back_as_it_was_told() -> None:
    told: dict[str, Any] = {**RANGE, "chain": {"underlying": " nifty ", "expiries": "nearest"}}

    read = CollectionParams.from_json(told)

    assert (read.instruments, read.chain) == ((), OptionChain(underlying="NIFTY"))
    assert CollectionParams.from_json(read.to_json()) == read


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        ({}, "must have an underlying"),
        ("NIFTY", "must have an underlying"),
        ({"underlying": "NSE:NIFTY 50"}, "is no underlying"),
        ({"underlying": "NIFTY", "expiries": 0}, "expiries must be a number from 1 to 12"),
        ({"underlying": "NIFTY", "expiries": "soon"}, "not 'soon'"),
        ({"underlying": "NIFTY", "expiries": []}, "1 to 120 dates"),
        ({"underlying": "NIFTY", "expiries": ["24-11-2026"]}, "date like 2026-11-24"),
        ({"underlying": "NIFTY", "strikes": 101}, "strikes must be a number from 0 to 100"),
        ({"underlying": "NIFTY", "strikes": True}, "not True"),
        ({"underlying": "NIFTY", "strike": 5}, "Not known in chain: strike"),
    ],
)
def test_what_is_wrong_with_a_chain_is_said_in_one_sentence(chain: object, said: str) -> None:
    with pytest.raises(JobParametersInvalidError, match=said):
        CollectionParams.from_json({**RANGE, "chain": chain})


@pytest.mark.parametrize(
    ("expiries", "chosen"),
    [
        (1, [10]),
        (2, [10, 17]),
        (9, [10, 17, 24]),
        ((date(2026, 11, 3), date(2026, 11, 24)), [24]),
    ],
)
def test_expiries_are_counted_from_the_day_on(
    expiries: int | tuple[date, ...], chosen: list[int]
) -> None:
    chain = OptionChain(underlying="NIFTY", expiries=expiries)

    found = chain.choose(LISTED, day=date(2026, 11, 4))

    assert found == [date(2026, 11, day) for day in chosen]
    assert date(2026, 11, 3) not in found


@pytest.mark.parametrize(
    ("spot", "each_side", "found"),
    [
        ("24010", 1, [23950, 24000, 24050]),
        ("24025", 0, [24050]),
        ("24024.95", 0, [24000]),
        ("20000", 1, [23900, 23950]),
        ("30000", 1, [24150, 24200]),
    ],
)
def test_strikes_around_a_spot_are_those_that_are_listed(
    spot: str, each_side: int, found: list[int]
) -> None:
    listed = [Decimal(strike) for strike in range(24200, 23899, -50)]

    assert strikes_around(Decimal(spot), listed, each_side=each_side) == tuple(
        Decimal(strike) for strike in found
    )


def test_strikes_are_derived_by_their_distance_where_it_is_known() -> None:
    found = derived_strikes("BANKNIFTY", Decimal(51250), each_side=1)

    assert [int(strike) for strike in found] == [51200, 51300, 51400]
    with pytest.raises(MarketFactUnknownError, match="distance of RELIANCE strikes"):
        derived_strikes("RELIANCE", Decimal(1500), each_side=1)
