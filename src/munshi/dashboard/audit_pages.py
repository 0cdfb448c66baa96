"""The audit trail on pages: searched, a page at a time; one row; its seals, and verifying."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.audit.service import AuditQuery
from munshi.bootstrap import Services
from munshi.dashboard.asking import ask
from munshi.dashboard.at_work import AtWork
from munshi.dashboard.job_filters import read_moment
from munshi.dashboard.look import Look
from munshi.dashboard.parts import alive
from munshi.domain.jobs import AUDIT_VERIFICATION
from munshi.errors import AuditRowUnknownError, RequestInvalidError
from munshi.infrastructure.database.job_repository import JobFilter

SHOWN = 50
CHECKS_SHOWN = 5
_LONGEST = 200
_TEXTS = ("entity_type", "entity_id", "action", "user_id", "request_id", "job_id")
_Cursor = Annotated[str | None, Query(max_length=300)]
_Number = Annotated[str, Path(max_length=30)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSearch:
    """What the form of the search holds, as it was typed; times are IST, to the minute."""

    typed: Mapping[str, str]

    @classmethod
    def read(cls, query: QueryParams) -> "AuditSearch":
        """Raises RequestInvalidError."""
        typed = {name: query.get(name, "").strip() for name in (*_TEXTS, "since", "until")}
        for name, text in typed.items():
            if len(text) > _LONGEST or not text.isprintable():
                raise RequestInvalidError(f"{name} is too long or holds what cannot be typed.")
        return cls(typed=typed)

    def query(self) -> AuditQuery:
        """Raises RequestInvalidError."""
        since, until = (read_moment(name, self.typed[name]) for name in ("since", "until"))
        texts = {name: self.typed[name] or None for name in _TEXTS}
        return AuditQuery(since=since, until=until, **texts)


class AuditPages:
    """Reading only; verifying is a job, for a large trail takes minutes."""

    def __init__(self, services: Services, look: Look) -> None:
        self._audit = services.audit
        self._ledger = services.ledger
        self._jobs = services.jobs
        self._at_work = AtWork(services, look)
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        for path, call, method in (
            ("/ui/audit", self.search, "GET"),
            ("/ui/audit/seal", self.seal, "GET"),
            ("/ui/audit/verify", self.ask_verify, "GET"),
            ("/ui/audit/verify", self.verify, "POST"),
            ("/ui/audit/{audit_id}", self.entry, "GET"),
        ):
            router.add_api_route(path, call, methods=[method], include_in_schema=False)

    @allows(Role.VIEWER)
    def search(self, request: Request, cursor: _Cursor = None) -> Response:
        search = AuditSearch.read(request.query_params)
        page = self._audit.page(cursor=cursor or None, limit=SHOWN, **search.query().asked())
        return self._look.page(
            request, "audit.html", title="Audit", page=page, typed=search.typed, cursor=cursor
        )

    @allows(Role.VIEWER)
    def entry(self, audit_id: _Number, request: Request) -> Response:
        if not (audit_id.isascii() and audit_id.isdecimal()):
            raise AuditRowUnknownError(f"{audit_id!r} is no audit row.")
        entry = self._audit.get(int(audit_id))
        return self._look.page(
            request, "audit_entry.html", title=f"Audit row {entry.audit_id}", entry=entry
        )

    @allows(Role.VIEWER)
    def seal(self, request: Request) -> Response:
        """How far it is sealed, and what the last checks found."""
        checks = self._jobs.recent(CHECKS_SHOWN, chosen=JobFilter(job_type=AUDIT_VERIFICATION))
        return self._look.page(
            request,
            "audit_seal.html",
            title="Seals of the audit trail",
            alive=alive(self._at_work.part("audit"), "/ui/live/work/audit"),
            state=self._ledger.state(),
            checks=checks.jobs,
        )

    @allows(Role.OPERATOR)
    def ask_verify(self, request: Request) -> Response:
        rows = self._ledger.state().sealed_rows
        return ask(
            self._look,
            request,
            title="Verify the audit trail?",
            about=f"{rows:,} sealed rows",
            means="A job reads every row, seal and archive; its page shows how far it is and what "
            "it found. What is wrong raises an alert.",
            yes="Yes, verify it now",
            back="/ui/audit/seal",
        )

    @allows(Role.OPERATOR)
    def verify(self, request: Request) -> Response:
        job = self._jobs.enqueue(AUDIT_VERIFICATION, {}, actor=actor_of(request))
        return RedirectResponse(f"/ui/jobs/{job.job_id}?done=run", status_code=303)
