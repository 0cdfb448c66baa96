"""What the options that choose jobs come to."""

from munshi.cli.job_choice import Choice
from munshi.clock import IST
from munshi.errors import DateRangeInvalidError
from munshi.infrastructure.database.job_repository import JobFilter
from munshi.jobs.service import known_id


def read_filter(choice: Choice) -> JobFilter:
    """Times without a zone are IST.

    Raises DateRangeInvalidError, or JobUnknownError for a parent that is no id.
    """
    if choice.since is not None and choice.until is not None and choice.until <= choice.since:
        raise DateRangeInvalidError(
            "The time range ends before it begins.", hint="Swap --since and --until."
        )
    return JobFilter(
        states=frozenset(choice.states) if choice.states else None,
        job_type=choice.job_type,
        queue=choice.queue,
        schedule_name=choice.schedule,
        parent_id=known_id(choice.parent) if choice.parent else None,
        said=choice.said,
        created_from=choice.since and choice.since.replace(tzinfo=IST),
        created_before=choice.until and choice.until.replace(tzinfo=IST),
    )
