"""The pages over a test's desk, without a browser."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from asgi import Caller
from crowd import House
from desks import Desk
from munshi.dashboard.site import Site, create_site


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
