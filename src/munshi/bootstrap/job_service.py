"""Wiring of the service that jobs are asked for at."""

from munshi.bootstrap.broker_lines import Ground
from munshi.bootstrap.job_types import JOB_TYPES
from munshi.bootstrap.research import research_doors
from munshi.jobs.artifacts import ArtifactStore
from munshi.jobs.rouser import Rouser
from munshi.jobs.service import JobService


def wire_jobs(ground: Ground, *, rouser: Rouser, artifacts: ArtifactStore) -> JobService:
    return JobService(
        ground.database,
        ground.clock,
        registry=JOB_TYPES,
        rouse=rouser.rouse,
        artifacts=artifacts,
        doors=research_doors(ground.settings.home),
    )
