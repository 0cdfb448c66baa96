"""Charges of an order leg, by the rates of its day."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.domain.enums import Service
from munshi.domain.market.charges import ChargeKind, Charges, LegCharges, Side, brokerage
from munshi.domain.market.instruments import InstrumentKind
from munshi.errors import MarketFactUnknownError

TODAY = date(2026, 11, 20)
NOTHING = Decimal(0)


def percent(rate: Decimal | None) -> Decimal | None:
    return None if rate is None else rate * 100


@pytest.mark.parametrize(
    ("day", "futures", "options", "exercised"),
    [
        (date(2015, 6, 1), "0.01", "0.017", None),
        (date(2016, 6, 1), "0.01", "0.05", None),
        (date(2023, 3, 31), "0.01", "0.05", "0.125"),
        (date(2023, 4, 1), "0.0125", "0.0625", "0.125"),
        (date(2024, 9, 30), "0.0125", "0.0625", "0.125"),
        (date(2024, 10, 1), "0.02", "0.1", "0.125"),
        (date(2026, 3, 31), "0.02", "0.1", "0.125"),
        (date(2026, 4, 1), "0.05", "0.15", "0.15"),
    ],
)
def test_the_seller_of_a_contract_pays_the_transaction_tax_of_the_day(
    day: date, futures: str, options: str, exercised: str | None
) -> None:
    of_futures = Charges.on(day, ChargeKind.FUTURES)
    of_options = Charges.on(day, ChargeKind.OPTIONS)

    assert percent(of_futures.stt[Side.SELL]) == Decimal(futures)
    assert percent(of_options.stt[Side.SELL]) == Decimal(options)
    assert of_futures.stt[Side.BUY] == of_options.stt[Side.BUY] == 0
    assert percent(of_options.exercise_stt) == (Decimal(exercised) if exercised else None)


@pytest.mark.parametrize(
    ("day", "rates"),
    [
        (date(2024, 10, 1), ["0.00307", "0.00183", "0.03553"]),
        (date(2026, 2, 28), ["0.00307", "0.00183", "0.03553"]),
        (TODAY, ["0.00307", "0.00183", "0.03553"]),
    ],
)
def test_the_exchange_fee_and_the_protection_fund_are_one_rate(day: date, rates: list[str]) -> None:
    kinds = (ChargeKind.DELIVERY, ChargeKind.FUTURES, ChargeKind.OPTIONS)

    found = [percent(Charges.on(day, kind).transaction) for kind in kinds]

    assert found == [Decimal(rate) for rate in rates]


def test_an_option_sold_today_costs_what_the_price_lists_say() -> None:
    value = Decimal(100) * 65
    fee = brokerage(Service.KITE, ChargeKind.OPTIONS, value=value, day=TODAY)

    leg = Charges.on(TODAY, ChargeKind.OPTIONS).of_leg(
        Side.SELL, price=Decimal(100), quantity=65, brokerage=fee
    )

    assert leg == LegCharges(
        brokerage=Decimal("20.00"),
        stt=Decimal("9.75"),
        transaction=Decimal("2.31"),
        sebi=Decimal("0.01"),
        stamp=Decimal("0.00"),
        gst=Decimal("4.02"),
    )
    assert leg.total == Decimal("36.09")


def test_a_delivery_purchase_pays_tax_and_stamp_but_no_brokerage_at_zerodha() -> None:
    value = Decimal("1234.50") * 100
    fee = brokerage(Service.KITE, ChargeKind.DELIVERY, value=value, day=TODAY)

    leg = Charges.on(TODAY, ChargeKind.DELIVERY).of_leg(
        Side.BUY, price=Decimal("1234.50"), quantity=100, brokerage=fee
    )

    assert leg.brokerage == 0
    assert leg.stt == Decimal("123.45")
    assert leg.stamp == Decimal("18.52")
    assert leg.transaction == Decimal("3.79")
    assert leg.sebi == Decimal("0.12")
    assert leg.gst == Decimal("0.70")


def test_intraday_shares_are_taxed_on_the_sale_only() -> None:
    rates = Charges.on(TODAY, ChargeKind.INTRADAY)

    assert percent(rates.stt[Side.SELL]) == Decimal("0.025")
    assert rates.stt[Side.BUY] == 0
    assert percent(rates.stamp[Side.BUY]) == Decimal("0.003")


def test_stamp_duty_is_the_buyers_alone_since_july_2020() -> None:
    before = Charges.on(date(2020, 6, 30), ChargeKind.FUTURES).stamp
    since = Charges.on(date(2020, 7, 1), ChargeKind.FUTURES).stamp

    assert before[Side.SELL] > 0
    assert since[Side.SELL] == 0
    assert percent(since[Side.BUY]) == Decimal("0.002")


def test_an_exercised_option_taxes_what_it_is_in_the_money() -> None:
    today = Charges.on(TODAY, ChargeKind.OPTIONS)

    assert today.of_exercise(intrinsic=Decimal(100), quantity=65) == Decimal("9.75")
    assert today.of_exercise(intrinsic=Decimal(-5), quantity=65) == 0


@pytest.mark.parametrize(
    ("day", "kind"),
    [(date(2019, 8, 31), ChargeKind.OPTIONS), (TODAY, ChargeKind.FUTURES)],
)
def test_where_no_tax_on_intrinsic_value_is_known_none_is_invented(
    day: date, kind: ChargeKind
) -> None:
    with pytest.raises(MarketFactUnknownError, match="exercised"):
        Charges.on(day, kind).of_exercise(intrinsic=Decimal(1), quantity=1)


def test_bse_has_its_own_fees() -> None:
    options = Charges.on(TODAY, ChargeKind.OPTIONS, exchange="BSE")

    assert percent(options.transaction) == Decimal("0.0325")


@pytest.mark.parametrize(
    ("day", "kind", "exchange", "named"),
    [
        (date(2014, 12, 31), ChargeKind.OPTIONS, "NSE", "gst, ipft, stamp, transaction"),
        (date(2023, 6, 1), ChargeKind.OPTIONS, "BSE", "transaction"),
        (TODAY, ChargeKind.FUTURES, "MCX", "ipft, transaction"),
    ],
)
def test_an_unknown_rate_is_an_error_that_names_it(
    day: date, kind: ChargeKind, exchange: str, named: str
) -> None:
    with pytest.raises(MarketFactUnknownError, match=f"The {named} rate for {kind}"):
        Charges.on(day, kind, exchange=exchange)


@pytest.mark.parametrize(
    ("kind", "value", "fee"),
    [
        (ChargeKind.DELIVERY, 1_000_000, "0"),
        (ChargeKind.INTRADAY, 10_000, "3.00"),
        (ChargeKind.INTRADAY, 1_000_000, "20"),
        (ChargeKind.FUTURES, 1_600_000, "20"),
        (ChargeKind.OPTIONS, 100, "20"),
    ],
)
def test_zerodha_charges_an_order_by_its_list(kind: ChargeKind, value: int, fee: str) -> None:
    charged = brokerage(Service.KITE, kind, value=Decimal(value), day=TODAY)

    assert charged == Decimal(fee)


def test_the_brokerage_of_icici_must_be_given() -> None:
    with pytest.raises(MarketFactUnknownError) as refusal:
        brokerage(Service.BREEZE, ChargeKind.OPTIONS, value=Decimal(1), day=TODAY)

    assert refusal.value.hint == "Give the brokerage of your own plan."


def test_an_instrument_is_charged_by_its_kind() -> None:
    assert ChargeKind.of(InstrumentKind.CALL) is ChargeKind.OPTIONS
    assert ChargeKind.of(InstrumentKind.FUTURE) is ChargeKind.FUTURES
    assert ChargeKind.of(InstrumentKind.EQUITY) is ChargeKind.DELIVERY
    assert ChargeKind.of(InstrumentKind.EQUITY, intraday=True) is ChargeKind.INTRADAY
    with pytest.raises(MarketFactUnknownError):
        ChargeKind.of(InstrumentKind.INDEX)


@given(
    day=st.dates(min_value=date(2015, 1, 1), max_value=date(2026, 12, 31)),
    kind=st.sampled_from(list(ChargeKind)),
    side=st.sampled_from(list(Side)),
    paise=st.integers(min_value=5, max_value=10_000_000),
    quantity=st.integers(min_value=1, max_value=100_000),
)
def test_every_day_since_2015_has_rates_and_no_leg_costs_less_than_nothing(
    day: date, kind: ChargeKind, side: Side, paise: int, quantity: int
) -> None:
    leg = Charges.on(day, kind).of_leg(
        side, price=Decimal(paise) / 100, quantity=quantity, brokerage=NOTHING
    )

    assert leg.total >= 0
    assert leg.total == leg.total.quantize(Decimal("0.01"))
    assert leg.total <= Decimal(paise) * quantity / 100
