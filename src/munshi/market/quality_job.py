"""The `data_quality` job: judges what is held, and keeps the report as JSON and as a page."""

import json
from typing import Any, Protocol

from munshi.domain.job_params import QualityParams
from munshi.jobs.run import JobRun
from munshi.market.quality_page import quality_page
from munshi.market.quality_service import QualityService

JSON_NAME, PAGE_NAME = "quality.json", "quality.html"


class QualityServices(Protocol):
    """What this job needs of the desk."""

    @property
    def quality(self) -> QualityService: ...


def run(services: QualityServices, run: JobRun, parameters: QualityParams) -> dict[str, Any]:
    """The result is the report's summary; the whole of it is in the two files."""
    document = services.quality.report(parameters, progress=run.progress)
    whole = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    run.add_artifact(JSON_NAME, whole.encode(), "application/json")
    run.add_artifact(PAGE_NAME, quality_page(document).encode(), "text/html; charset=utf-8")
    return {**document["summary"], "files": [JSON_NAME, PAGE_NAME]}
