"""The pages over a test's desk, without a browser."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from asgi import Caller
from crowd import House
from desks import TESTER, Desk
from munshi.dashboard.site import Site, create_site

KITE_LOGIN = {
    "job_type": "auto_login",
    "parameters": {"service": "kite"},
    "trigger": {"kind": "times", "times": ["06:15", "07:35"], "weekdays_only": True},
    "missed": {"policy": "run_once", "within_seconds": 28800},
    "enabled": True,
}


@pytest.fixture
def schedule(desk: Desk) -> str:
    """The name of a schedule that is due twice a day."""
    desk.services.schedules.set("kite_login", KITE_LOGIN, actor=TESTER)
    return "kite_login"


@pytest.fixture
def site(desk: Desk) -> Iterator[Site]:
    with closing(create_site(desk.services)) as opened:
        yield opened


@pytest.fixture
def local(site: Site) -> Caller:
    """Curl on this machine: the local operator."""
    return Caller(site.app)


@pytest.fixture
def inhabited(house: House, site: Site) -> House:
    """A user of each role, and pages."""
    return House(desk=house.desk, caller=Caller(site.app))
