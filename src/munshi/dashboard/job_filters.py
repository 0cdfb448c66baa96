"""Which jobs a page shows: read from its address, and written into it, so that it can be shared."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time

from starlette.datastructures import QueryParams

from munshi.clock import IST
from munshi.domain.jobs import JobState
from munshi.errors import DateRangeInvalidError, RequestInvalidError
from munshi.infrastructure.database.job_repository import JobFilter

_LONGEST = 200
_TEXTS = ("job_type", "queue", "said")
_MOMENTS = ("since", "until")
_DAY = len("2026-11-20")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuery:
    """What the form of the list holds, as it was typed; times are IST, to the minute."""

    states: tuple[JobState, ...] = ()
    job_type: str = ""
    queue: str = ""
    said: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def read(cls, query: QueryParams) -> "JobQuery":
        """Raises RequestInvalidError, in one sentence."""
        texts = {name: query.get(name, "").strip() for name in (*_TEXTS, *_MOMENTS)}
        for name, text in texts.items():
            if len(text) > _LONGEST or not text.isprintable():
                raise RequestInvalidError(f"{name} is too long or holds what cannot be typed.")
        found = cls(states=_states(query.getlist("state")), **texts)
        found.to_filter()
        return found

    def to_filter(self) -> JobFilter:
        """Raises RequestInvalidError or DateRangeInvalidError."""
        since, until = (read_moment(name, getattr(self, name)) for name in _MOMENTS)
        if since is not None and until is not None and until <= since:
            raise DateRangeInvalidError(
                "The time range ends before it begins.", hint="Swap since and until."
            )
        return JobFilter(
            states=frozenset(self.states) or None,
            job_type=self.job_type or None,
            queue=self.queue or None,
            said=self.said or None,
            created_from=since,
            created_before=until,
        )

    def given(self) -> Mapping[str, object]:
        """The part of an address that leads here again."""
        texts = {name: getattr(self, name) for name in (*_TEXTS, *_MOMENTS)}
        return {"state": tuple(str(each) for each in self.states), **texts}


def _states(typed: list[str]) -> tuple[JobState, ...]:
    try:
        chosen = {JobState(each) for each in typed if each}
    except ValueError:
        raise RequestInvalidError(
            "A state that was asked for is none.", hint=f"There are: {', '.join(JobState)}."
        ) from None
    return tuple(state for state in JobState if state in chosen)


def read_moment(name: str, typed: str) -> datetime | None:
    """A day, or a day and a minute, of IST. Raises RequestInvalidError."""
    if not typed:
        return None
    try:
        found = datetime.fromisoformat(typed)
        if len(typed) == _DAY:
            found = datetime.combine(found, time(0))
        local = found if found.tzinfo else found.replace(tzinfo=IST)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RequestInvalidError(
            f"{name} is no day and time.", hint="Write it as 2026-11-20T09:15, in IST."
        ) from None
