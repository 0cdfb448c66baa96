"""One call for each thing that changes the desk. The walk makes each and looks for its audit row.

Is the walk red because something you wrote has no example? Add a line:

- a route: to ROUTES, under the method and path that `create_site` has;
- a function that opens `database.transaction()`: to WORKS, any call that comes to it. Where a
  route's example comes to it already, there is nothing to add.
"""

from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from asgi import Answer, Caller
from audit.alert_examples import ROUTES_OF_ALERTS, WORKS_OF_ALERTS
from audit.archive_examples import ROUTES_OF_ARCHIVES, WORKS_OF_ARCHIVES
from audit.desk_page_examples import ROUTES_OF_DESK_PAGES
from audit.page_examples import ROUTES_OF_PAGES, Form
from audit.people_examples import (
    ROUTES_OF_PEOPLE,
    WORKS_OF_PEOPLE,
    Guest,
    GuestCall,
    PersonalWork,
)
from caches import WORDS
from desks import TESTER, Desk
from munshi.adoption.service import Choices
from munshi.bootstrap.copying import open_copy
from munshi.circuits.breaker import CircuitBreaker
from munshi.domain.audit import MUNSHI
from munshi.domain.circuits import FAILURES_TO_OPEN, FIRST_REST
from munshi.domain.config_keys import CACHE, MOST_MB
from munshi.domain.enums import Service
from munshi.domain.jobs import AUTO_LOGIN, HEALTH_SWEEP, SESSION_CLEANUP, JobState
from munshi.domain.market.intervals import Interval
from munshi.errors import (
    AppError,
    BrokerSessionExpiredError,
    BrokerThrottledError,
    BrokerUnavailableError,
)
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.database.job_claims import Lane
from munshi.infrastructure.database.legacy_tables import list_legacy_tables
from munshi.jobs.recovery import hold_unclaimable
from munshi.keeping.backup_restore import note_restored
from quotas import open_gate

_WITH_EXPIRIES = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
FROM_THE_BROKER = {"origin": "null", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
_SCHEDULE = {
    "job_type": "auto_login",
    "parameters": {"service": "kite"},
    "trigger": {"kind": "times", "times": ["11:00"], "weekdays_only": False},
    "enabled": True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What examples act on: a desk on which nobody has done anything yet, and its API."""

    desk: Desk
    api: Caller
    folder: Path

    def job(self, state: JobState = JobState.SCHEDULED) -> str:
        """A job of tomorrow, or one that has ended by being cancelled."""
        body = {"job_type": HEALTH_SWEEP, "run_at": "2026-11-21T10:00:00+05:30"}
        job_id = str(self.api.post("/jobs", json_body=body).json()["job_id"])
        if state is JobState.CANCELLED:
            self.api.post(f"/jobs/{job_id}/cancel")
        return job_id

    def alert(self) -> str:
        self.desk.services.kite.book.ask_for_login("Somebody should log in.")
        return str(self.desk.services.alerts.list_open()[0].alert_id)

    def post(self, path: str, body: object = None) -> Answer:
        return self.api.post(path, json_body={} if body is None else body)

    def work(self) -> None:
        """A worker does what there is to do."""
        self.desk.services.worker().run_until_idle()


RouteCall = Callable[[Ground], Answer]
Work = Callable[[Ground], object]


def _callback(ground: Ground) -> Answer:
    page = ground.desk.services.breeze.begin_login(actor=TESTER)
    assert page
    form = f"API_Session={ground.desk.simulator.breeze_api_session()}"
    headers = {**FROM_THE_BROKER, "content-type": "application/x-www-form-urlencoded"}
    return ground.api.post("/auth/breeze/callback", body=form.encode(), headers=headers)


def _disconnect(ground: Ground) -> Answer:
    ground.desk.log_in(Service.KITE)
    return ground.post("/auth/db/disconnect/kite")


def _resume(ground: Ground, what: str) -> Answer:
    ground.post(f"{what}/pause")
    return ground.post(f"{what}/resume")


def _schedule(ground: Ground, act: str) -> Answer:
    ground.post("/schedules/noon", {"schedule": _SCHEDULE})
    if act == "resume":
        ground.post("/schedules/noon/pause")
    return ground.post(f"/schedules/noon/{act}")


def _refused_list(ground: Ground) -> object:
    ground.desk.simulator.fault(FaultKind.HTML, service="breeze", endpoint_class="master")
    with suppress(BrokerUnavailableError):
        ground.desk.services.instruments.load(Service.BREEZE, actor=TESTER)
    ground.desk.simulator.mend()
    return None


def _forgotten_contracts(ground: Ground) -> object:
    """Other examples went on by years, of which nobody knows the expiries."""
    instruments = ground.desk.services.instruments
    ground.desk.clock.set(_WITH_EXPIRIES)
    for days in (0, 100, 2000):
        ground.desk.clock.advance(timedelta(days=days))
        if days < 2000:
            instruments.load(Service.BREEZE, actor=TESTER)
    return instruments.cleanup(actor=TESTER)


def _bulk(ground: Ground) -> Answer:
    ground.job()
    return ground.post("/jobs/bulk/cancel", {"job_type": HEALTH_SWEEP, "jobs": 100})


def _on_page(form: Form, ground: Ground) -> Answer:
    return form(ground.api)


def _as_guest(call: GuestCall, ground: Ground) -> Answer:
    return call(Guest(ground.desk, ground.api))


def _of_people(work: PersonalWork, ground: Ground) -> object:
    return work(ground.desk, ground.api)


def _of_desk(work: Callable[[Desk], object], ground: Ground) -> object:
    return work(ground.desk)


def _roll_back(ground: Ground) -> Answer:
    services = ground.desk.services
    revision = services.config.revision()
    services.config.set("jobs", "keep_days", 8, actor=TESTER)
    return ground.post("/config/rollback", {"revision": revision})


def _export_secrets(ground: Ground) -> None:
    services = ground.desk.services
    services.config.set("auth", "kite.password", "hush", actor=TESTER)
    services.config_transfer.export(with_secrets=True, actor=TESTER)


def _take_over(ground: Ground) -> None:
    transfer = ground.desk.services.config_transfer
    transfer.take_over(transfer.read("[jobs]\nkeep_days = 11\n"), files=["desk.toml"], actor=TESTER)


def _copy_database(ground: Ground) -> None:
    with open_copy(ground.desk.services, f"sqlite:///{ground.folder}/copy.db") as copying:
        copying.copy(actor=TESTER)


def _rejected_session_comes_back(ground: Ground) -> None:
    services = ground.desk.services
    ground.desk.log_in(Service.KITE)
    session = services.kite.book.active()
    services.kite.book.mark_rejected(session, BrokerSessionExpiredError("for a moment"))
    ground.desk.clock.advance(timedelta(minutes=1))
    assert services.kite.probe() is True


def _broker_that_rests(ground: Ground) -> None:
    services, clock = ground.desk.services, ground.desk.clock
    circuit = CircuitBreaker(Service.KITE, services.database, clock, mode=services.settings.brokers)
    for _ in range(FAILURES_TO_OPEN):
        with suppress(BrokerUnavailableError), circuit.call():
            raise BrokerUnavailableError("Kite is down.")
    clock.advance(FIRST_REST)
    with circuit.call():
        pass


# Each is audited; what only looks is listed in LOOKS.
ROUTES: Mapping[tuple[str, str], RouteCall] = {
    ("POST", "/auth/db/kite/login"): lambda on: on.post(
        "/auth/db/kite/login", {"request_token": on.desk.simulator.kite_request_token()}
    ),
    ("POST", "/auth/db/breeze/login"): lambda on: on.post(
        "/auth/db/breeze/login", {"api_session": on.desk.simulator.breeze_api_session()}
    ),
    ("POST", "/auth/db/disconnect/{service}"): _disconnect,
    ("POST", "/auth/db/cleanup"): lambda on: on.post("/auth/db/cleanup"),
    ("POST", "/auth/breeze/callback"): _callback,
    ("POST", "/config/{config_type}/{config_key}"): lambda on: on.post(
        "/config/jobs/keep_days", {"value": 9}
    ),
    ("PUT", "/config/{config_type}/{config_key}"): lambda on: on.api.put(
        "/config/jobs/keep_days", json_body={"value": 9}
    ),
    ("PATCH", "/config"): lambda on: on.api.patch(
        "/config",
        json_body={"changes": [{"config_type": "jobs", "config_key": "keep_days", "value": 9}]},
    ),
    ("POST", "/config/rollback"): _roll_back,
    ("POST", "/jobs"): lambda on: on.post("/jobs", {"job_type": HEALTH_SWEEP}),
    ("POST", "/jobs/cleanup"): lambda on: on.post("/jobs/cleanup", {"days": 1}),
    ("POST", "/jobs/{job_id}/cancel"): lambda on: on.post(f"/jobs/{on.job()}/cancel"),
    ("POST", "/jobs/{job_id}/retry"): lambda on: on.post(
        f"/jobs/{on.job(JobState.CANCELLED)}/retry"
    ),
    ("POST", "/jobs/{job_id}/discard"): lambda on: on.post(
        f"/jobs/{on.job(JobState.CANCELLED)}/discard"
    ),
    ("POST", "/jobs/bulk/{action}"): _bulk,
    ("POST", "/jobs/queues/{name}/pause"): lambda on: on.post("/jobs/queues/default/pause"),
    ("POST", "/jobs/queues/{name}/resume"): lambda on: _resume(on, "/jobs/queues/default"),
    ("POST", "/jobs/types/{name}/pause"): lambda on: on.post("/jobs/types/auto_login/pause"),
    ("POST", "/jobs/types/{name}/resume"): lambda on: _resume(on, "/jobs/types/auto_login"),
    ("POST", "/schedules/{name}"): lambda on: on.post("/schedules/noon", {"schedule": _SCHEDULE}),
    ("POST", "/schedules/{name}/run"): lambda on: _schedule(on, "run"),
    ("POST", "/schedules/{name}/pause"): lambda on: _schedule(on, "pause"),
    ("POST", "/schedules/{name}/resume"): lambda on: _schedule(on, "resume"),
    ("POST", "/schedules/{name}/remove"): lambda on: _schedule(on, "remove"),
    **{
        route: partial(_as_guest, call)
        for routes in (ROUTES_OF_PEOPLE, ROUTES_OF_ARCHIVES, ROUTES_OF_ALERTS, ROUTES_OF_DESK_PAGES)
        for route, call in routes.items()
    },
    **{route: partial(_on_page, form) for route, form in ROUTES_OF_PAGES.items()},
}

# Called with a body, but nothing may change.
LOOKS: Mapping[tuple[str, str], RouteCall] = {
    # Of a Sunday, for which nothing is asked: limits are worked out where their end is.
    ("POST", "/data/collections/plan"): lambda on: on.post(
        "/data/collections/plan",
        {
            "parameters": {
                "broker": "kite",
                "instruments": ["NIFTY"],
                "interval": "5minute",
                "from": "2026-11-15",
                "to": "2026-11-15",
            }
        },
    ),
    ("POST", "/jobs/bulk/{action}/preview"): lambda on: on.post(
        "/jobs/bulk/cancel/preview", {"job_type": HEALTH_SWEEP}
    ),
}


def _login_by_callback(ground: Ground) -> None:
    page = ground.desk.services.kite.begin_login(actor=TESTER)
    state = parse_qs(parse_qs(urlsplit(page).query)["redirect_params"][0])["state"][0]
    token = ground.desk.simulator.kite_request_token()
    ground.desk.services.kite.complete_redirect(token, state)


def _failed_login(ground: Ground) -> None:
    with suppress(AppError):
        ground.desk.services.kite.login(request_token="wrong", actor=TESTER)


def _rejected_session(ground: Ground) -> None:
    session = ground.desk.log_in(Service.KITE)
    error = BrokerSessionExpiredError("Kite said so.")
    ground.desk.services.kite.book.mark_rejected(session, error)


def _import(ground: Ground) -> None:
    path = ground.folder / "nifty.csv"
    path.write_text(
        "instrument,timestamp,open,high,low,close,volume\n"
        "NIFTY,2024-03-01 09:15,22000,22010,21990,22005,0\n"
    )
    ground.desk.services.imports.import_file(
        path, interval=Interval.ONE_MINUTE, progress=lambda *_: None, actor=TESTER
    )


def _scheduler(ground: Ground) -> None:
    """A due time, and the end of its job by another way than a worker's."""
    services = ground.desk.services
    ground.post("/schedules/noon", {"schedule": _SCHEDULE})
    scheduler = services.scheduler()
    scheduler.tick()
    ground.desk.clock.advance(timedelta(hours=1))
    scheduler.tick()
    for job in services.jobs.recent(job_type=AUTO_LOGIN).jobs:
        services.jobs.cancel(job.job_id, actor=TESTER)
    ground.desk.clock.advance(timedelta(minutes=1))
    scheduler.tick()


def _unclaimable(ground: Ground) -> None:
    services = ground.desk.services
    services.jobs.enqueue(HEALTH_SWEEP, {}, actor=TESTER)
    ground.desk.clock.advance(timedelta(minutes=11))
    lanes = [Lane("default", AUTO_LOGIN)]
    assert hold_unclaimable(services.database, services.clock, lanes)


def _worker(ground: Ground) -> None:
    """One job that succeeds, one that pauses for a login, and one that fans out."""
    services = ground.desk.services
    services.config.set("auth", "simulated_headless", value=False, actor=TESTER)
    services.jobs.enqueue(SESSION_CLEANUP, {}, actor=TESTER)
    services.jobs.enqueue(AUTO_LOGIN, {"service": "kite"}, actor=TESTER)
    ground.work()


def _keys(ground: Ground) -> None:
    services = ground.desk.services
    ground.desk.log_in(Service.KITE)
    ground.desk.clock.advance(timedelta(minutes=1))
    services.keys.rotate(actor=TESTER)
    services.keys.reencrypt(progress=lambda *_: None, actor=TESTER)


def _key_copy(ground: Ground) -> None:
    path, passphrase = ground.folder / "copy.json", "four clerks count rice"
    ground.desk.services.keys.back_up(path, passphrase, actor=TESTER)
    ground.desk.services.keys.restore(path, passphrase, actor=TESTER)


# Whatever comes to each function that opens a transaction and that no route's example comes to.
def _use_limits(ground: Ground) -> None:
    """Calls, a refusal, a call over midnight, a clock that is set, and what is forgotten."""
    database, clock = ground.desk.services.database, ground.desk.clock
    with closing(open_gate(database, clock)) as gate:
        with gate.permit("breeze.api"):
            clock.advance(timedelta(hours=23))
        with suppress(BrokerThrottledError), gate.permit("kite.quote"):
            raise BrokerThrottledError("Too many requests.", retry_after=1.0)
        clock.set(clock.now() + timedelta(days=1))
        with gate.permit("kite.quote"):
            pass
    clock.advance(timedelta(days=700))
    ground.desk.services.limits.cleanup()


def _backup(ground: Ground) -> None:
    """A backup, and what a restore of it does to a database that is there."""
    services, passphrase = ground.desk.services, "four clerks count rice"
    done = services.backups.create(
        ground.folder / "b.tar", passphrase, told=lambda *_: None, actor=TESTER
    )
    services.keys.put_back(services.keys.sealed_copy(passphrase, actor=TESTER), passphrase)
    note_restored(services.database, services.clock, done.manifest, actor=TESTER)


def _adopt(ground: Ground) -> None:
    """A setting, a job and an audit row of an old install, and the end of its tables."""
    database, adoption = ground.desk.services.database, ground.desk.services.adoption
    with database.engine.begin() as connection:
        for statement in (
            'CREATE TABLE "legacy_SystemConfigurations" (config_type, config_key, config_value)',
            "INSERT INTO \"legacy_SystemConfigurations\" VALUES ('trading', 'max_lots', '3')",
            'CREATE TABLE "legacy_BackgroundJobs" (job_type, status)',
            "INSERT INTO \"legacy_BackgroundJobs\" VALUES ('backtest', 'running')",
            'CREATE TABLE "legacy_AuditLogs" (action)',
            "INSERT INTO \"legacy_AuditLogs\" VALUES ('login')",
        ):
            connection.exec_driver_sql(statement)
    adoption.run(Choices(), actor=TESTER)
    adoption.note_drop(list_legacy_tables(database), actor=TESTER)


def _fill_and_clear_the_cache(ground: Ground) -> None:
    services, clock = ground.desk.services, ground.desk.clock
    services.config.set(CACHE, MOST_MB, 1, actor=TESTER)
    cache, words = services.cache, services.cache.open(WORDS)
    cache.invalidate("words")
    words.set("expired", ["x"])
    clock.advance(timedelta(days=9))
    cache.sweep()
    for number in range(12):
        words.set(str(number), ["x" * 100_000])
    cache.sweep()
    words.get("11")
    cache.save_counts()
    services.cache_service.clear(actor=TESTER)


WORKS: Mapping[str, Work] = {
    "an old install is adopted": _adopt,
    "the cache is filled, swept and cleared": _fill_and_clear_the_cache,
    "brokers' limits are used": _use_limits,
    "an alert is put away": lambda on: on.desk.services.alerts.resolve(on.alert(), actor=TESTER),
    "the trail is exported": lambda on: on.desk.services.audit.begin_export(
        way="test", actor=TESTER
    ),
    "a checkpoint is taken": lambda on: (
        on.desk.services.config.seed(actor=MUNSHI),
        on.desk.services.ledger.seal(),
        on.desk.services.ledger.take_checkpoint("test", actor=TESTER),
    ),
    "the database is copied": _copy_database,
    "kite redirects back": _login_by_callback,
    "a login fails": _failed_login,
    "a session is rejected": _rejected_session,
    "a rejected session comes back": _rejected_session_comes_back,
    "a broker goes on failing": _broker_that_rests,
    "a token is read": lambda on: (
        on.desk.log_in(Service.KITE),
        on.desk.services.secrets.token(on.desk.services.kite, actor=TESTER),
    ),
    "defaults are seeded": lambda on: on.desk.services.config.seed(actor=MUNSHI),
    "several values change": lambda on: on.desk.services.config.set_several(
        "auth", {"kite.user_id": "AB1234", "kite.password": "hush"}, actor=TESTER
    ),
    "secrets are exported": _export_secrets,
    "a configuration is taken over": _take_over,
    "health is swept": lambda on: on.desk.services.health.sweep(),
    "a file is imported": _import,
    "a list of instruments is refused": _refused_list,
    "old contracts are forgotten": _forgotten_contracts,
    "instruments are loaded": lambda on: on.desk.services.instruments.refresh(
        Service.BREEZE, actor=TESTER
    ),
    "old runs are forgotten": lambda on: on.desk.services.schedules.cleanup(1, actor=TESTER),
    "a schedule is due": _scheduler,
    "a job is of no worker's kind": _unclaimable,
    "a worker works": _worker,
    "keys are changed": _keys,
    "keys are copied and put back": _key_copy,
    "a backup is made and put back": _backup,
    **{name: partial(_of_people, work) for name, work in WORKS_OF_PEOPLE.items()},
    **{
        name: partial(_of_desk, work)
        for name, work in (WORKS_OF_ARCHIVES | WORKS_OF_ALERTS).items()
    },
}
