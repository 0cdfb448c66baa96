"""Workers stopped beyond their leases, their clocks set, their children killed, while jobs run."""

from pathlib import Path

import pytest

from chaos.campaign import KINDS, Campaign, Telling, on
from chaos.worker_pool import WorkerPool

LEASE_SECONDS = 1.0


@on("postgresql")
@pytest.mark.timeout(400)
def test_workers_stopped_beyond_their_lease(
    any_database_url: str, tmp_path: Path, telling: Telling
) -> None:
    pool = WorkerPool(any_database_url, tmp_path, lease_seconds=LEASE_SECONDS)

    with Campaign(any_database_url, pool, tmp_path, telling=telling) as campaign:
        for _ in campaign.trouble(every=(0.1, 0.5)):
            pool.stop_one(campaign.chance, seconds=campaign.chance.uniform(1, 3) * LEASE_SECONDS)
        verdict = campaign.verdict()

    assert verdict.wrong == ()
    assert verdict.states["succeeded"] > 100


@on("sqlite")
@pytest.mark.timeout(400)
def test_clocks_set_forwards_and_backwards(
    any_database_url: str, tmp_path: Path, telling: Telling
) -> None:
    pool = WorkerPool(any_database_url, tmp_path, lease_seconds=LEASE_SECONDS)

    with Campaign(any_database_url, pool, tmp_path, telling=telling) as campaign:
        for _ in campaign.trouble(every=(0.3, 1.0)):
            step = campaign.chance.uniform(-5, 5) * LEASE_SECONDS
            (tmp_path / "step").write_text(str(step))
        (tmp_path / "step").write_text("0")
        verdict = campaign.verdict()

    assert verdict.wrong == ()
    assert verdict.states["succeeded"] > 100


@pytest.mark.timeout(400)
def test_children_of_workers_killed_in_a_loop(
    postgresql_url: str, tmp_path: Path, telling: Telling
) -> None:
    pool = WorkerPool(postgresql_url, tmp_path, size=2, processes=1)
    kinds = {**KINDS, "compute": 3}

    with Campaign(postgresql_url, pool, tmp_path, telling=telling, kinds=kinds) as campaign:
        for _ in campaign.trouble(every=(0.3, 1.0)):
            pool.kill_a_child(campaign.chance)
        verdict = campaign.verdict()

    assert pool.kills > 0
    assert verdict.wrong == ()
    assert verdict.outcomes["crashed"] > 0
