"""Looks at the rules: what holds fires, what holds no more ends, and time passes for the rest."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from munshi.clock import Clock
from munshi.domain.alert_rules import AlertRule, Fact, fingerprint_of, judge
from munshi.domain.alerts import Alert, AlertPolicy, AlertState, Severity
from munshi.errors import AppError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction
from munshi.settings import BrokerMode

FactSource = Callable[[], Iterable[Fact]]
_log = structlog.get_logger(__name__)
_NOTHING = AlertPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found. A source that could not be read is in `unknown`."""

    facts: Sequence[Fact]
    unknown: frozenset[str]

    @property
    def is_well(self) -> bool:
        """Whether all could be read and no component of the desk fails."""
        return not self.unknown and not any(
            each.source == "health" and each.status == "fail" for each in self.facts
        )


class RuleEngine:
    """Any number may look at once: an alert is opened once, and told once."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        mode: BrokerMode,
        sources: Mapping[str, FactSource],
        is_trading_day: Callable[[datetime], bool],
    ) -> None:
        self._database = database
        self._clock = clock
        self._mode = mode
        self._sources = {**self._tables(), **sources}
        self._is_trading_day = is_trading_day

    def look(self) -> Look:
        """Judge every rule once. Raises DatabaseUnreachableError."""
        look = self._find()
        now = self._clock.now()
        is_trading_day = self._is_trading_day(now)
        with self._database.reading() as tx:
            rules = tx.alerts.list_rules()
            known = {each.fingerprint: each for each in tx.alerts.list_open_alerts()}
        held = {
            fingerprint_of(rule, fact): (rule, fact)
            for rule, fact in judge(rules.values(), look.facts, is_trading_day=is_trading_day)
        }
        steps = [
            *(step for name, pair in held.items() if (step := _seen(known.get(name), name, *pair))),
            *(
                step
                for alert in known.values()
                if alert.fingerprint not in held
                and (step := _unseen(alert, rules, unknown=look.unknown))
            ),
        ]
        if steps:
            with self._database.transaction() as tx:
                for step in steps:
                    step(tx, now)
        return look

    def _find(self) -> Look:
        facts: list[Fact] = []
        unknown = set()
        for name, source in self._sources.items():
            try:
                facts += source()
            except AppError as error:
                unknown.add(name)
                _log.warning("alerts.source_unreadable", source=name, cause=error.detail)
        return Look(facts=facts, unknown=frozenset(unknown))

    def _tables(self) -> Mapping[str, FactSource]:
        def jobs() -> list[Fact]:
            with self._database.reading() as tx:
                return list(tx.alert_facts.list_jobs(now=self._clock.now()))

        def schedules() -> list[Fact]:
            with self._database.reading() as tx:
                return list(tx.alert_facts.list_missed(now=self._clock.now()))

        def gaps() -> list[Fact]:
            with self._database.reading() as tx:
                return list(tx.alert_facts.list_gaps(mode=self._mode, now=self._clock.now()))

        return {"jobs": jobs, "schedules": schedules, "gaps": gaps}


_Step = Callable[[Transaction, datetime], None]


def _seen(known: Alert | None, fingerprint: str, rule: AlertRule, fact: Fact) -> _Step | None:
    severity = rule.severity or Severity.WARNING
    if (
        known is not None
        and known.state == AlertState.FIRING
        and known.cleared_at is None
        and (known.severity, known.title) == (severity, fact.says)
    ):
        return None

    def step(tx: Transaction, now: datetime) -> None:
        tx.alerts.see(
            rule,
            fingerprint,
            severity=severity,
            title=fact.says,
            subject=fact.name[:200],
            source=fact.source,
            now=now,
        )

    return step


def _unseen(
    alert: Alert, rules: Mapping[str, AlertRule], *, unknown: frozenset[str]
) -> _Step | None:
    rule = rules.get(alert.kind) or AlertRule(name=alert.kind)
    if alert.source is None or alert.source in unknown:
        if alert.state == AlertState.FIRING and alert.cleared_at is None:
            return None
        return lambda tx, now: tx.alerts.pass_time(alert, rule, now=now)
    policy = rule.policy if rule.is_enabled and rule.when is not None else _NOTHING

    def step(tx: Transaction, now: datetime) -> None:
        tx.alerts.see_gone(alert, policy, now=now)

    return step
