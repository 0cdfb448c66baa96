"""ICICI's SecurityMaster.zip: one quoted text file an exchange, headers with stray spaces."""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from functools import lru_cache

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.infrastructure.brokers.simulator.market import Market
from munshi.infrastructure.brokers.simulator.universe import SHARES

PATHS = (
    "/MotherAppMaster/SecurityMaster.zip",
    "/NewSecurityMaster/SecurityMaster.zip",
)
SHARE_HEADER = (
    "Token", "ShortName", "Series", "CompanyName", "ticksize", "Lotsize", "FaceValue",
    "ISINCode", "ExchangeCode",
)  # fmt: skip
# The columns between those whose places are known carry no meaning here.
CONTRACT_HEADER = (
    "Token", "InstrumentName", "ShortName", "Series", "ExpiryDate", "StrikePrice", "OptionType",
    *(f"Reserved{place}" for place in range(7, 26)),
    "MinimumLotQty", "LotSize", "TickSize", "CompanyName", "ExchangeCode",
)  # fmt: skip


class SecurityMaster:
    """Made anew when the broker's day changes."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._archive = lru_cache(maxsize=2)(_archive)

    def routes(self) -> list[Route]:
        return [Route(path, self.download, methods=["GET"]) for path in PATHS]

    async def download(self, _: Request) -> Response:
        listing = await run_in_threadpool(self._market.listing)
        return Response(self._archive(listing.instruments), media_type="application/zip")


def _archive(instruments: Sequence[Instrument]) -> bytes:
    shares = [
        (str(token), code, "EQ", company, "0.05", "1", "10", "", symbol)
        for symbol, token, code, company in SHARES
    ]
    contracts = [_contract(i) for i in instruments if i.kind.is_derivative]
    files: dict[str, tuple[Sequence[str], Sequence[Sequence[str]]]] = {
        "NSEScripMaster.txt": (SHARE_HEADER, shares),
        "BSEScripMaster.txt": (SHARE_HEADER, shares),
        "FONSEScripMaster.txt": (CONTRACT_HEADER, contracts),
        "FOBSEScripMaster.txt": (CONTRACT_HEADER, []),
        "CDNSEScripMaster.txt": (CONTRACT_HEADER, []),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (header, rows) in files.items():
            archive.writestr(name, _text(header, rows))
    return buffer.getvalue()


def _text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The header as ICICI writes it: all names but the first begin with a space."""
    text = io.StringIO()
    spaced = [f'"{name}"' for name in header]
    text.write(", ".join(spaced) + "\n")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _contract(instrument: Instrument) -> Sequence[str]:
    is_future = instrument.kind is InstrumentKind.FUTURE
    lot = str(instrument.lot_size)
    return (
        str((instrument.kite_token or 0) // 256),
        "FUTIDX" if is_future else "OPTIDX",
        instrument.breeze_code or "",
        "FUTURE" if is_future else "OPTION",
        f"{instrument.expiry:%d-%b-%Y}",
        "0" if instrument.strike is None else f"{instrument.strike:f}",
        "XX" if is_future else instrument.kind.value,
        *("" for _ in range(19)),
        lot,
        lot,
        f"{instrument.tick_size:f}",
        instrument.name,
        instrument.name,
    )
