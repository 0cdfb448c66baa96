"""SQL for JobLogs and JobArtifacts: what a job said and what it left as files."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select

from munshi.domain.jobs import JobArtifact, JobLogLine, LogLevel
from munshi.infrastructure.database.models import job_artifacts, job_logs

_lines, _files = job_logs.c, job_artifacts.c
_INSERT = insert(job_logs)
_LIST = (
    select(job_logs)
    .where(
        _lines.job_id == bindparam("row"),
        (_lines.attempt > bindparam("after_attempt"))
        | (
            (_lines.attempt == bindparam("after_attempt")) & (_lines.line > bindparam("after_line"))
        ),
    )
    .order_by(_lines.attempt, _lines.line)
    .limit(bindparam("most"))
)
_LIST_LAST = (
    select(job_logs)
    .where(_lines.job_id == bindparam("row"))
    .order_by(_lines.attempt.desc(), _lines.line.desc())
    .limit(bindparam("most"))
)
_COUNT = select(func.count()).where(_lines.job_id == bindparam("row"))
_FORGET_ARTIFACT = delete(job_artifacts).where(
    _files.job_id == bindparam("row"), _files.name == bindparam("called")
)
_INSERT_ARTIFACT = insert(job_artifacts)
_ARTIFACTS = select(job_artifacts).where(_files.job_id == bindparam("row")).order_by(_files.name)
_PATHS = select(_files.path).where(_files.path.in_(bindparam("paths", expanding=True)))


class JobLogRepository:
    """Lines and artifacts of jobs; both go with their job."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, lines: Sequence[JobLogLine]) -> None:
        """Store lines of jobs that exist."""
        if lines:
            self._connection.execute(
                _INSERT,
                [
                    {
                        "job_id": line.job_id,
                        "attempt": line.attempt,
                        "line": line.line,
                        "logged_at": line.logged_at,
                        "level": line.level,
                        "event": line.event,
                        "fields": line.fields,
                    }
                    for line in lines
                ],
            )

    def list_lines(
        self, job_id: UUID, *, after: tuple[int, int] = (0, 0), limit: int = 1000
    ) -> list[JobLogLine]:
        """Oldest first, beyond the attempt and line `after`."""
        rows = self._connection.execute(
            _LIST,
            {"row": job_id, "after_attempt": after[0], "after_line": after[1], "most": limit},
        )
        return [_to_line(row) for row in rows]

    def list_last_lines(self, job_id: UUID, *, limit: int) -> list[JobLogLine]:
        """The newest `limit`, oldest of them first."""
        rows = self._connection.execute(_LIST_LAST, {"row": job_id, "most": limit}).all()
        return [_to_line(row) for row in reversed(rows)]

    def count_lines(self, job_id: UUID) -> int:
        return int(self._connection.execute(_COUNT, {"row": job_id}).scalar_one())

    def save_artifact(self, artifact: JobArtifact) -> None:
        """Store it in place of an earlier one of its name."""
        self._connection.execute(
            _FORGET_ARTIFACT, {"row": artifact.job_id, "called": artifact.name}
        )
        self._connection.execute(
            _INSERT_ARTIFACT,
            {
                "job_id": artifact.job_id,
                "name": artifact.name,
                "attempt": artifact.attempt,
                "path": artifact.path,
                "sha256": artifact.sha256,
                "size": artifact.size,
                "media_type": artifact.media_type,
                "created_at": artifact.created_at,
            },
        )

    def list_artifacts(self, job_id: UUID) -> list[JobArtifact]:
        """By name."""
        return [
            JobArtifact(
                job_id=row.job_id,
                attempt=row.attempt,
                name=row.name,
                path=row.path,
                sha256=row.sha256,
                size=row.size,
                media_type=row.media_type,
                created_at=row.created_at,
            )
            for row in self._connection.execute(_ARTIFACTS, {"row": job_id})
        ]

    def known_paths(self, paths: Sequence[str]) -> set[str]:
        """Those of `paths` that a row names."""
        if not paths:
            return set()
        return set(self._connection.execute(_PATHS, {"paths": list(paths)}).scalars())


def _to_line(row: Row[Any]) -> JobLogLine:
    return JobLogLine(
        job_id=row.job_id,
        attempt=row.attempt,
        line=row.line,
        logged_at=row.logged_at,
        level=LogLevel(row.level),
        event=row.event,
        fields=row.fields,
    )
