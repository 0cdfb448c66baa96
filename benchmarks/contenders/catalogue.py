"""The job systems that are compared: how each is run, and what it promises."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE.parents[1] / ".bench" / "peers"
POSTGRESQL, SQLITE = "PostgreSQL", "SQLite"
BATCHES = (1, 10, 100)
ONE_BY_ONE = (1,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """In a word or two each; `note` says what the words leave out.

    durable: what is on disk before it counts. lease: a dead worker's job is taken up
    again by itself. fencing: what the older of two runs still writes is refused. attempts: every
    run is kept, with its times and its error.
    """

    durable: str
    lease: str
    fencing: str
    attempts: str
    retries: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """`batches` is empty where only latencies are asked for."""

    name: str
    script: str
    promises: Promises
    arguments: tuple[str, ...] = ()
    ours: bool = False
    databases: tuple[str, ...]
    batches: tuple[int, ...] = ONE_BY_ONE
    latencies: tuple[str, ...] = ()
    in_one_process: bool = False

    @property
    def key(self) -> str:
        """What `--only` takes; variants share it."""
        return self.name.split(",")[0].lower()

    def is_installed(self) -> bool:
        return self._interpreter().exists()

    def command(self, request: str) -> list[str]:
        script = HERE / self.script
        return [str(self._interpreter()), str(script), request, *self.arguments]

    def _interpreter(self) -> Path:
        if self.ours:
            return Path(sys.executable)
        return PEERS / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


_FLOOR = Promises(
    durable="claim, end",
    lease="no",
    fencing="no",
    attempts="no",
    retries="no",
    note="the bare driver on a minimal table; finished jobs are kept",
)
_MUNSHI = Promises(
    durable="claim, end",
    lease="yes",
    fencing="yes",
    attempts="yes",
    retries="yes",
    note="JobAttempts rows included; a job type that is idempotent, batched and brief",
)
_HUEY_NOTE = (
    "a job is deleted when it is claimed, so it is lost with its worker; {}; SqliteHuey as it "
    "comes, {} worker thread{}"
)

CONTENDERS = (
    Contender(
        name="floor",
        script="floor.py",
        ours=True,
        promises=_FLOOR,
        databases=(POSTGRESQL, SQLITE),
        batches=BATCHES,
        latencies=(POSTGRESQL,),
    ),
    Contender(
        name="floor, joined commits",
        script="floor.py",
        arguments=("joined",),
        ours=True,
        promises=replace(_FLOOR, note="a batch ends in the commit that claims the next"),
        databases=(POSTGRESQL, SQLITE),
        batches=BATCHES,
    ),
    Contender(
        name="Munshi",
        script="munshi_jobs.py",
        ours=True,
        promises=_MUNSHI,
        databases=(POSTGRESQL, SQLITE),
        batches=BATCHES,
        latencies=(POSTGRESQL, SQLITE),
    ),
    Contender(
        name="Munshi, in one process",
        script="munshi_jobs.py",
        ours=True,
        promises=_MUNSHI,
        databases=(SQLITE,),
        batches=(),
        latencies=(SQLITE,),
        in_one_process=True,
    ),
    Contender(
        name="PgQueuer",
        script="pgqueuer_jobs.py",
        promises=Promises(
            durable="claim, end",
            lease="yes",
            fencing="no",
            attempts="log rows",
            retries="yes",
            note="ends are buffered, up to a batch or 0.1 s; finished jobs are deleted, a log row "
            "tells each step; asyncpg, uvloop, one QueueManager, durable tables, pgq autovac",
        ),
        databases=(POSTGRESQL,),
        batches=BATCHES,
        latencies=(POSTGRESQL,),
    ),
    Contender(
        name="Procrastinate",
        script="procrastinate_jobs.py",
        promises=Promises(
            durable="claim, end",
            lease="by hand",
            fencing="no",
            attempts="times",
            retries="yes",
            note="stalled jobs wait for a periodic task that the user writes; event rows hold "
            "times, no errors; async tasks, concurrency=10, PsycopgConnector",
        ),
        databases=(POSTGRESQL,),
        latencies=(POSTGRESQL,),
    ),
    Contender(
        name="DBOS",
        script="dbos_jobs.py",
        promises=Promises(
            durable="claim, end",
            lease="restart",
            fencing="yes",
            attempts="count",
            retries="of steps",
            note="a dead executor's jobs are taken up when it starts again; workflows without "
            "steps, worker_concurrency=100, polling_interval_sec=0.1",
        ),
        databases=(POSTGRESQL, SQLITE),
        latencies=(POSTGRESQL,),
    ),
    Contender(
        name="Huey",
        script="huey_jobs.py",
        arguments=("10", "keep"),
        promises=Promises(
            durable="claim, result",
            lease="no",
            fencing="no",
            attempts="no",
            retries="yes",
            note=_HUEY_NOTE.format("the task returns a value, so its end is stored", 10, "s"),
        ),
        databases=(SQLITE,),
        latencies=(SQLITE,),
    ),
    Contender(
        name="Huey, end not stored",
        script="huey_jobs.py",
        arguments=("10", "drop"),
        promises=Promises(
            durable="claim",
            lease="no",
            fencing="no",
            attempts="no",
            retries="yes",
            note=_HUEY_NOTE.format("the task returns None, so nothing tells that it ran", 10, "s"),
        ),
        databases=(SQLITE,),
    ),
    Contender(
        name="Huey, one thread",
        script="huey_jobs.py",
        arguments=("1", "keep"),
        promises=Promises(
            durable="claim, result",
            lease="no",
            fencing="no",
            attempts="no",
            retries="yes",
            note=_HUEY_NOTE.format("the task returns a value, so its end is stored", 1, ""),
        ),
        databases=(SQLITE,),
    ),
)
