"""The `data_verification` job: hashes candle files, and asks a broker again for damaged ones."""

from collections.abc import Callable
from typing import Any, Protocol

from munshi.domain.enums import Service
from munshi.domain.job_params import VerificationParams
from munshi.jobs.run import JobRun
from munshi.market.verification import CandleVerifier


class VerificationServices(Protocol):
    """What this job needs of the desk."""

    @property
    def verifier(self) -> CandleVerifier: ...

    @property
    def ask_for_login(self) -> Callable[[Service], str]: ...


def run(
    services: VerificationServices, run: JobRun, parameters: VerificationParams
) -> dict[str, Any]:
    """Hash, and repair where asked to; what was repaired before a login ended stays so."""
    return services.verifier.verify(
        parameters,
        progress=run.progress,
        await_login=lambda service: run.pause_for_login(service, services.ask_for_login(service)),
    )
