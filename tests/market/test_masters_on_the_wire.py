"""ICICI's zip as it may arrive: what is unfit is refused with one error, and yesterday's stays."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from desks import TESTER, Desk
from munshi.bootstrap import BrokerEndpoints, open_services
from munshi.domain.enums import Service
from munshi.errors import BrokerUnavailableError
from munshi.settings import Settings
from raw_server import RawServer, http_reply
from simulators import Simulator

SHARE_HEAD = '"Token", "ShortName", "Series", "CompanyName", "ExchangeCode"\n'
SHARES = [
    f'"{number}","C{number}","EQ","Company {number}","S{number:02}"\n' for number in range(40)
]
CONTRACT_HEAD = (
    '"Token","InstrumentName","ShortName","Series", "ExpiryDate","StrikePrice","OptionType",'
    '"LotSize","CompanyName","ExchangeCode"\n'
)
CONTRACTS = [
    f'"{number}","OPTIDX","NIFTY","OPTION","01-Dec-2026","{24000 + 50 * number}","CE","65",'
    '"NIFTY","NIFTY"\n'
    for number in range(40)
]
Files = dict[str, str]


def files() -> Files:
    return {
        "NSEScripMaster.txt": SHARE_HEAD + "".join(SHARES),
        "BSEScripMaster.txt": SHARE_HEAD,
        "FONSEScripMaster.txt": CONTRACT_HEAD + "".join(CONTRACTS),
        "FOBSEScripMaster.txt": CONTRACT_HEAD,
    }


def packed(files: Files) -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def reply(archive: bytes) -> bytes:
    return http_reply(archive, content_type="application/zip")


@pytest.fixture
def served(
    desk_settings: Settings, simulator: Simulator, raw_server: RawServer
) -> Iterator[tuple[Desk, RawServer]]:
    """A desk that has loaded a good zip, on the day after."""
    endpoints = BrokerEndpoints.at(simulator.url)
    breeze = replace(endpoints.breeze, security_master=f"{raw_server.url}/SecurityMaster.zip")
    endpoints = replace(endpoints, breeze=breeze)
    raw_server.replies = [reply(packed(files()))]
    with open_services(desk_settings, clock=simulator.clock, endpoints=endpoints) as services:
        desk = Desk(services=services, simulator=simulator, clock=simulator.clock)
        services.instruments.load(Service.BREEZE, actor=TESTER)
        simulator.clock.advance(timedelta(days=1))
        yield desk, raw_server


def _without(column: str) -> Callable[[], bytes]:
    def make() -> bytes:
        found = files()
        for name in found:
            found[name] = found[name].replace(f'"{column}"', '"Reserved"')
        return packed(found)

    return make


def _with(name: str, text: str) -> Callable[[], bytes]:
    return lambda: packed(files() | {name: text})


CUT = CONTRACT_HEAD + "".join(CONTRACTS[:20]) + CONTRACTS[20][:30]
UNFIT: dict[str, tuple[Callable[[], bytes], str]] = {
    "cut off": (lambda: packed(files())[:700], r"no usable NSEScripMaster\.txt"),
    "nothing": (lambda: b"", "answered something other"),
    "a page": (lambda: b"<html>busy</html>", "answered something other"),
    "no file of contracts": (
        lambda: packed({"NSEScripMaster.txt": files()["NSEScripMaster.txt"]}),
        r"no usable BSEScripMaster\.txt",
    ),
    "no column of codes": (_without("ShortName"), "columns missing .*: ShortName"),
    "no column of lots": (_without("LotSize"), "columns missing .*: LotSize"),
    "half a row": (_with("FONSEScripMaster.txt", CUT), "unreadable row in FONSEScripMaster"),
    "half the rows": (
        _with("FONSEScripMaster.txt", CONTRACT_HEAD + "".join(CONTRACTS[:20])),
        "NFO lacks 20 of the 40",
    ),
    "no rows": (_with("NSEScripMaster.txt", SHARE_HEAD), "list of NSE is empty"),
    "no header": (_with("NSEScripMaster.txt", ""), "columns missing"),
    "a row twice": (
        _with("NSEScripMaster.txt", SHARE_HEAD + "".join([*SHARES, SHARES[3]])),
        "NSE:S03 twice",
    ),
    "a day with a zone": (
        _with(
            "FONSEScripMaster.txt",
            (CONTRACT_HEAD + "".join(CONTRACTS)).replace("01-Dec-2026", "2026-11-30T18:30:00Z"),
        ),
        "unreadable row in FONSEScripMaster",
    ),
}


@pytest.mark.parametrize(("archive", "told"), UNFIT.values(), ids=UNFIT)
def test_a_master_that_is_unfit_is_refused_told_and_changes_nothing(
    served: tuple[Desk, RawServer], archive: Callable[[], bytes], told: str
) -> None:
    desk, broker = served
    before = desk.services.instruments.list(limit=500).instruments
    broker.replies = [reply(archive())]

    with pytest.raises(BrokerUnavailableError, match=told) as refused:
        desk.services.instruments.load(Service.BREEZE, actor=TESTER)

    [alert] = desk.services.alerts.list_open()
    assert (alert.kind, alert.title) == ("instruments", str(refused.value))
    assert desk.services.instruments.list(limit=500).instruments == before
    assert not desk.services.instruments.is_loaded_today(Service.BREEZE)

    broker.replies = [reply(packed(files()))]
    desk.services.instruments.load(Service.BREEZE, actor=TESTER)

    assert desk.services.alerts.list_open() == []
    assert desk.services.instruments.is_loaded_today(Service.BREEZE)
