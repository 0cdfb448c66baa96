"""Finding and listing instruments, with the brokers' lists loaded and without."""

import pytest

from desks import TESTER, Desk
from munshi.domain.enums import Service
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.sessions import Segment
from munshi.errors import CursorInvalidError, InstrumentUnknownError


@pytest.fixture
def loaded_desk(desk: Desk) -> Desk:
    desk.services.instruments.refresh(Service.BREEZE, actor=TESTER)
    return desk


def test_indices_are_known_before_any_list_is_loaded(desk: Desk) -> None:
    nifty = desk.services.instruments.find("banknifty")

    assert str(nifty.ref) == "NSE:NIFTY BANK"
    assert (nifty.kite_token, nifty.breeze_code) == (260105, "CNXBAN")


def test_what_is_in_no_list_is_refused_with_the_command_that_loads_them(desk: Desk) -> None:
    with pytest.raises(InstrumentUnknownError, match="NSE:RELIANCE is in no list") as refused:
        desk.services.instruments.find("nse:reliance")

    assert refused.value.hint == "Load the lists of today: munshi data instruments --refresh"


def test_pages_follow_each_other_to_the_end(loaded_desk: Desk) -> None:
    ask = loaded_desk.services.instruments.list
    whole = [str(one.ref) for one in ask(limit=5000).instruments]

    found: list[str] = []
    cursor = None
    while True:
        page = ask(cursor=cursor, limit=500)
        found += [str(one.ref) for one in page.instruments]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert found == whole
    assert len(whole) > 1000


@pytest.mark.parametrize("cursor", ["", "x", "****", "TlNFUkVMSUFOQ0U", "\u0661"])
def test_a_cursor_that_was_not_given_out_is_refused(loaded_desk: Desk, cursor: str) -> None:
    with pytest.raises(CursorInvalidError):
        loaded_desk.services.instruments.list(cursor=cursor)


def test_hours_go_by_the_list_and_else_by_the_exchange(loaded_desk: Desk) -> None:
    segment = loaded_desk.services.instruments.segment

    assert segment(InstrumentRef("NSE", "RELIANCE")) is Segment.CASH
    assert segment(InstrumentRef("BSE", "GONE")) is Segment.CASH
    assert segment(InstrumentRef("NFO", "NIFTY24D0524000CE")) is Segment.FNO


def test_it_is_known_when_the_lists_were_loaded(loaded_desk: Desk) -> None:
    assert loaded_desk.services.instruments.loaded_at() == {
        Service.KITE: None,
        Service.BREEZE: loaded_desk.clock.now(),
    }
