"""What people see of the cache, and what the desk keeps in it."""

import json
from datetime import date
from typing import Any

import pytest

from asgi import Caller
from caches import WORDS
from command_line import Munshi
from desks import TESTER, Desk
from munshi.domain.cache import CacheUse
from munshi.domain.enums import Service
from munshi.domain.jobs import CACHE_REPORT, JobState
from munshi.errors import CacheShelfUnknownError, InstrumentUnknownError


def save_use(desk: Desk, *uses: CacheUse) -> None:
    with desk.services.database.transaction() as tx:
        tx.cache.save_use(uses)


def computed(desk: Desk, shelf: str) -> int:
    status = desk.services.cache_service.status()
    return sum(each.today.computed for each in status.shelves if each.name == shelf)


def test_instruments_and_coverage_are_kept_until_their_tables_change(
    desk: Desk, api: Caller
) -> None:
    services = desk.services
    with pytest.raises(InstrumentUnknownError):
        services.instruments.find("NSE:RELIANCE")
    for _ in range(5):
        assert api.get("/data/coverage").status == 200
        assert api.get("/data/instruments").json()["instruments"] == []
    before = computed(desk, "coverage"), computed(desk, "instrument_pages")

    desk.log_in(Service.KITE)
    services.instruments.refresh(Service.KITE, actor=TESTER)

    assert before == (1, 1)
    assert services.instruments.find("NSE:RELIANCE").tradingsymbol == "RELIANCE"
    assert len(api.get("/data/instruments").json()["instruments"]) == 100
    assert computed(desk, "coverage") == 1
    assert computed(desk, "instrument_pages") == 2


def test_stats_tell_how_each_shelf_is_used(desk: Desk, api: Caller) -> None:
    for _ in range(4):
        api.get("/data/coverage")

    answer = api.get("/cache/stats").json()

    [coverage] = [each for each in answer["shelves"] if each["name"] == "coverage"]
    assert coverage["stored"]["entries"] == 1
    assert (coverage["today"]["gets"], coverage["today"]["hit_rate"]) == (4, 0.75)
    assert coverage["today"]["computed"] == 1
    assert answer["stored"]["bytes"] < answer["most_bytes"] == 256_000_000
    with desk.services.database.reading() as tx:
        counted = tx.connection.exec_driver_sql(
            "SELECT access_count FROM \"CacheEntries\" WHERE namespace = 'coverage'"
        ).scalar_one()
    assert counted == 3


def test_clearing_is_audited_and_forgets_a_shelf_or_all(desk: Desk) -> None:
    words, service = desk.services.cache.open(WORDS), desk.services.cache_service
    desk.services.candles.coverage()
    words.set("a", ["b"])
    assert [words.get("a") for _ in range(3)] == [["b"]] * 3

    one = service.clear("words", actor=TESTER)
    everything = service.clear(actor=TESTER)

    assert (one, everything) == (1, 1)
    assert words.get("a") is None
    cleared = desk.services.audit.page(entity_type="cache").entries
    assert [each.entity_id for each in cleared] == ["all", "words"]
    with pytest.raises(CacheShelfUnknownError, match="no shelf 'nonsense'"):
        service.clear("nonsense", actor=TESTER)


def test_last_month_is_told_by_shelf_with_what_would_help(desk: Desk) -> None:
    october = date(2026, 10, 14)
    use = CacheUse(
        namespace="words", day=october, first_hits=10, second_hits=20, misses=170, computed=170
    )
    save_use(desk, use, use, CacheUse(namespace="words", day=date(2026, 11, 1), misses=9))

    job = desk.services.jobs.enqueue(CACHE_REPORT, {}, actor=TESTER)
    desk.services.worker().run_until_idle()
    ended = desk.services.jobs.get(job.job_id)

    assert ended.state is JobState.SUCCEEDED
    report: dict[str, Any] = dict(ended.result_data or {})
    assert report["summary"].startswith("15.0% of 400 gets in October 2026 were answered")
    [words] = report["shelves"]
    assert (words["gets"], words["hit_rate"], words["computed"]) == (400, 0.15, 340)
    assert any("too many different things" in sentence for sentence in report["advice"])


def test_the_command_shows_and_clears(munshi: Munshi) -> None:
    munshi("data", "coverage")
    shown = json.loads(munshi("cache", "stats", "--json").stdout)
    table = munshi("cache", "stats").stdout
    cleared = json.loads(munshi("cache", "clear", "--json").stdout)
    wrong = munshi("cache", "clear", "--shelf", "nonsense")

    [coverage] = [each for each in shown["shelves"] if each["name"] == "coverage"]
    assert coverage["today"]["computed"] == 1
    assert "coverage" in table
    assert cleared == {"shelf": None, "deleted": 1}
    assert wrong.exit_code != 0
    assert "no shelf 'nonsense'" in wrong.output
