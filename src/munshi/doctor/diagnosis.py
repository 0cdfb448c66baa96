"""What the doctor says of one thing: its state, what was found, and what mends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from munshi.domain.health import Finding, HealthStatus
from munshi.errors import AppError
from munshi.infrastructure.causes import cause, without_secrets


class State(StrEnum):
    """`skipped` was not looked at, and `found` says why."""

    OK = "ok"
    WARN = "warn"
    BROKEN = "broken"
    SKIPPED = "skipped"


_STATES = {
    HealthStatus.PASS: State.OK,
    HealthStatus.UNKNOWN: State.OK,
    HealthStatus.WARN: State.WARN,
    HealthStatus.FAIL: State.BROKEN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One line. `mend` is the command or the edit that helps, if one is known."""

    what: str
    state: State
    found: str
    mend: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


class CannotLookError(Exception):
    """Something else, which has a line of its own, must be mended before this can be seen."""


def of_finding(
    what: str, finding: Finding, *, mend: str, at_worst: State = State.BROKEN
) -> Diagnosis:
    """A health check's finding, with the command that mends it where it is not well."""
    state = _STATES[finding.status]
    if state is State.BROKEN:
        state = at_worst
    return Diagnosis(
        what=what,
        state=state,
        found=finding.message,
        mend=None if state is State.OK else mend,
        facts={**finding.facts, "value": finding.value, "unit": finding.unit},
    )


def of_error(what: str, error: BaseException, *, state: State = State.BROKEN) -> Diagnosis:
    """What went wrong, in its own words if it is ours, without secrets."""
    if isinstance(error, CannotLookError):
        return Diagnosis(what=what, state=State.SKIPPED, found=str(error))
    if isinstance(error, OSError) and error.filename is not None:
        return Diagnosis(
            what=what,
            state=state,
            found=f"{error.filename}: {error.strerror}.",
            mend="Give it to this account (chown, chmod), or set MUNSHI_HOME to another folder.",
        )
    hint = error.hint if isinstance(error, AppError) else None
    return Diagnosis(
        what=what,
        state=state,
        found=cause(error),
        mend=None if hint is None else without_secrets(hint),
    )
