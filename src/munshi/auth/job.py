"""Jobs of signing in: `auto_login`, by itself or by link, `session_watch`, `session_cleanup`."""

from dataclasses import asdict
from typing import Any, Protocol

from munshi.auth.login_book import session_result
from munshi.auth.login_watch import LoginWatch
from munshi.auth.logins import BrokerLogins
from munshi.domain.audit import job_actor
from munshi.domain.job_params import AutoLoginParams, NoParams
from munshi.errors import LoginNeededError
from munshi.jobs.run import JobRun


class LoginServices(Protocol):
    """What these jobs need of the desk."""

    @property
    def logins(self) -> BrokerLogins: ...

    @property
    def login_watch(self) -> LoginWatch: ...


def run(services: LoginServices, run: JobRun, parameters: AutoLoginParams) -> dict[str, Any]:
    """Log in at one broker; a login that is still good is left alone."""
    broker = services.logins.of(parameters.service)
    standing = broker.restore()
    if standing is not None:
        run.progress(100, f"Already logged in at {parameters.service}.")
        return dict(session_result(standing))
    run.progress(10, f"Logging in at {parameters.service}.")
    try:
        session = broker.login_headless(actor=job_actor(run.job_id))
    except LoginNeededError:
        run.pause_for_login(parameters.service, broker.book.login_link())
    return dict(session_result(session))


def watch(services: LoginServices, run: JobRun, _: NoParams) -> dict[str, Any]:
    """The `session_watch` job: say what ends, and try out what was rejected."""
    run.progress(10, "Looking at the logins.")
    return {str(service): str(state) for service, state in services.login_watch.look().items()}


def clean_up(services: LoginServices, run: JobRun, _: NoParams) -> dict[str, Any]:
    """The `session_cleanup` job: end what has expired, as `/auth/db/cleanup` does."""
    run.progress(10, "Ending sessions that have expired.")
    counts = services.logins.cleanup(actor=job_actor(run.job_id))
    return asdict(counts)
