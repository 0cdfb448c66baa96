"""Workers killed with SIGKILL in a loop while jobs keep coming."""

from pathlib import Path

import pytest

from chaos.campaign import Campaign, Telling
from chaos.worker_pool import WorkerPool


@pytest.mark.timeout(300)
def test_workers_killed_in_a_loop(any_database_url: str, tmp_path: Path, telling: Telling) -> None:
    pool = WorkerPool(any_database_url, tmp_path)

    with Campaign(any_database_url, pool, tmp_path, telling=telling) as campaign:
        for _ in campaign.trouble(every=(0.2, 0.6)):
            pool.kill_one(campaign.chance)
        verdict = campaign.verdict()

    assert verdict.wrong == ()
    assert verdict.states["succeeded"] > 100
    assert verdict.outcomes["lease_expired"] > 0
