"""What rules find in the tables: dead jobs, missed due times, gaps, a broker's day."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Table, insert

from alerts.telling import Telling
from desks import TESTER, Desk
from munshi.domain.config_keys import API
from munshi.infrastructure.database.models import (
    background_jobs,
    candle_gaps,
    scheduler_executions,
)


def put(telling: Telling, table: Table, **row: Any) -> None:  # noqa: ANN401
    with telling.database.engine.begin() as connection:
        connection.execute(insert(table), row)


def put_job(telling: Telling, status: str, job_type: str, *, days: float = 0) -> None:
    at = telling.clock.now() - timedelta(days=days)
    put(
        telling,
        background_jobs,
        job_id=uuid4(),
        job_type=job_type,
        status=status,
        parameters={},
        run_at=at,
        turn_at=at,
        queue="default",
        cancel_requested=False,
        created_by="tester",
        created_at=at,
        updated_at=at,
    )


def test_dead_jobs_are_one_alert_a_type_however_old_and_failures_are_soon_old_news(
    telling: Telling,
) -> None:
    for days in (0, 0, 20):
        put_job(telling, "dead", "data_collection", days=days)
    put_job(telling, "held", "backtest")
    for days in (0, 2):
        put_job(telling, "failed", "backtest", days=days)
    with telling.database.reading() as tx:
        facts = {each.name: each for each in tx.alert_facts.list_jobs(now=telling.clock.now())}

    assert {name: each.measures for name, each in facts.items()} == {
        "data_collection": {"dead": 3},
        "backtest": {"failed": 1, "held": 1},
    }
    assert telling.look() == {"job_dead:data_collection": "firing"}
    [alert] = telling.open()
    assert alert.title.startswith("Jobs of data_collection: 3 dead. See: munshi jobs list")


def test_missed_due_times_of_the_last_day_are_told_but_not_those_that_do_not_matter(
    telling: Telling,
) -> None:
    now = telling.clock.now()
    for name, hours, missed in (
        ("kite_login", 2, 1),
        ("kite_login", 30, 1),
        ("health_sweep", 2, 90),
        ("cache_report", 1, 0),
    ):
        put(
            telling,
            scheduler_executions,
            job_name=name,
            scheduled_for=now - timedelta(hours=hours),
            status="gap" if missed > 1 else "missed" if missed else "fired",
            missed_count=missed,
        )

    assert telling.look() == {"schedule_missed:kite_login": "firing"}
    assert "was missed once in the last day" in telling.open()[0].title
    assert telling.look(23 * 3600) == {}


def test_gaps_that_a_collection_of_the_day_left_are_told_by_series(telling: Telling) -> None:
    now = telling.clock.now()
    for instrument, day, hours, mode in (
        ("NIFTY 50", 17, 1, "simulated"),
        ("NIFTY 50", 18, 1, "simulated"),
        ("NIFTY BANK", 18, 30, "simulated"),
        ("SENSEX", 18, 1, "live"),
    ):
        put(
            telling,
            candle_gaps,
            mode=mode,
            source="kite",
            exchange="NSE",
            instrument=instrument,
            interval="1minute",
            day=date(2026, 11, day),
            reason="partial",
            expected=375,
            present=370,
            first_seen=now - timedelta(days=9),
            last_seen=now - timedelta(hours=hours),
        )

    assert telling.look() == {"data_gap:NSE:NIFTY 50 1minute": "firing"}
    assert telling.open()[0].title == (
        "NSE:NIFTY 50 1minute lacks bars on 2 days, the last one 18 Nov 2026."
    )


def test_a_brokers_day_that_is_nearly_used_up_is_told(desk: Desk) -> None:
    """A login takes one call of a day of which one is left to make."""
    limit = {"requests": 10, "seconds": 60, "daily": 1}
    desk.services.config.set(API, "limit.breeze.api", limit, actor=TESTER)
    desk.services.limits.list_limits()
    token = desk.simulator.breeze_api_session()
    desk.services.breeze.login(api_session=token, actor=TESTER)
    [fact] = [each for each in desk.services.limits.facts() if each.name == "breeze.api"]
    desk.services.alert_rules.look()

    assert fact.measures == {"used": 1, "used_percent": 100}
    assert "quota_high:breeze.api" in {
        each.fingerprint for each in desk.services.alerts.list_open()
    }
