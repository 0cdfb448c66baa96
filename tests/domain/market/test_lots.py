"""Lot sizes go by the expiry of the contract, not by the day it is traded."""

from datetime import date

import pytest

from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.expiries import ExpiryKind, expiries_between
from munshi.domain.market.lots import lot_size
from munshi.errors import MarketFactUnknownError

CALENDAR = MarketCalendar.packaged()


@pytest.mark.parametrize(
    ("underlying", "expiry", "lot"),
    [
        ("NIFTY", "2015-08-27", 25),
        ("NIFTY", "2019-03-07", 75),
        ("NIFTY", "2021-07-22", 75),
        ("NIFTY", "2021-07-29", 50),
        ("NIFTY", "2024-04-25", 50),
        ("NIFTY", "2024-05-02", 25),
        ("NIFTY", "2024-12-26", 25),
        ("NIFTY", "2025-01-02", 75),
        ("NIFTY", "2025-01-23", 75),
        ("NIFTY", "2025-01-30", 25),
        ("NIFTY", "2025-02-06", 75),
        ("NIFTY", "2025-12-30", 75),
        ("NIFTY", "2026-01-06", 65),
        ("NIFTY", "2026-11-23", 65),
        ("BANKNIFTY", "2020-07-23", 20),
        ("BANKNIFTY", "2020-07-30", 25),
        ("BANKNIFTY", "2023-07-20", 25),
        ("BANKNIFTY", "2023-07-27", 15),
        ("BANKNIFTY", "2025-02-27", 30),
        ("BANKNIFTY", "2025-07-31", 35),
        ("BANKNIFTY", "2026-01-27", 30),
        ("FINNIFTY", "2026-01-27", 60),
        ("MIDCPNIFTY", "2026-01-27", 120),
        ("SENSEX", "2025-01-03", 10),
        ("SENSEX", "2026-11-26", 20),
    ],
)
def test_a_contract_has_the_lot_of_its_expiry(underlying: str, expiry: str, lot: int) -> None:
    assert lot_size(underlying, date.fromisoformat(expiry)) == lot


@pytest.mark.parametrize(
    ("underlying", "expiry"),
    [
        ("NIFTY", date(2014, 1, 30)),
        ("BANKNIFTY", date(2025, 7, 3)),
        ("TATASTEEL", date(2026, 1, 27)),
    ],
)
def test_an_unknown_lot_is_an_error_not_a_guess(underlying: str, expiry: date) -> None:
    with pytest.raises(MarketFactUnknownError, match="No lot size is known"):
        lot_size(underlying, expiry)


@pytest.mark.parametrize(
    ("underlying", "since"),
    [
        ("NIFTY", date(2015, 1, 1)),
        ("BANKNIFTY", date(2019, 1, 1)),
        ("FINNIFTY", date(2021, 1, 14)),
        ("MIDCPNIFTY", date(2023, 8, 21)),
        ("SENSEX", date(2023, 5, 15)),
        ("BANKEX", date(2023, 5, 15)),
    ],
)
@pytest.mark.parametrize("kind", list(ExpiryKind))
def test_every_expiry_the_rules_list_has_a_lot(
    underlying: str, since: date, kind: ExpiryKind
) -> None:
    listed = expiries_between(underlying, since, date(2026, 12, 31), kind=kind, calendar=CALENDAR)

    assert listed
    assert all(lot_size(underlying, expiry) > 0 for expiry in listed)
