"""Which jobs a command means: the options that say so."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from munshi.domain.jobs import JobState

JobId = Annotated[str, typer.Argument(metavar="JOB_ID", help="As `munshi jobs list` shows it.")]
JobIds = Annotated[
    list[str] | None, typer.Argument(metavar="JOB_ID", help="As `munshi jobs list` shows them.")
]
States = Annotated[
    list[JobState] | None, typer.Option("--state", help="Only in this state; repeatable.")
]
JobType = Annotated[str | None, typer.Option("--type", help="Only of this type.")]
Queue = Annotated[str | None, typer.Option("--queue", help="Only in this queue.")]
Schedule = Annotated[str | None, typer.Option("--schedule", help="Only of this schedule.")]
Parent = Annotated[
    str | None, typer.Option("--parent", metavar="JOB_ID", help="Only parts of this job.")
]
Said = Annotated[
    str | None, typer.Option("--said", metavar="TEXT", help="Only with this in error or message.")
]
Since = Annotated[datetime | None, typer.Option("--since", help="Made from this moment on (IST).")]
Until = Annotated[datetime | None, typer.Option("--until", help="Made before this moment (IST).")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The options as typed."""

    states: list[JobState] | None = None
    job_type: str | None = None
    queue: str | None = None
    schedule: str | None = None
    parent: str | None = None
    said: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it means every job there is."""
        return self == Choice() or self == Choice(states=[])
