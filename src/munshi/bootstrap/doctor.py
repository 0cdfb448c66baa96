"""What `munshi doctor` looks with: nothing is opened that could fail, made or changed."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

from munshi.bootstrap.broker_lines import NO_SIMULATOR, find_endpoints
from munshi.clock import Clock, SystemClock
from munshi.doctor.ground import DatabaseSight, DoctorGround
from munshi.infrastructure.security.key_sources import KeySources
from munshi.settings import BrokerMode, Settings, load_settings_anyway


@contextmanager
def open_doctor(*, offline: bool = False, clock: Clock | None = None) -> Iterator[DoctorGround]:
    """The ground of the environment's desk, however broken. Raises nothing."""
    settings, complaints = load_settings_anyway()
    with closing(DatabaseSight(settings)) as sight:
        yield DoctorGround(
            settings=settings,
            complaints=complaints,
            clock=clock or SystemClock(),
            sight=sight,
            keys=KeySources(
                settings.home,
                chosen=settings.key_source,
                given=settings.master_key.get_secret_value(),
            ),
            hosts=_hosts(settings),
            offline=offline,
        )


def _hosts(settings: Settings) -> Mapping[str, str]:
    """The front doors of all that this desk calls, by what people call them."""
    at = find_endpoints(settings)
    if settings.brokers is BrokerMode.SIMULATED:
        return {} if at.kite.api == NO_SIMULATOR else {"simulator": at.kite.api}
    return {
        "Kite": _front_door(at.kite.api),
        "Kite login": _front_door(at.kite.web),
        "Breeze": _front_door(at.breeze.v1),
        "Breeze history": _front_door(at.breeze.v2),
        "Breeze instruments": _front_door(at.breeze.security_master),
    }


def _front_door(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/"
