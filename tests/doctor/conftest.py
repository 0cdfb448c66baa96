"""A doctor at a desk of the test's own."""

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from doctor_types import Doctor, Findings
from munshi.clock import Clock, SystemClock
from munshi.doctor.examination import examine
from munshi.doctor.ground import DatabaseSight, DoctorGround
from munshi.infrastructure.security.key_sources import KeySources
from munshi.settings import BrokerMode, load_settings_anyway


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """What is found at a home, by what each line is about; settings are given by name."""

    def look(
        *,
        clock: Clock | None = None,
        hosts: Mapping[str, str] | None = None,
        patience_seconds: float = 30,
        **given: object,
    ) -> Findings:
        base: dict[str, object] = {
            "_env_file": None,
            "home": tmp_path,
            "env_file": tmp_path / ".env",
            "port": 0,
            "brokers": BrokerMode.SIMULATED,
        }
        settings, complaints = load_settings_anyway(**(base | given))
        sight = DatabaseSight(settings)
        ground = DoctorGround(
            settings=settings,
            complaints=complaints,
            clock=clock or SystemClock(),
            sight=sight,
            keys=KeySources(settings.home, chosen=settings.key_source, given=""),
            hosts=hosts or {},
            offline=hosts is None,
        )
        try:
            return {each.what: each for each in examine(ground, patience_seconds=patience_seconds)}
        finally:
            for thread in threading.enumerate():
                if thread.name == "database":  # it may still hold what is closed now
                    thread.join(5)
            sight.close()

    return look
