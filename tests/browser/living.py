"""A desk with something on every page: logins, jobs of every kind, schedules, a paused queue."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from crowd import OWNER, PASSWORD, hash_cheaply
from desks import TESTER, Desk
from jobs.stories import Storyteller
from made_backtests import made_run, made_trades
from made_research import NIFTY, hold, run_backtests
from made_sweeps import store_sweep
from made_validation_runs import made_validation
from munshi.domain.alerts import Severity
from munshi.domain.jobs import BACKTEST, DATA_QUALITY, PauseKind
from munshi.domain.roles import Role

BACKTEST_ASKED = {
    "strategy": "ma_cross",
    "instrument": NIFTY,
    "interval": "1minute",
    "from": "2026-11-19",
    "to": "2026-11-19",
    "parameters": {"fast": 3, "slow": 8, "long_only": True},
}
MORNING = datetime(2026, 11, 20, 3, 20, tzinfo=UTC)  # Friday 08:50 IST


def fill(desk: Desk) -> Mapping[str, str]:
    """Ids of jobs, by what became of them."""
    services, clock = desk.services, desk.clock
    clock.set(MORNING)
    services.config.seed(actor=TESTER)
    desk.log_in_everywhere()
    stories = Storyteller(database=services.database, clock=clock, home=services.settings.home)
    told, failed = stories.told("tell", "4"), stories.told("refuse", "that")
    stories.told("share", "ab")
    services.jobs.enqueue("health_sweep", {}, actor=TESTER)
    services.worker().run_until_idle()
    stories.ask("act", "4")
    scheduler = services.scheduler()
    scheduler.tick()
    services.queues.pause(PauseKind.QUEUE, "default", reason="A look at it.", actor=TESTER)
    return {"told": str(told), "failed": str(failed)}


def fill_the_rest(desk: Desk) -> Mapping[str, str]:
    """What stands for each parameter of a page's address, before `fill` pauses the queue.

    Two backtests, a sweep, a validation, a firing alert, a silence, a channel, another user with a
    key; what was judged of the data comes with the jobs of `fill`.
    """
    services, clock = desk.services, desk.clock
    clock.set(MORNING)
    hold(desk, "2026-11-19 09:15", count=375)
    ended = services.jobs.enqueue(BACKTEST, BACKTEST_ASKED, actor=TESTER)
    run_backtests(desk)
    [run] = services.backtests.list_runs()
    other = made_run()
    services.alert_channels.add("phone", "json://127.0.0.1:9/", actor=TESTER)
    sweep, validation = store_sweep(services.database), made_validation()
    with services.database.transaction() as tx:
        tx.backtests.save_run(other, made_trades())
        tx.validations.save_run(validation)
        tx.alerts.raise_alert(
            "job_dead:swing",
            kind="job_dead",
            severity=Severity.CRITICAL,
            title="Swing died.",
            now=clock.now(),
        )
        alert = tx.alerts.get_open_alert("job_dead:swing")
    assert alert is not None
    silence = services.alerts.silence(
        "data_gap:*", reason="NSE is late.", ends_at=clock.now() + timedelta(days=1), actor=TESTER
    )
    people = services.people
    hash_cheaply(services.config)
    people.users.add("victor", Role.VIEWER, password=PASSWORD, actor=OWNER)
    key = people.api_keys.create("victor", "script", actor=OWNER).key
    services.jobs.enqueue(DATA_QUALITY, {}, actor=TESTER)
    return {
        "ended": str(ended.job_id),
        "run_id": str(run.run_id),
        "other_run": str(other.run_id),
        "sweep_id": str(sweep.sweep_id),
        "validation_id": str(validation.validation_id),
        "alert": str(alert.alert_id),
        "silence": str(silence.silence_id),
        "username": "victor",
        "key_id": str(key.key_id),
    }


def sign_in_elsewhere(desk: Desk, name: str) -> str:
    """The id of another session of a user who can sign in."""
    granted = desk.services.people.sign_ins.sign_in(
        name, PASSWORD, user_agent="Phone/1.0", actor=OWNER
    )
    return str(granted.signed_in.session_id)
