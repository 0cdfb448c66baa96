"""Charges in whole paise on both sides of the days on which the rates changed."""

from datetime import date
from fractions import Fraction
from math import floor

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


# Of a crore, by the published rates: STT of buyer and seller, exchange with the protection fund,
# stamp of the buyer. Each row's day is the first or the last of a rate.
_CRORE = 10_000_000
RATES: tuple[tuple[ChargeKind, date, int, int, str, int], ...] = (
    (ChargeKind.DELIVERY, date(2024, 10, 1), 10_000, 10_000, "307", 1_500),
    (ChargeKind.DELIVERY, date(2026, 2, 28), 10_000, 10_000, "307", 1_500),
    (ChargeKind.DELIVERY, date(2026, 3, 2), 10_000, 10_000, "307", 1_500),
    (ChargeKind.INTRADAY, date(2024, 9, 30), 0, 2_500, "332", 300),
    (ChargeKind.INTRADAY, date(2024, 10, 1), 0, 2_500, "307", 300),
    (ChargeKind.INTRADAY, date(2026, 11, 20), 0, 2_500, "307", 300),
    (ChargeKind.FUTURES, date(2024, 9, 30), 0, 1_250, "193", 200),
    (ChargeKind.FUTURES, date(2024, 10, 1), 0, 2_000, "183", 200),
    (ChargeKind.FUTURES, date(2026, 3, 30), 0, 2_000, "183", 200),
    (ChargeKind.FUTURES, date(2026, 4, 1), 0, 5_000, "183", 200),
    (ChargeKind.OPTIONS, date(2024, 9, 30), 0, 6_250, "5000", 300),
    (ChargeKind.OPTIONS, date(2024, 10, 1), 0, 10_000, "3553", 300),
    (ChargeKind.OPTIONS, date(2026, 3, 30), 0, 10_000, "3553", 300),
    (ChargeKind.OPTIONS, date(2026, 4, 1), 0, 15_000, "3553", 300),
)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("rates", RATES, ids=lambda rates: f"{rates[0]} {rates[1]}")
def test_every_part_of_an_order_is_what_the_rates_of_its_day_come_to(
    rates: tuple[ChargeKind, date, int, int, str, int], side: Side
) -> None:
    """Worked out apart from the product, in exact fractions, each part to the nearest paisa."""
    kind, day, buyer, seller, exchange, stamp = rates
    price, quantity, brokerage = 12_345, 975, 2_000
    bought = side is Side.BUY

    def part(of_a_crore: Fraction) -> int:
        return floor(Fraction(price * quantity) * of_a_crore / _CRORE + Fraction(1, 2))

    transaction, sebi = part(Fraction(exchange)), part(Fraction(10))
    expected = LegCost(
        brokerage=brokerage,
        stt=part(Fraction(buyer if bought else seller)),
        transaction=transaction,
        sebi=sebi,
        stamp=part(Fraction(stamp if bought else 0)),
        gst=floor(Fraction(brokerage + transaction + sebi) * 18 / 100 + Fraction(1, 2)),
    )

    found = cost_of_leg(day, kind, side, price=price, quantity=quantity, brokerage=brokerage)

    assert found == expected
