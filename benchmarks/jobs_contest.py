"""Sets contenders to work, each in a process of its own, and takes down what they used."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from contenders.catalogue import Contender
from jobs_ground import Ground

# Seconds; a full table takes long to load, and a job that is lost must not hold up the rest.
PATIENCE = {"load": 1800, "drain": 300, "work": 120, "work_beside": 120, "enqueue": 120}
WARM_SHARE = 0.1


class ContenderFailedError(Exception):
    """A contender ended early; its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """One drain of a queue, its warm-up left out. CPU and wall are seconds."""

    jobs: int
    client_cpu: float
    server_cpu: float
    wall: float

    @property
    def per_cpu_second(self) -> float:
        return self.jobs / (self.client_cpu + self.server_cpu)

    @property
    def per_second(self) -> float:
        return self.jobs / self.wall


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A loaded database: what to copy, how the contender's commits are stored, who made it."""

    name: str
    url: str
    durability: str
    versions: tuple[str, ...]


class Talk:
    """The main script's side of the talk with one contender."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def hear(self) -> dict[str, Any]:
        """The next thing it says. Raises ContenderFailedError if it said its last."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ContenderFailedError
        told: dict[str, Any] = json.loads(line)
        return told

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()


@contextmanager
def talking(contender: Contender, do: str, url: str, **request: int) -> Iterator[Talk]:
    """Start the contender; end it when the block is left, or if it takes longer than `PATIENCE`."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            contender.command(json.dumps({"do": do, "url": url, **request})),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={name: text for name, text in os.environ.items() if "MUNSHI" not in name},
        )
        limit = threading.Timer(PATIENCE[do], process.kill)
        limit.start()
        try:
            yield Talk(process)
            process.communicate()
            if process.returncode != 0:
                raise ContenderFailedError  # noqa: TRY301 - said in one place
        except ContenderFailedError:
            process.communicate()
            errors.seek(0)
            said = errors.read().strip() or f"it ended with {process.returncode}"
            print(said, file=sys.stderr)
            raise ContenderFailedError(f"failed: {said.splitlines()[-1]}") from None
        finally:
            limit.cancel()
            process.kill()
            process.communicate()


def load(contender: Contender, ground: Ground, *, jobs: int) -> Template:
    """Make a database in which `jobs` no-op jobs wait."""
    name = re.sub(r"\W+", "_", f"{contender.name} {jobs}".lower())
    url = ground.template(name)
    with talking(contender, "load", url, jobs=jobs) as talk:
        told = talk.hear()
    ground.settle(name)
    return Template(
        name=name,
        url=url,
        durability=told["durability"],
        versions=tuple(told["versions"]),
    )


def drain(contender: Contender, ground: Ground, url: str, *, batch: int, jobs: int) -> Drained:
    """Have the contender work off `jobs` jobs of the database at `url`."""
    warm = max(batch, int(jobs * WARM_SHARE))
    with talking(contender, "drain", url, batch=batch, jobs=jobs, warm=warm) as talk:
        talk.hear()
        server = ground.server_cpu()
        talk.go_on()
        told = talk.hear()
        server = ground.server_cpu() - server
        talk.go_on()
    return Drained(jobs=told["jobs"], client_cpu=told["cpu"], server_cpu=server, wall=told["wall"])


def latencies(contender: Contender, url: str, *, jobs: int) -> list[float]:
    """Milliseconds from enqueue to start, with a worker that idles between jobs.

    Worker and client are two processes, unless the contender is about one.
    """
    found: list[float]
    if contender.in_one_process:
        with talking(contender, "work_beside", url, jobs=jobs) as both:
            found = both.hear()["latencies"]
        return found
    with talking(contender, "work", url, jobs=jobs) as worker:
        worker.hear()
        with talking(contender, "enqueue", url, jobs=jobs) as client:
            client.hear()
        found = worker.hear()["latencies"]
    return found
