"""Who writes a part's row while its family is locked from above does not wait: no deadlock."""

import threading
from datetime import timedelta
from uuid import UUID, uuid4

from clocks import FakeClock
from munshi.domain.jobs import NewJob
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_claims import Lane

LEASE = timedelta(seconds=30)


def store_family(database: Database, clock: FakeClock) -> tuple[UUID, UUID]:
    """A parent, and a part of it that runs."""
    parent, part = uuid4(), uuid4()
    with database.transaction() as tx:
        for job_id, parent_id, job_type in ((parent, None, "whole"), (part, parent, "part")):
            new = NewJob(
                job_id=job_id,
                job_type=job_type,
                parameters={},
                run_at=clock.now(),
                created_by="asha",
                parent_id=parent_id,
            )
            tx.jobs.create_job(new, now=clock.now())
        lanes = [Lane("default", "part")]
        tx.attempts.claim_jobs("here", lanes=lanes, limit=1, lease=LEASE, now=clock.now())
    return parent, part


def test_a_heartbeat_with_progress_does_not_wait_for_the_familys_lock(
    postgresql_database: Database, clock: FakeClock
) -> None:
    parent, part = store_family(postgresql_database, clock)
    beaten = threading.Event()

    def beat() -> None:
        with postgresql_database.operational() as tx:
            now = clock.now()
            tx.attempts.record_progress(part, 1, percent=50, message="Half.", now=now)
            # The second update of a row in one transaction checks its parent again.
            tx.attempts.heartbeat(part, 1, lease=LEASE, now=now)
        beaten.set()

    with postgresql_database.transaction() as tx:
        tx.attempts.lock_parent(parent)
        thread = threading.Thread(target=beat)
        thread.start()
        is_beaten = beaten.wait(10)
    thread.join()

    assert is_beaten
