"""The jobs that keep the desk tidy: `job_cleanup` and `database_maintenance`."""

from dataclasses import asdict
from typing import Any, Protocol

from munshi.config.service import ConfigService
from munshi.domain.audit import Actor, job_actor
from munshi.domain.config_keys import (
    ALERTS,
    JOBS,
    KEEP_ALERT_DAYS,
    KEEP_DAYS,
    KEEP_PROVISIONAL_DAYS,
    KEEP_QUOTE_DAYS,
    KEEP_RUN_DAYS,
    MARKET,
    SCHEDULER,
)
from munshi.domain.job_params import NoParams
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.maintenance import care_for
from munshi.jobs.run import JobRun
from munshi.jobs.service import JobService


class KeptRuns(Protocol):
    """Where it is written what became of each due time of a schedule."""

    def cleanup(self, days: int, *, actor: Actor) -> int: ...


class KeptCalls(Protocol):
    """Where the calls to brokers are counted."""

    def cleanup(self) -> int: ...


class KeptBars(Protocol):
    """Minutes of streams that history has not confirmed."""

    def cleanup(self, days: int) -> int: ...


class KeptQuotes(Protocol):
    """What streams showed of the books."""

    def cleanup(self, days: int) -> int: ...


class KeptAlerts(Protocol):
    """Which alerts there were, and what was told of them."""

    def cleanup(self, days: int, *, actor: Actor) -> int: ...


class CleanupServices(Protocol):
    """What `job_cleanup` needs of the desk."""

    @property
    def jobs(self) -> JobService: ...

    @property
    def schedules(self) -> KeptRuns: ...

    @property
    def limits(self) -> KeptCalls: ...

    @property
    def provisional(self) -> KeptBars: ...

    @property
    def kept_quotes(self) -> KeptQuotes: ...

    @property
    def alerts(self) -> KeptAlerts: ...

    @property
    def config(self) -> ConfigService: ...


class MaintenanceServices(Protocol):
    """What `database_maintenance` needs of the desk."""

    @property
    def database(self) -> Database: ...


def clean_up_jobs(services: CleanupServices, run: JobRun, _: NoParams) -> dict[str, Any]:
    """Delete the jobs and the runs of schedules that are older than the configuration says."""
    actor = job_actor(run.job_id)
    days: int = services.config.value(JOBS, KEEP_DAYS)
    run.progress(10, f"Deleting jobs that ended more than {days} days ago.")
    deleted = services.jobs.cleanup(days, actor=actor)
    run_days: int = services.config.value(SCHEDULER, KEEP_RUN_DAYS)
    run.progress(60, f"Forgetting runs of schedules of more than {run_days} days ago.")
    forgotten = services.schedules.cleanup(run_days, actor=actor)
    run.progress(80, "Forgetting old counts of calls to brokers.")
    calls_forgotten = services.limits.cleanup()
    bar_days: int = services.config.value(MARKET, KEEP_PROVISIONAL_DAYS)
    run.progress(90, f"Forgetting unconfirmed bars of more than {bar_days} days ago.")
    bars_forgotten = services.provisional.cleanup(bar_days)
    quote_days: int = services.config.value(MARKET, KEEP_QUOTE_DAYS)
    run.progress(92, f"Forgetting quotes of more than {quote_days} days ago.")
    quotes_forgotten = services.kept_quotes.cleanup(quote_days)
    alert_days: int = services.config.value(ALERTS, KEEP_ALERT_DAYS)
    run.progress(95, f"Forgetting alerts that ended more than {alert_days} days ago.")
    alerts_forgotten = services.alerts.cleanup(alert_days, actor=actor)
    return {
        "days": days,
        "deleted": deleted,
        "run_days": run_days,
        "runs_forgotten": forgotten,
        "call_counts_forgotten": calls_forgotten,
        "unconfirmed_bars_forgotten": bars_forgotten,
        "quotes_forgotten": quotes_forgotten,
        "alerts_forgotten": alerts_forgotten,
    }


def maintain_database(services: MaintenanceServices, run: JobRun, _: NoParams) -> dict[str, Any]:
    """Care for every table; the result is the report that people read."""
    report = care_for(services.database, progress=run.progress)
    summary = f"{len(report.tables)} tables were cared for."
    if report.advice:
        summary += f" There is advice: {report.advice[0]}"
    return {"summary": summary, **asdict(report)}
