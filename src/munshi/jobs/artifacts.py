"""Files that jobs leave: written whole or not at all, with their hash in the row."""

import hashlib
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from uuid import UUID

from munshi.clock import Clock
from munshi.domain.jobs import JobArtifact
from munshi.errors import JobArtifactInvalidError, JobArtifactUnwritableError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.platform import flush_directory
from munshi.jobs.run import JobRun

FOLDER = "artifacts"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class ArtifactStore:
    """`artifacts/JOB/ATTEMPT-HASH-NAME` below the desk's home; the row is what makes it count."""

    def __init__(self, database: Database, clock: Clock, *, home: Path) -> None:
        self._database = database
        self._clock = clock
        self._home = home

    def keep(self, run: JobRun, name: str, data: bytes | Path, media_type: str) -> JobArtifact:
        """Store a file of the running attempt in place of an earlier one of that name.

        Raises JobArtifactInvalidError for a bad name, JobArtifactUnwritableError where the disk
        is full or the folder cannot be written, JobAttemptFencedError after a lost lease.
        """
        if not _NAME.fullmatch(name):
            raise JobArtifactInvalidError(
                f"{name[:100]!r} is no name for an artifact.",
                hint="Use letters, digits, dots, dashes and underscores, at most 100.",
            )
        try:
            relative, digest, size = self._write(run, name, data)
        except OSError as error:
            raise JobArtifactUnwritableError(
                f"{name} cannot be kept in {self._home / FOLDER}: {error.strerror}. "
                "Nothing of this job was stored; mend that, then retry the job.",
            ) from error
        now = self._clock.now()
        artifact = JobArtifact(
            job_id=run.job_id,
            attempt=run.attempt,
            name=name,
            path=relative,
            sha256=digest,
            size=size,
            media_type=media_type[:100],
            created_at=now,
        )
        with self._database.transaction() as tx:
            tx.attempts.check_running(run.job_id, run.attempt)
            tx.job_logs.save_artifact(artifact)
        return artifact

    def _write(self, run: JobRun, name: str, data: bytes | Path) -> tuple[str, bytes, int]:
        folder = self._home / FOLDER / str(run.job_id)
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{token_hex(8)}"
        try:
            with temporary.open("wb") as file:
                if isinstance(data, Path):
                    with data.open("rb") as source:
                        shutil.copyfileobj(source, file)
                else:
                    file.write(data)
                file.flush()
                os.fsync(file.fileno())
            with temporary.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
            final = folder / f"{run.attempt}-{digest.hex()[:12]}-{name}"
            size = temporary.stat().st_size
            temporary.replace(final)
            flush_directory(folder)
        finally:
            temporary.unlink(missing_ok=True)
        return final.relative_to(self._home).as_posix(), digest, size

    def read(self, artifact: JobArtifact) -> bytes:
        """What is in the file.

        Raises JobArtifactInvalidError if it is gone or not what its hash says.
        """
        path = self._home / artifact.path
        try:
            data = path.read_bytes()
        except OSError as error:
            raise JobArtifactInvalidError(f"The file of {artifact.name} is gone.") from error
        if hashlib.sha256(data).digest() != artifact.sha256:
            raise JobArtifactInvalidError(f"The file of {artifact.name} is not what was stored.")
        return data

    def sweep(self) -> int:
        """Remove the files of jobs that are gone; how many folders went.

        A job's row is stored before its first file, so a folder without one is left over.
        """
        root = self._home / FOLDER
        if not root.is_dir():
            return 0
        folders = {
            UUID(entry.name): entry
            for entry in root.iterdir()
            if entry.is_dir() and _is_uuid(entry.name)
        }
        with self._database.reading() as tx:
            gone = [job_id for job_id in folders if tx.jobs.get_job(job_id) is None]
        for job_id in gone:
            with suppress(OSError):
                shutil.rmtree(folders[job_id])
        return len(gone)


def _is_uuid(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True
