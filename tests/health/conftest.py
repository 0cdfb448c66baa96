"""What health checks stand on in tests: each database, simulated brokers, a clock tests set."""

from pathlib import Path

import pytest

from clocks import FakeClock
from health.ward import Clinic, Ward
from munshi.config.service import ConfigService
from munshi.domain.enums import Service
from munshi.domain.market.calendar import MarketCalendar
from munshi.health.ground import CheckGround
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode


@pytest.fixture
def ward(
    database: Database,
    simulated_clock: FakeClock,
    tmp_path: Path,
    kite_client: KiteClient,
    breeze_client: BreezeClient,
) -> Ward:
    ground = CheckGround(
        database=database,
        clock=simulated_clock,
        home=tmp_path,
        mode=BrokerMode.SIMULATED,
        config=ConfigService(database, simulated_clock),
        calendar=MarketCalendar.packaged,
        pulses={Service.KITE: kite_client.pulse, Service.BREEZE: breeze_client.pulse},
    )
    return Ward(ground, simulated_clock)


@pytest.fixture
def clinic(ward: Ward) -> Clinic:
    return Clinic(ward)
