"""Jobs without end while something goes wrong, the wait until all have ended, and the verdict."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import pytest

from chaos.verdict import UNDER_WAY, Verdict, back_after, judge, settle
from chaos.work import EFFECTS, LIMITED_QUEUE, PLACES, REGISTRY
from chaos.worker_pool import WorkerPool
from databases import open_database
from jobs.desk import ASHA
from munshi.clock import SystemClock
from munshi.config.service import ConfigService
from munshi.errors import DatabaseUnreachableError
from munshi.jobs.service import JobService

IS_LONG = os.environ.get("MUNSHI_CHAOS") == "long"
# Whatever is drawn, the short form draws the same each time.
SEED = int(os.environ.get("MUNSHI_CHAOS_SEED") or (time.time_ns() % 1_000_000 if IS_LONG else 3))
# Seconds of quiet before, of trouble, and of work after it.
QUIET, TROUBLE, AFTER = (5.0, 20.0, 12.0) if IS_LONG else (1.0, 3.0, 1.0)
BACKLOG, BATCH = 300, 30
KINDS = {"effect": 10, "brief": 10, "narrow": 2, "once": 2, "flaky": 1, "family": 1}
LONGEST_JOB = 0.04


def on(database: str) -> pytest.MarkDecorator:
    """On both databases, of which the short form takes this one."""
    kinds = ["sqlite", "postgresql"] if IS_LONG else [database]
    return pytest.mark.parametrize("any_database_url", kinds, indirect=True)


@dataclass(frozen=True, slots=True)
class Telling:
    """Says counts to whoever runs `make chaos`; the short form keeps them for a failure."""

    name: str
    say: Callable[[str], None]


class Campaign:
    """`pool` works on `url`, or on another way to the same database."""

    def __init__(
        self,
        url: str,
        pool: WorkerPool,
        folder: Path,
        *,
        telling: Telling,
        kinds: Mapping[str, int] = KINDS,
    ) -> None:
        self._kinds = kinds
        self.chance = random.Random(SEED)  # noqa: S311 - chaos that can be repeated
        self.pool = pool
        self.database = open_database(url)
        self._folder = folder
        self._telling = telling
        self._service = JobService(self.database, SystemClock(), registry=REGISTRY)
        self._asked: list[UUID] = []
        self._stop = threading.Event()
        self._feeder = threading.Thread(target=self._feed, name="feeder", daemon=True)
        self._baseline: tuple[datetime, datetime] | None = None
        self._well_at: datetime | None = None
        self.happened = 0

    def __enter__(self) -> Self:
        with self.database.transaction() as tx:
            tx.connection.execute(EFFECTS)
        config = ConfigService(self.database, SystemClock())
        config.set("jobs", f"queue.{LIMITED_QUEUE}", {"limit": PLACES}, actor=ASHA)
        self.pool.__enter__()
        self._feeder.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._feeder.join()
        self.pool.__exit__(kind, error, trace)
        self.database.close()

    def trouble(self, *, every: tuple[float, float]) -> Iterator[None]:
        """One turn of the loop for each thing that shall go wrong, in the time there is for it."""
        began = datetime.now(UTC)
        time.sleep(QUIET)
        self._baseline = began, datetime.now(UTC)
        until = time.monotonic() + TROUBLE
        while time.monotonic() < until:
            yield
            self._well_at = datetime.now(UTC)
            self.happened += 1
            time.sleep(self.chance.uniform(*every))

    @contextmanager
    def once(self) -> Iterator[None]:
        """The same for one thing, which goes wrong within."""
        for _ in self.trouble(every=(TROUBLE, TROUBLE)):
            yield

    def verdict(self) -> Verdict:
        """After some more work, and when nothing is under way."""
        time.sleep(AFTER)
        self._stop.set()
        self._feeder.join()
        settle(self.database)
        found = judge(self.database, self._folder, asked=self._asked)
        back = None
        if self._baseline and self._well_at:
            back = back_after(found.ends, baseline=self._baseline, well_at=self._well_at)
        said = "never" if back is None else f"{back:.1f} s"
        self._telling.say(
            f"{self._telling.name}: seed {SEED}; {self.happened} times, {self.pool.kills} kills; "
            f"{found.counts()}; throughput back at 95 % after {said}"
        )
        return found

    def _feed(self) -> None:
        while not self._stop.is_set():
            try:
                with self.database.reading() as tx:
                    waiting: int = tx.connection.execute(UNDER_WAY).scalar_one()
                if waiting < BACKLOG:
                    self._ask()
                    continue
            except DatabaseUnreachableError:
                pass
            self._stop.wait(0.05)

    def _ask(self) -> None:
        """What was committed without our hearing of it is judged like the rest."""
        kinds = self.chance.choices(list(self._kinds), list(self._kinds.values()), k=BATCH)
        with self.database.transaction() as tx:
            asked = [
                self._service.enqueue_in(
                    tx, kind, {"seconds": self.chance.uniform(0, LONGEST_JOB)}, actor=ASHA
                )
                for kind in kinds
            ]
        self._asked += [job.job_id for job in asked]
