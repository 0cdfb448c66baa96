"""What belongs to one job: its log, its parts, its files."""

import re
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import Response

from munshi.api.roles import Role, allows
from munshi.api.routes.job_shapes import (
    ArtifactsAnswer,
    ArtifactShown,
    JobsAnswer,
    JobShown,
    LogAnswer,
    LogLineShown,
    place_text,
    read_place,
)
from munshi.bootstrap import Services
from munshi.domain.jobs import JobArtifact

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w.+-]+=[\w.+-]+)*", re.ASCII)
_UNKNOWN = "application/octet-stream"
_After = Annotated[str, Query(max_length=30, description="`next_after` of the answer before.")]
_LogLimit = Annotated[int, Query(ge=1, le=5000)]


class JobPartRoutes:
    """Reading only."""

    def __init__(self, services: Services) -> None:
        self._jobs = services.jobs
        self._mode = services.settings.brokers

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["jobs"]}
        router.add_api_route("/jobs/{job_id}/log", self.log, **options)
        router.add_api_route("/jobs/{job_id}/children", self.children, **options)
        router.add_api_route("/jobs/{job_id}/artifacts", self.artifacts, **options)
        router.add_api_route(
            "/jobs/{job_id}/artifacts/{name}",
            self.artifact,
            response_class=Response,
            responses={200: {"content": {_UNKNOWN: {}}}},
            **options,
        )

    @allows(Role.VIEWER)
    def log(self, job_id: str, after: _After = "0:0", limit: _LogLimit = 1000) -> LogAnswer:
        """What a job said, oldest first, beyond the place `after` (ATTEMPT:LINE)."""
        place = read_place(after)
        lines = self._jobs.log(job_id, after=place, limit=limit)
        last = (lines[-1].attempt, lines[-1].line) if lines else place
        return LogAnswer(
            lines=[LogLineShown.model_validate(line) for line in lines],
            next_after=place_text(last),
        )

    @allows(Role.VIEWER)
    def children(self, job_id: str) -> JobsAnswer:
        """The parts that a job fanned out into, in the order in which they were made."""
        jobs = [JobShown.model_validate(job) for job in self._jobs.children(job_id)]
        return JobsAnswer(mode=self._mode, jobs=jobs)

    @allows(Role.VIEWER)
    def artifacts(self, job_id: str) -> ArtifactsAnswer:
        """The files that a job left, by name, with their hashes."""
        found = self._jobs.artifacts(job_id)
        return ArtifactsAnswer(artifacts=[_shown(artifact) for artifact in found])

    @allows(Role.VIEWER)
    def artifact(self, job_id: str, name: str) -> Response:
        """One file, to be saved; refused if it is not what its hash says."""
        artifact, content = self._jobs.read_artifact(job_id, name)
        known = _MEDIA_TYPE.fullmatch(artifact.media_type)
        return Response(
            content,
            media_type=artifact.media_type if known else _UNKNOWN,
            headers={
                "Content-Disposition": f'attachment; filename="{artifact.name}"',
                "ETag": f'"{artifact.sha256.hex()}"',
            },
        )


def _shown(artifact: JobArtifact) -> ArtifactShown:
    return ArtifactShown(
        name=artifact.name,
        attempt=artifact.attempt,
        media_type=artifact.media_type,
        size=artifact.size,
        sha256=artifact.sha256.hex(),
        created_at=artifact.created_at,
        href=f"/jobs/{artifact.job_id}/artifacts/{quote(artifact.name)}",
    )
