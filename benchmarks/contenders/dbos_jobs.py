"""DBOS: a queue of one-line workflows, 100 at a time, polled every tenth of a second.

It takes no batch, but one poll claims as many as may run at a time, so that many make it cheaper;
without a limit it would start a thread for every job of the queue. Its own pause is a second.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig
from speaking import Latencies, Tally, serve, sqlite_durability

APP, QUEUE, VERSION = "bench", "bench", "1"
AT_A_TIME = 100
POLL_SECONDS = 0.1
JOB: Any = {"queue_name": QUEUE, "workflow_name": "noop", "app_version": VERSION}


def _prepare(url: str, handled: Callable[[int], None]) -> None:
    DBOS(
        config=DBOSConfig(
            name=APP,
            system_database_url=url,
            application_version=VERSION,
            log_level="WARNING",
        )
    )

    @DBOS.workflow(name="noop")
    def noop(stamp: int) -> None:
        handled(stamp)


def _engine(url: str) -> sa.Engine:
    return sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))


class DbosJobs:
    packages = ("dbos",)

    def load(self, url: str, jobs: int) -> str:
        _prepare(url, lambda _: None)
        DBOS.listen_queues(["none"])
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=AT_A_TIME, polling_interval_sec=POLL_SECONDS)
        client = DBOSClient(system_database_url=url, application_name=APP)
        for _ in range(jobs):
            client.enqueue(JOB, 0)
        with client._sys_db.engine.connect() as connection:  # noqa: SLF001 - as it is really set
            if url.startswith("sqlite"):
                durability = sqlite_durability(connection.connection.driver_connection)
            else:
                level = connection.execute(sa.text("SHOW synchronous_commit")).scalar_one()
                durability = f"sync_commit={level}"
        client.destroy()
        DBOS.destroy()
        return durability

    def drain(self, url: str, batch: int, tally: Tally) -> None:
        del batch
        _prepare(url, lambda _: tally.count())
        DBOS.launch()
        tally.finished.wait()
        table = "workflow_status" if url.startswith("sqlite") else "dbos.workflow_status"
        unfinished = sa.text(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE status <> 'SUCCESS')")
        with _engine(url).connect() as connection:
            while connection.execute(unfinished).scalar_one():
                time.sleep(0.02)
        tally.complete()
        DBOS.destroy()

    def work(self, url: str, latencies: Latencies) -> None:
        _prepare(url, latencies.began)
        DBOS.launch()
        time.sleep(2)  # its queue manager looks for queues once a second
        latencies.ready()
        latencies.finished.wait()
        latencies.complete()
        DBOS.destroy()

    def enqueue(self, url: str, stamps: Iterator[int]) -> None:
        client = DBOSClient(system_database_url=url, application_name=APP)
        for stamp in stamps:
            client.enqueue(JOB, stamp)
        client.destroy()


if __name__ == "__main__":
    serve(DbosJobs())
