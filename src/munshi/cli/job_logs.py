"""What a job said, and the files it left."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

import typer

from munshi.bootstrap import Services
from munshi.cli.desk import open_desk
from munshi.cli.job_output import artifact_document, print_artifacts
from munshi.cli.output import print_json, print_json_line, print_mode
from munshi.cli.table import printable
from munshi.clock import IST
from munshi.domain.jobs import JobLogLine
from munshi.errors import RequestInvalidError

POLL_SECONDS = 0.5
_PAGE = 1000


def show_log(job_id: str, *, tail: int | None, follow: bool, as_json: bool) -> None:
    """With `follow`, until the job has ended; JSON is then a document a line."""
    with open_desk() as services:
        job = services.jobs.get(job_id)
        if as_json and not follow:
            lines = [asdict(line) for line in _present(services, job.job_id, tail)]
            print_json({"job_id": job.job_id, "lines": lines})
            return
        if not as_json:
            print_mode(services.settings.brokers.value)
        shown = _LogPrinter(as_json=as_json)
        for line in _present(services, job.job_id, tail):
            shown.print(line)
        if follow:
            for line in _later(services, job.job_id, shown.place):
                shown.print(line)
        elif shown.place == (0, 0):
            typer.echo("No lines.")


class _LogPrinter:
    """Says which attempt speaks where another begins."""

    def __init__(self, *, as_json: bool) -> None:
        self.place = (0, 0)
        self._as_json = as_json

    def print(self, line: JobLogLine) -> None:
        if self._as_json:
            print_json_line(asdict(line))
        else:
            if line.attempt != self.place[0] and (line.attempt > 1 or self.place[0]):
                typer.secho(f"Attempt {line.attempt}", bold=True)
            typer.echo(_text(line))
        self.place = line.attempt, line.line


def _text(line: JobLogLine) -> str:
    at = line.logged_at.astimezone(IST).strftime("%d %b %H:%M:%S")
    fields = "".join(f"  {name}={value}" for name, value in (line.fields or {}).items())
    return f"{at} IST  {line.level:<7}  {printable(line.event + fields)}"


def _present(services: Services, job_id: UUID, tail: int | None) -> Iterator[JobLogLine]:
    if tail is not None:
        yield from services.job_watch.last_lines(job_id, limit=tail)
        return
    yield from _beyond(services, job_id, (0, 0))


def _beyond(services: Services, job_id: UUID, place: tuple[int, int]) -> Iterator[JobLogLine]:
    while lines := services.jobs.log(job_id, after=place, limit=_PAGE):
        yield from lines
        place = lines[-1].attempt, lines[-1].line


def _later(services: Services, job_id: UUID, place: tuple[int, int]) -> Iterator[JobLogLine]:
    is_over = False
    while not is_over:
        # Asked first: what it said before it ended is then there.
        is_over = services.jobs.get(job_id).state.is_final
        for line in _beyond(services, job_id, place):
            place = line.attempt, line.line
            yield line
        if not is_over:
            services.clock.sleep(POLL_SECONDS)


def list_artifacts(job_id: str, *, as_json: bool) -> None:
    with open_desk() as services:
        found = services.jobs.artifacts(job_id)
        mode = services.settings.brokers.value
    if as_json:
        print_json({"mode": mode, "artifacts": [artifact_document(one) for one in found]})
        return
    print_mode(mode)
    print_artifacts(found)


def save_artifact(job_id: str, name: str, to: Path, *, force: bool, as_json: bool) -> None:
    """Write the file to `to`, or into that folder.

    Raises JobUnknownError, JobArtifactInvalidError, or RequestInvalidError where something is.
    """
    with open_desk() as services:
        artifact, content = services.jobs.read_artifact(job_id, name)
    target = to / artifact.name if to.is_dir() else to
    if target.exists() and not force:
        raise RequestInvalidError(f"{target} exists already.", hint="Add --force to replace it.")
    try:
        target.write_bytes(content)
    except OSError as error:
        raise RequestInvalidError(f"{target} cannot be written: {error.strerror}.") from error
    if as_json:
        print_json({**artifact_document(artifact), "path": str(target)})
        return
    typer.echo(f"{artifact.name} is as it was kept, and stands in {target}.")
