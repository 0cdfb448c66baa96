"""Health: takes samples of every component, keeps them, and says how the desk does.

No transaction is open while a check looks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from munshi.domain.alert_rules import Fact, covered_components
from munshi.domain.alerts import HEALTH_KIND, Severity
from munshi.domain.config_keys import HEALTH, STALE_MINUTES
from munshi.domain.health import Finding, HealthHour, HealthSample, HealthStatus, worst
from munshi.errors import DatabaseUnreachableError, HealthComponentUnknownError
from munshi.health.checks import CHECKS, COMPONENTS
from munshi.health.ground import Check, CheckGround
from munshi.health.readings import DeskReadings, read_desk
from munshi.health.retention import Retention
from munshi.health.runner import CheckRunner, Outcome
from munshi.infrastructure.database.transaction import Transaction

ALERT_KIND = HEALTH_KIND
SWEEP = "sweep"
# No broker is asked by these, and nothing is read but a few rows.
QUICK = frozenset({"database", "disk", "workers", "scheduler", "backlog", "audit_seal"})
Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """How the desk does; `samples` in the order of the checks, the sweep itself last."""

    status: HealthStatus
    samples: Sequence[HealthSample]
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthHistory:
    """One component's past, both lists newest first."""

    component: str
    samples: Sequence[HealthSample]
    hours: Sequence[HealthHour]


class HealthService:
    """One per process. `checks` is the registry."""

    def __init__(self, ground: CheckGround, *, checks: Sequence[Check] = CHECKS) -> None:
        self._ground = ground
        self._checks = checks
        self._runner = CheckRunner(ground)
        self._retention = Retention(ground.database, ground.config)

    def look(self, *, progress: Progress | None = None) -> HealthReport:
        """Check everything now. Nothing is stored, and nobody is alerted."""
        outcomes = self._check(progress)
        before = self._known()
        now = self._ground.clock.now()
        samples = [_sample(outcome, before, now=now) for outcome in outcomes]
        return _report(samples, now=now)

    def sweep(self, *, progress: Progress | None = None) -> HealthReport:
        """Check everything, keep it, roll up and prune, and alert of what turned.

        Raises DatabaseUnreachableError: then there is nowhere to keep it.
        """
        outcomes = self._check(progress)
        with self._ground.database.reading() as tx:
            before = {each.component: each for each in tx.health.list_latest()}
        now = self._ground.clock.now()
        samples = [_sample(outcome, before, now=now) for outcome in outcomes]
        turned = [
            (outcome.check, sample)
            for outcome, sample in zip(outcomes, samples, strict=True)
            if sample.is_failing != _was_failing(before, sample.component)
        ]
        database = self._ground.database
        # A sample may be lost in a power cut, an alert may not, and they must not part.
        with database.transaction() if turned else database.operational() as tx:
            tx.health.save_samples(samples)
            by_rule = covered_components(
                tx.alerts.list_rules().values() if turned else (),
                [check.component for check, _ in turned],
            )
            for check, sample in turned:
                if check.component not in by_rule:
                    _alert(tx, check, sample, now=now)
        self._retention.roll_up(now)
        self._retention.prune(now)
        return _report(samples, now=now)

    def report(self) -> HealthReport:
        """The last sweep, with what is critical asked anew. Quick."""
        now = self._ground.clock.now()
        before = self._known()
        fresh = {
            outcome.check.component: _sample(outcome, before, now=now)
            for outcome in self._runner.run(c for c in self._checks if c.is_critical)
        }
        known = {**before, **fresh}
        samples = [known[c.component] for c in self._checks if c.component in known]
        return _report([*samples, self._sweep_sample(before, now=now)], now=now)

    def facts(self) -> list[Fact]:
        """What rules for alerts look at: the last sweep, with what is quick to find asked anew.

        Without a worker nobody sweeps, so nothing here may wait for a sweep.
        """
        before = self._known()
        now = self._ground.clock.now()
        quick = [check for check in self._checks if check.component in QUICK]
        fresh = {
            outcome.check.component: _sample(outcome, before, now=now)
            for outcome in self._runner.run(quick)
        }
        sweep = self._sweep_sample(before, now=now)
        return [_fact(each) for each in ({**before, **fresh} | {SWEEP: sweep}).values()]

    def readings(self) -> DeskReadings:
        """What metrics tell. Raises nothing for a database that is away."""
        return read_desk(self._ground)

    def history(self, component: str, *, limit: int = 24) -> HealthHistory:
        """The component's last samples and hours. Raises HealthComponentUnknownError."""
        if component not in COMPONENTS:
            raise HealthComponentUnknownError(
                f"There is no component {component[:60]!r}.",
                hint=f"Components: {', '.join(COMPONENTS)}.",
            )
        with self._ground.database.reading() as tx:
            return HealthHistory(
                component=component,
                samples=tx.health.list_samples(component, limit=limit),
                hours=tx.health.list_hours(component, limit=limit),
            )

    def _check(self, progress: Progress | None) -> list[Outcome]:
        if progress is not None:
            progress(5, f"Checking {len(self._checks)} components.")
        outcomes = self._runner.run(self._checks)
        if progress is not None:
            progress(90, "Checked; keeping what was found.")
        return outcomes

    def _known(self) -> Mapping[str, HealthSample]:
        """The last sweep by component; nothing while the database cannot be read."""
        try:
            with self._ground.database.reading() as tx:
                return {each.component: each for each in tx.health.list_latest()}
        except DatabaseUnreachableError:
            return {}

    def _sweep_sample(self, before: Mapping[str, HealthSample], *, now: datetime) -> HealthSample:
        """Whether the samples are young enough to go by."""
        last = max((each.checked_at for each in before.values()), default=None)
        finding = self._judge_sweep(last, now=now)
        return HealthSample(
            component=SWEEP,
            finding=finding,
            response_time_ms=None,
            error_count=0,
            checked_at=now,
            last_error=None,
            last_error_at=None,
        )

    def _judge_sweep(self, last: datetime | None, *, now: datetime) -> Finding:
        if last is None:
            return Finding(status=HealthStatus.UNKNOWN, message="No health sweep has run yet.")
        age = (now - last).total_seconds()
        limit: int = self._ground.config.value(HEALTH, STALE_MINUTES)
        is_stale = now - last > timedelta(minutes=limit)
        message = f"The last health sweep was {age / 60:.0f} minutes ago."
        if is_stale:
            message += " Does a scheduler run, and a worker? munshi serve has both."
        return Finding(
            status=HealthStatus.WARN if is_stale else HealthStatus.PASS,
            message=message,
            value=round(age, 1),
            unit="s",
        )


def _sample(outcome: Outcome, before: Mapping[str, HealthSample], *, now: datetime) -> HealthSample:
    component = outcome.check.component
    last = before.get(component)
    failing = outcome.finding.status is HealthStatus.FAIL
    kept = (last.last_error, last.last_error_at) if last else (None, None)
    error, error_at = (outcome.finding.message, now) if failing else kept
    return HealthSample(
        component=component,
        finding=outcome.finding,
        response_time_ms=outcome.milliseconds,
        error_count=(last.error_count if last else 0) + 1 if failing else 0,
        checked_at=now,
        last_error=error,
        last_error_at=error_at,
    )


def _fact(sample: HealthSample) -> Fact:
    """Its numbers: `value`, the number that was judged under its unit's name, and every fact."""
    finding = sample.finding
    numbers = {
        name: float(value)
        for name, value in finding.facts.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if finding.value is not None:
        numbers["value"] = float(finding.value)
    return Fact(
        source="health",
        name=sample.component,
        says=f"{sample.component}: {finding.message}",
        measures=numbers,
        status=str(finding.status),
    )


def _was_failing(before: Mapping[str, HealthSample], component: str) -> bool:
    return component in before and before[component].is_failing


def _alert(tx: Transaction, check: Check, sample: HealthSample, *, now: datetime) -> None:
    """Raise it at the first failure and resolve it at the first sweep that goes well."""
    fingerprint = f"{ALERT_KIND}:{check.component}"
    if not sample.is_failing:
        tx.alerts.resolve_alert(fingerprint, now=now)
        return
    tx.alerts.raise_alert(
        fingerprint,
        kind=ALERT_KIND,
        severity=Severity.CRITICAL if check.is_critical else Severity.WARNING,
        title=f"{check.component}: {sample.finding.message}",
        subject=check.component,
        now=now,
    )


def _report(samples: Sequence[HealthSample], *, now: datetime) -> HealthReport:
    return HealthReport(
        status=worst(each.status for each in samples), samples=samples, asked_at=now
    )
