"""ICICI's security master: one zip a day, one quoted CSV an exchange."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from io import BytesIO, TextIOWrapper
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError  # noqa: N812 - it is a class, spelled as a function

from munshi.clock import IST
from munshi.domain.market.instruments import InstrumentKind
from munshi.errors import MasterRefusedError
from munshi.infrastructure.brokers.results import BreezeScrip

FILES = {
    "NSE": "NSEScripMaster.txt",
    "BSE": "BSEScripMaster.txt",
    "NFO": "FONSEScripMaster.txt",
    "BFO": "FOBSEScripMaster.txt",
}
_OPTION_KINDS = {"CE": InstrumentKind.CALL, "PE": InstrumentKind.PUT}
Row = dict[str, str]
_OF_ALL = ("Token", "ShortName", "CompanyName", "ExchangeCode")
# As ICICI spells them; whether a column has spaces or capitals does not matter.
_NEEDED = {
    "NSE": _OF_ALL,
    "BSE": _OF_ALL,
    "NFO": (*_OF_ALL, "ExpiryDate", "StrikePrice", "OptionType", "LotSize"),
    "BFO": (*_OF_ALL, "ExpiryDate", "StrikePrice", "OptionType", "LotSize"),
}


@dataclass(frozen=True, slots=True)
class SecurityMaster:
    """The zip as downloaded, read one exchange at a time."""

    archive: bytes = field(repr=False)

    def scrips(self, exchange: str) -> Iterator[BreezeScrip]:
        """Yield the rows of NSE, BSE, NFO or BFO, as they are read.

        Headers and values are stripped: some of ICICI's start with a space. Raises
        MasterRefusedError for a file that is missing, damaged or unreadable, or
        lacks a column.
        """
        is_contract = exchange in {"NFO", "BFO"}
        for row in self._rows(FILES[exchange], _NEEDED[exchange]):
            try:
                scrip = _contract(row, exchange) if is_contract else _share(row, exchange)
            except (KeyError, ValueError, InvalidOperation):
                scrip = None
            if scrip is None:
                raise MasterRefusedError(
                    f"Breeze's security master has an unreadable row in {FILES[exchange]}."
                )
            yield scrip

    def _rows(self, name: str, needed: Sequence[str]) -> Iterator[Row]:
        try:
            with ZipFile(BytesIO(self.archive)) as archive, archive.open(name) as file:
                text = TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
                rows = csv.reader(text, skipinitialspace=True)
                header = [_column(cell) for cell in next(rows, [])]
                _check(header, needed, name)
                for cells in rows:
                    if cells:
                        yield dict(zip(header, (cell.strip() for cell in cells), strict=False))
                return
        except (BadZipFile, KeyError, csv.Error, ZlibError, EOFError):
            pass
        raise MasterRefusedError(f"Breeze's security master has no usable {name}.")


def _check(header: Sequence[str], needed: Sequence[str], name: str) -> None:
    missing = [column for column in needed if column.casefold() not in header]
    if missing:
        raise MasterRefusedError(
            f"Breeze's security master has columns missing in {name}: {', '.join(missing)}."
        )


def _column(cell: str) -> str:
    return cell.strip().strip('"').replace(" ", "").casefold()


def _share(row: Row, exchange: str) -> BreezeScrip:
    return BreezeScrip(
        exchange=exchange,
        token=row["token"],
        stock_code=row["shortname"],
        exchange_symbol=row["exchangecode"],
        company=row["companyname"],
        kind=InstrumentKind.EQUITY,
        series=row.get("series", ""),
    )


def _contract(row: Row, exchange: str) -> BreezeScrip:
    kind = _OPTION_KINDS.get(row["optiontype"], InstrumentKind.FUTURE)
    return BreezeScrip(
        exchange=exchange,
        token=row["token"],
        stock_code=row["shortname"],
        exchange_symbol=row["exchangecode"],
        company=row["companyname"],
        kind=kind,
        expiry=_expiry(row["expirydate"]),
        strike=Decimal(row["strikeprice"]) if kind.is_option else None,
        lot_size=int(row["lotsize"]),
    )


def _expiry(text: str) -> date:
    """`24-Nov-2026`."""
    return datetime.strptime(text, "%d-%b-%Y").replace(tzinfo=IST).date()
