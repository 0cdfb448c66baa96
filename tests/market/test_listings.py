"""Breeze's rows under the exchange's own names."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest

from munshi.domain.market.contract_names import contract_name
from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.domain.market.sessions import Segment
from munshi.errors import MasterRefusedError
from munshi.infrastructure.brokers.results import BreezeScrip
from munshi.market.listings import from_security_master, with_auctions

WEEKLY, LATER_WEEKLY, MONTHLY = date(2024, 12, 5), date(2024, 12, 12), date(2024, 12, 26)


def option(expiry: date, *, code: str = "NIFTY", strike: str = "24000.00") -> BreezeScrip:
    return BreezeScrip(
        exchange="NFO",
        token="1",
        stock_code=code,
        exchange_symbol=code,
        company=code,
        kind=InstrumentKind.CALL,
        expiry=expiry,
        strike=Decimal(strike),
        lot_size=25,
    )


def share(code: str, symbol: str, *, series: str = "EQ", token: str = "1") -> BreezeScrip:
    return BreezeScrip(
        exchange="NSE",
        token=token,
        series=series,
        stock_code=code,
        exchange_symbol=symbol,
        company=symbol.title(),
        kind=InstrumentKind.EQUITY,
    )


@pytest.mark.parametrize(
    ("kind", "expiry", "strike", "expected"),
    [
        (InstrumentKind.FUTURE, MONTHLY, None, "NIFTY24DECFUT"),
        (InstrumentKind.CALL, MONTHLY, "24000", "NIFTY24DEC24000CE"),
        (InstrumentKind.CALL, WEEKLY, "24000.00", "NIFTY24D0524000CE"),
        (InstrumentKind.PUT, date(2025, 1, 2), "23950", "NIFTY2510223950PE"),
        (InstrumentKind.PUT, date(2024, 10, 3), "127.50", "NIFTY24O03127.5PE"),
    ],
)
def test_contracts_are_spelled_as_the_exchange_spells_them(
    kind: InstrumentKind, expiry: date, strike: str | None, expected: str
) -> None:
    name = contract_name(
        "NIFTY",
        expiry,
        kind,
        strike=None if strike is None else Decimal(strike),
        is_monthly=expiry == MONTHLY,
    )

    assert name == expected


def names(listed: Sequence[Instrument]) -> list[str]:
    return [one.tradingsymbol for one in listed]


def test_the_last_expiry_of_a_month_is_the_monthly_one() -> None:
    listed = from_security_master([option(WEEKLY), option(MONTHLY), option(LATER_WEEKLY)])

    assert names(listed) == ["NIFTY24D0524000CE", "NIFTY24DEC24000CE", "NIFTY24D1224000CE"]


def test_months_are_told_apart_by_underlying() -> None:
    early = date(2024, 12, 24)
    listed = from_security_master([option(MONTHLY), option(early, code="CNXBAN", strike="52000")])

    assert names(listed) == ["NIFTY24DEC24000CE", "BANKNIFTY24DEC52000CE"]


def test_an_index_contract_has_the_name_people_use_and_icicis_code() -> None:
    [listed] = from_security_master([option(MONTHLY, code="CNXBAN", strike="52000")])

    assert (listed.underlying, listed.breeze_code) == ("BANKNIFTY", "CNXBAN")
    assert (listed.kind, listed.strike, listed.lot_size) == (
        InstrumentKind.CALL,
        Decimal(52000),
        25,
    )


def test_each_series_of_a_share_is_spelled_as_kite_spells_it() -> None:
    listed = from_security_master([share("CENBAN", "CENTRALBK", series="BE"), share("B", "B")])

    assert names(listed) == ["CENTRALBK-BE", "B"]


def test_a_symbol_that_several_codes_claim_has_none() -> None:
    listed = from_security_master(
        [share("RELIND", "RELIANCE"), share("RELIN2", "RELIANCE", token="2")]
    )

    assert [(one.tradingsymbol, one.breeze_code) for one in listed] == [("RELIANCE", None)]


def test_a_row_that_is_there_twice_is_refused() -> None:
    with pytest.raises(MasterRefusedError, match="NSE:RELIANCE twice"):
        from_security_master([share("RELIND", "RELIANCE"), share("RELIND", "RELIANCE")])


def test_only_shares_with_contracts_trade_by_the_hours_of_the_closing_auction() -> None:
    shares = from_security_master([share("RELIND", "RELIANCE"), share("SMALL", "SMALLCAP")])
    contracts = from_security_master([option(MONTHLY, code="RELIANCE", strike="1300")])

    listings = with_auctions({"NSE": shares, "NFO": contracts})

    assert [(one.tradingsymbol, one.segment) for one in listings["NSE"]] == [
        ("RELIANCE", Segment.CASH_CAS),
        ("SMALLCAP", Segment.CASH),
    ]
    assert {one.segment for one in listings["NFO"]} == {Segment.FNO}
