"""Archives of the audit trail, for administrators: what there is, rows back, values forgotten."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.requests import Request

from munshi.api.answers import Body, Shown
from munshi.api.roles import Role, actor_of, allows
from munshi.api.sensitive import confirmed
from munshi.audit.archive_service import ArchiveLine
from munshi.bootstrap import Services

_Name = Annotated[str, Path(max_length=100)]
_Personal = Annotated[str | None, Field(max_length=1000)]


class ArchiveShown(Shown):
    """`sha256` is empty while the file is being made; `bytes` is null where there is no file."""

    name: str
    first_block: int
    last_block: int
    rows: int
    sha256: str
    state: str
    created_at: datetime
    dropped_at: datetime | None
    sealed_from: datetime | None
    sealed_until: datetime | None
    bytes: int | None


class ArchivesAnswer(Shown):
    archives: list[ArchiveShown]


class RestoreAnswer(Shown):
    rows: int


class EraseAsked(Body):
    """Whose values, or which value wherever it stands; at least one of them."""

    user: _Personal = None
    value: _Personal = None


class EraseAnswer(Shown):
    values: int
    rows: int
    archived_rows: int


class AuditArchiveRoutes:
    """Each call is one service call; archiving itself is the job `audit_archive`."""

    def __init__(self, services: Services) -> None:
        self._archives = services.archives
        self._people = services.people

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["audit"]}
        post: dict[str, Any] = {**options, "methods": ["POST"]}
        router.add_api_route("/audit/archives", self.all_archives, **options)
        router.add_api_route("/audit/archives/{name}/restore", self.restore, **post)
        router.add_api_route("/audit/erase", self.erase, **post)

    @allows(Role.ADMIN)
    def all_archives(self) -> ArchivesAnswer:
        """The archives there are, by their blocks, and those that retention dropped."""
        return ArchivesAnswer(archives=[_shown(each) for each in self._archives.list_archives()])

    @allows(Role.ADMIN)
    def restore(self, name: _Name, request: Request) -> RestoreAnswer:
        """Bring the rows of an archive back into the table, as they were."""
        confirmed(request, self._people)
        return RestoreAnswer(rows=self._archives.restore([name], actor=actor_of(request)))

    @allows(Role.ADMIN)
    def erase(self, body: EraseAsked, request: Request) -> EraseAnswer:
        """Forget personal values beside audit rows, archived ones too; every proof stays."""
        confirmed(request, self._people)
        erased = self._archives.erase(user_id=body.user, value=body.value, actor=actor_of(request))
        return EraseAnswer.model_validate(erased)


def _shown(line: ArchiveLine) -> ArchiveShown:
    archive = line.archive
    return ArchiveShown(
        name=archive.name,
        first_block=archive.first_block,
        last_block=archive.last_block,
        rows=archive.rows,
        sha256=archive.sha256,
        state=archive.state,
        created_at=archive.created_at,
        dropped_at=archive.dropped_at,
        sealed_from=line.sealed_from,
        sealed_until=line.sealed_until,
        bytes=line.bytes,
    )
