"""Rules for alerts: which numbers of the desk are too high or too low, for how long, how grave."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from munshi.domain.alerts import AlertPolicy, Severity
from munshi.domain.config_values import Document, Flag, Text, Whole
from munshi.errors import ConfigValueInvalidError

SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "health": "components of the desk, by name",
        "jobs": "jobs by type: dead, held, failed (of the last day)",
        "schedules": "schedules by name: missed (of the last day)",
        "quota": "limits of the brokers by name: used_percent (of the day)",
        "gaps": "candles by EXCHANGE:SYMBOL INTERVAL: days (with bars missing, seen in a day)",
    }
)
_GRAVITY = {"pass": 0, "unknown": 0, "warn": 1, "fail": 2}
TESTS = ("above", "below", "status")
MOST_LABELS = 20
_LONGEST = 30 * 86_400
_AT_ONCE = AlertPolicy()
_NUMBER = Whole(smallest=-1_000_000_000_000, largest=1_000_000_000_000)
CONDITION = Document(
    fields=MappingProxyType(
        {
            "source": Text(choices=tuple(SOURCES)),
            "name": Text(longest=100),
            "except": Text(longest=500),
            "measure": Text(longest=50),
            "above": _NUMBER,
            "below": _NUMBER,
            "status": Text(choices=("warn", "fail")),
            "trading_days": Flag(),
        }
    ),
    optional=frozenset({"name", "except", "measure", *TESTS, "trading_days"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """A few short words by name."""

    kind: str = "labels"

    def check(self, value: object, *, name: str) -> None:
        if not isinstance(value, Mapping) or len(value) > MOST_LABELS:
            raise ConfigValueInvalidError(
                f"{name} must be an object of at most {MOST_LABELS} labels."
            )
        for key, each in value.items():
            Text(longest=50).check(key, name=name)
            Text(longest=100).check(each, name=f"{name}.{key}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNames:
    """Names of labels, none twice; there may be none."""

    kind: str = "names"

    def check(self, value: object, *, name: str) -> None:
        if not isinstance(value, list) or len(value) > MOST_LABELS:
            raise ConfigValueInvalidError(
                f'{name} must be a list of at most {MOST_LABELS} names, like ["kind", "broker"].'
            )
        for each in value:
            Text(longest=50).check(each, name=name)
        if len(set(value)) < len(value):
            raise ConfigValueInvalidError(f"{name} must have each name once.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePath:
    """The path of a page of ours."""

    kind: str = "path"

    def check(self, value: object, *, name: str) -> None:
        Text(longest=500).check(value, name=name)
        if not str(value).startswith("/") or str(value).startswith("//"):
            raise ConfigValueInvalidError(f"{name} must be a path of this desk, like /ui/jobs.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionShape:
    """What a rule looks at, and one of above, below, status."""

    kind: str = "condition"

    def check(self, value: object, *, name: str) -> None:
        CONDITION.check(value, name=name)
        given = [test for test in TESTS if isinstance(value, Mapping) and test in value]
        if len(given) != 1:
            raise ConfigValueInvalidError(f"{name} must have one of {', '.join(TESTS)}.")
        if given != ["status"] and isinstance(value, Mapping) and "measure" not in value:
            raise ConfigValueInvalidError(f"{name} lacks measure, the number that is judged.")


RULE_SHAPE = Document(
    fields=MappingProxyType(
        {
            "severity": Text(choices=tuple(Severity)),
            "enabled": Flag(),
            "for_seconds": Whole(smallest=0, largest=_LONGEST),
            "times": Whole(smallest=1, largest=1000),
            "keep_firing_seconds": Whole(smallest=0, largest=_LONGEST),
            "labels": Labels(),
            "means": Text(longest=500),
            "page": PagePath(),
            "when": ConditionShape(),
        }
    ),
    optional=frozenset(
        {
            *("severity", "enabled", "for_seconds", "times", "keep_firing_seconds"),
            *("labels", "means", "page", "when"),
        }
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is so of one thing at this moment. `says` is a sentence for people."""

    source: str
    name: str
    says: str
    measures: Mapping[str, float] = field(default_factory=dict)
    status: str = "pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`names` and `but` are patterns with stars; `but` has several, with spaces between."""

    source: str
    names: str = "*"
    but: str = ""
    measure: str = ""
    above: int | None = None
    below: int | None = None
    status: str | None = None
    trading_days: bool = False

    def covers(self, source: str, name: str) -> bool:
        if source != self.source or not fnmatchcase(name, self.names):
            return False
        return not any(fnmatchcase(name, pattern) for pattern in self.but.split())

    def holds(self, fact: Fact) -> bool:
        """Whether it is so; what is not measured is not so."""
        if not self.covers(fact.source, fact.name):
            return False
        if self.status is not None:
            return _GRAVITY.get(fact.status, 0) >= _GRAVITY[self.status]
        value = fact.measures.get(self.measure)
        if value is None:
            return False
        if self.above is not None:
            return value > self.above
        return self.below is not None and value < self.below


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """How alerts of one kind are dealt with. Without `when`, a part of the desk raises them.

    `severity` None leaves it to whoever raises it. `means` says what it means for today, `page` is
    where it is mended.
    """

    name: str
    severity: Severity | None = None
    is_enabled: bool = True
    policy: AlertPolicy = _AT_ONCE
    labels: Mapping[str, str] = field(default_factory=dict)
    means: str = ""
    page: str = ""
    when: Condition | None = None


def read_rule(name: str, document: Mapping[str, Any]) -> AlertRule:
    """The rule of a document that fits `RULE_SHAPE`."""
    severity = document.get("severity")
    return AlertRule(
        name=name,
        severity=None if severity is None else Severity(severity),
        is_enabled=document.get("enabled", True),
        policy=AlertPolicy(
            lasting=timedelta(seconds=document.get("for_seconds", 0)),
            times=document.get("times", 1),
            keep_firing=timedelta(seconds=document.get("keep_firing_seconds", 0)),
        ),
        labels=document.get("labels", {}),
        means=document.get("means", ""),
        page=document.get("page", ""),
        when=_condition(document["when"]) if "when" in document else None,
    )


def _condition(document: Mapping[str, Any]) -> Condition:
    return Condition(
        source=document["source"],
        names=document.get("name", "*"),
        but=document.get("except", ""),
        measure=document.get("measure", ""),
        above=document.get("above"),
        below=document.get("below"),
        status=document.get("status"),
        trading_days=document.get("trading_days", False),
    )


def judge(
    rules: Iterable[AlertRule], facts: Iterable[Fact], *, is_trading_day: bool
) -> Iterator[tuple[AlertRule, Fact]]:
    """Every rule that holds, with the fact it holds of."""
    known = list(facts)
    for rule in rules:
        if not rule.is_enabled or rule.when is None:
            continue
        if rule.when.trading_days and not is_trading_day:
            continue
        for fact in known:
            if rule.when.holds(fact):
                yield rule, fact


def fingerprint_of(rule: AlertRule, fact: Fact) -> str:
    return f"{rule.name}:{fact.name}"[:200]


def covered_components(rules: Iterable[AlertRule], components: Iterable[str]) -> frozenset[str]:
    """The components of health that some rule in force looks at."""
    conditions = [rule.when for rule in rules if rule.is_enabled and rule.when is not None]
    return frozenset(
        name for name in components if any(each.covers("health", name) for each in conditions)
    )
