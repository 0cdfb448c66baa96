"""The `instrument_load` job: both brokers' lists of the day, each once."""

from collections.abc import Callable
from typing import Any, Protocol

from munshi.domain.audit import job_actor
from munshi.domain.enums import Service
from munshi.domain.job_params import NoParams
from munshi.errors import BrokerSessionExpiredError, BrokerUnavailableError, LoginNeededError
from munshi.jobs.run import JobRun
from munshi.market.instruments import InstrumentService

# Kite's list needs a login, which may be hours away; ICICI's does not wait for that.
_ORDER = (Service.BREEZE, Service.KITE)


class InstrumentServices(Protocol):
    """What this job needs of the desk."""

    @property
    def instruments(self) -> InstrumentService: ...

    @property
    def ask_for_login(self) -> Callable[[Service], str]: ...


def run(services: InstrumentServices, run: JobRun, _: NoParams) -> dict[str, Any]:
    """Load what was not loaded today, and forget contracts that expired long ago.

    A list that is refused, or does not come, does not keep the other from being loaded; then the
    job fails with that failure, and another try may find a better list.
    """
    actor = job_actor(run.job_id)
    report: dict[str, Any] = {}
    failure: BrokerUnavailableError | None = None
    for place, service in enumerate(_ORDER):
        if services.instruments.is_loaded_today(service):
            report[service.value] = "loaded before"
            continue
        run.progress(10 + 40 * place, f"Loading {service.capitalize()}'s lists.")
        try:
            report[service.value] = services.instruments.load(service, actor=actor)
        except BrokerUnavailableError as refused:
            failure = refused
        except (LoginNeededError, BrokerSessionExpiredError):
            if failure is not None:
                raise failure from None
            run.pause_for_login(service, services.ask_for_login(service))
    if failure is not None:
        raise failure
    run.progress(90, "Forgetting contracts that expired long ago.")
    report["forgotten"] = services.instruments.cleanup(actor=actor)
    return report
