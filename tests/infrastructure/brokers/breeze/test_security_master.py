"""ICICI's security master, with the oddities it is known for."""

from datetime import date
from decimal import Decimal
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from munshi.domain.market.instruments import InstrumentKind
from munshi.errors import BrokerUnavailableError
from munshi.infrastructure.brokers.breeze.security_master import SecurityMaster

SHARES = (
    '"Token", "ShortName", "Series", "CompanyName", "TickSize", "LotSize", "ExchangeCode"\r\n'
    '"2885", "RELIND", "EQ", "RELIANCE INDUSTRIES, LTD", "0.05", "1", "RELIANCE"\r\n'
)
CONTRACTS = (
    '"Token","InstrumentName","ShortName","Series", "ExpiryDate","StrikePrice","OptionType",'
    '"LotSize","CompanyName","ExchangeCode"\r\n'
    '"35001","OPTIDX","CNXBAN","OPTION","24-Nov-2026","51000","CE","30","BANK","BANKNIFTY"\r\n'
    '"35002","FUTIDX","NIFTY","FUTURE","24-Nov-2026","0","XX","65","NIFTY 50","NIFTY"\r\n'
)


def master(**files: str) -> SecurityMaster:
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.txt", text)
    return SecurityMaster(buffer.getvalue())


def test_a_share_has_icicis_code_and_the_exchanges_symbol() -> None:
    [share] = master(NSEScripMaster=SHARES).scrips("NSE")

    assert (share.token, share.stock_code, share.exchange_symbol) == ("2885", "RELIND", "RELIANCE")
    assert share.company == "RELIANCE INDUSTRIES, LTD"
    assert (share.kind, share.expiry) == (InstrumentKind.EQUITY, None)


def test_contracts_have_their_terms() -> None:
    call, future = master(FONSEScripMaster=CONTRACTS).scrips("NFO")

    assert (call.stock_code, call.exchange_symbol) == ("CNXBAN", "BANKNIFTY")
    assert (call.kind, call.strike, call.lot_size) == (InstrumentKind.CALL, Decimal(51000), 30)
    assert call.expiry == date(2026, 11, 24)
    assert (future.kind, future.strike) == (InstrumentKind.FUTURE, None)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(BrokerUnavailableError, match=r"no usable FOBSEScripMaster\.txt"):
        list(master(NSEScripMaster=SHARES).scrips("BFO"))


def test_an_unreadable_row_is_refused() -> None:
    broken = CONTRACTS.replace("24-Nov-2026", "soon")

    with pytest.raises(BrokerUnavailableError, match=r"unreadable row in FONSEScripMaster\.txt"):
        list(master(FONSEScripMaster=broken).scrips("NFO"))


@pytest.mark.parametrize("keep", [10, 200])
def test_a_damaged_archive_is_refused(keep: int) -> None:
    whole = master(NSEScripMaster=SHARES * 50).archive

    with pytest.raises(BrokerUnavailableError, match=r"no usable NSEScripMaster\.txt"):
        list(SecurityMaster(whole[:keep]).scrips("NSE"))
