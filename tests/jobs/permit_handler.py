"""A handler that asks for a broker's permit; apart, because children need no database."""

from contextlib import closing
from typing import Any

from databases import open_database
from jobs.handlers import Stage, TextParams
from munshi.clock import SystemClock
from munshi.jobs.run import JobRun, running_job_must_stop
from quotas import open_gate


def wait_for_permit(stage: Stage, _: JobRun, parameters: TextParams) -> dict[str, Any]:
    """As a broker client does when the minute's requests are used up; told the database."""
    with (
        closing(open_database(parameters.text)) as database,
        closing(open_gate(database, SystemClock())) as gate,
    ):
        for _turn in range(2):
            with gate.permit("kite.quote", should_stop=running_job_must_stop):
                stage.entered.set()
    return {}
