"""Charges in whole paise on both sides of the days on which the rates changed."""

from datetime import date

import pytest

from munshi.domain.backtest.costs import (
    NO_COST,
    RATES_READ_ON,
    LegCost,
    assumption_beyond,
    cost_of_exercise,
    cost_of_leg,
)
from munshi.domain.market.charges import ChargeKind, Side
from munshi.domain.market.lots import lot_size

OPTIONS = ChargeKind.OPTIONS


@pytest.mark.parametrize(
    ("day", "expiry", "lot", "stt"),
    [
        # 25 x 100 rupees x 0.0625 %, the last day of that rate
        (date(2024, 9, 30), date(2024, 10, 3), 25, 156),
        (date(2024, 10, 1), date(2024, 10, 3), 25, 250),
        # 65 x 100 rupees at 0.1 % and at 0.15 %
        (date(2026, 3, 30), date(2026, 4, 7), 65, 650),
        (date(2026, 4, 2), date(2026, 4, 7), 65, 975),
    ],
)
def test_a_sold_option_pays_the_stt_and_has_the_lot_of_its_day(
    day: date, expiry: date, lot: int, stt: int
) -> None:
    assert lot_size("NIFTY", expiry) == lot
    cost = cost_of_leg(day, OPTIONS, Side.SELL, price=10_000, quantity=lot, brokerage=2_000)
    assert cost.stt == stt
    assert cost.stamp == 0


def test_every_charge_of_a_sold_lot_to_the_paisa() -> None:
    sold = cost_of_leg(
        date(2026, 4, 2), OPTIONS, Side.SELL, price=10_000, quantity=65, brokerage=2_000
    )
    # 6,500 rupees of premium: 0.03553 % is 2.30945, 10 a crore 0.0065, GST 18 % of 22.32
    assert sold == LegCost(brokerage=2_000, stt=975, transaction=231, sebi=1, gst=402)
    assert sold.total == 3_609


def test_the_buyer_pays_the_stamp_and_no_stt() -> None:
    bought = cost_of_leg(
        date(2026, 4, 2), OPTIONS, Side.BUY, price=10_000, quantity=65, brokerage=2_000
    )
    assert (bought.stt, bought.stamp) == (0, 20)  # 0.003 % of 6,500 is 0.195


@pytest.mark.parametrize(("day", "stt"), [(date(2026, 3, 30), 813), (date(2026, 4, 7), 975)])
def test_what_expires_in_the_money_is_taxed_by_its_day(day: date, stt: int) -> None:
    assert cost_of_exercise(day, intrinsic=10_000, quantity=65).total == stt
    assert cost_of_exercise(day, intrinsic=0, quantity=65) == NO_COST


def test_what_is_not_known_yet_is_said() -> None:
    assert assumption_beyond(RATES_READ_ON) is None
    said = assumption_beyond(date(2026, 12, 1))
    assert said == "Charges after 2026-11-26 are taken to be those of that day."
