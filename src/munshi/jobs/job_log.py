"""The lines of one attempt, capped so that a chatty handler cannot hurt the database."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress

from munshi.clock import Clock
from munshi.domain.jobs import Job, JobLogLine, LogLevel
from munshi.infrastructure.causes import without_secret_values, without_secrets

MOST_LINES = 1000
EVENT_LENGTH = 2000
FIELDS_LENGTH = 4000


class JobLog:
    """Whoever uses it sees to the lock."""

    def __init__(self, job: Job, clock: Clock) -> None:
        self._job = job
        self._clock = clock
        self._count = 0
        self._unsaved: list[JobLogLine] = []

    @property
    def has_unsaved(self) -> bool:
        return bool(self._unsaved)

    def add(self, event: str, level: LogLevel, fields: Mapping[str, object]) -> None:
        """Beyond the cap only one line more is kept, which says so."""
        self._count += 1
        if self._count > MOST_LINES + 1:
            return
        if self._count == MOST_LINES + 1:
            event = f"The log of this attempt is full: {MOST_LINES:,} lines are kept, no more."
            level, fields = LogLevel.WARNING, {}
        self._unsaved.append(
            JobLogLine(
                job_id=self._job.job_id,
                attempt=self._job.attempt,
                line=self._count,
                logged_at=self._clock.now(),
                level=level,
                event=without_secrets(_said(event), longest=EVENT_LENGTH),
                fields=_plain(fields) if fields else None,
            )
        )

    def take(self) -> list[JobLogLine]:
        taken, self._unsaved = self._unsaved, []
        return taken

    def put_back(self, lines: Sequence[JobLogLine]) -> None:
        self._unsaved = [*lines, *self._unsaved]


def _said(event: object) -> str:
    try:
        return str(event)
    except Exception:  # noqa: BLE001 - whatever a handler logs
        return type(event).__name__


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    """`fields` as JSON can hold them, or a word on why not."""
    with suppress(Exception):  # whatever a handler logs
        text = json.dumps(dict(fields), default=str, allow_nan=False, ensure_ascii=False)
        if len(text) > FIELDS_LENGTH:
            return {"left_out": f"{len(text):,} characters of fields"}
        cleaned: dict[str, object] = without_secret_values(json.loads(text))
        return cleaned
    return {"left_out": "fields that are not JSON"}
