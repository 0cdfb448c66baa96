"""No token, password, seed or API secret is found where people or programs can read it."""

import io
import logging
import re
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import structlog
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.routing import Route

from asgi import Caller
from databases import migrate_template
from desks import TESTER, Desk, open_desk
from leaks import files_of, find_secrets
from munshi.api.app import create_app
from munshi.dashboard.site import create_site
from munshi.domain.config_keys import AUTH, BROKER_KEYS
from munshi.domain.enums import Service
from munshi.domain.jobs import AUTO_LOGIN, DATA_COLLECTION, JobState
from munshi.errors import AppError
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER, KITE_USER
from munshi.logging_setup import configure_logging
from munshi.settings import BrokerMode, Settings
from postgres_cluster import find_programs, restartable_cluster
from simulators import Simulator

API_SECRET = 'c4nary&api/secret+"1"='
PASSWORD = "c4nary p@ss/word%&é"
SEED = "MNQW4YLSPFZWKZLE"
TYPED_TOKEN = "c4naryTypedToken=&1"
CHANNEL_WORD = "c4naryChannelWord"
USERS = {Service.KITE: KITE_USER, Service.BREEZE: BREEZE_USER}
SECRET_KEY = BROKER_KEYS[Service.KITE].api_secret
PLANTED = "planted where a search must find it"
CANARIES = (API_SECRET, PASSWORD, SEED, TYPED_TOKEN)
COLLECTION = {
    "broker": "kite",
    "instruments": ["NSE:NIFTY 50"],
    "interval": "5minute",
    "from": "2026-11-18",
    "to": "2026-11-19",
}


class Trace:
    """All that a desk leaves behind, and the secrets that must not be in it."""

    def __init__(self, home: Path, log: io.StringIO) -> None:
        self.home = home
        self.log = log
        self.secrets = list(CANARIES)
        self.answers: dict[str, bytes] = {}
        self.errors: list[str] = []

    def places(self) -> dict[str, bytes]:
        return {
            **files_of(self.home),
            "log": self.log.getvalue().encode(),
            "errors": "\n".join(self.errors).encode(),
            **self.answers,
        }

    def attempt(self, act: Callable[[], object]) -> None:
        """Do what fails, and keep all that the error would ever show."""
        try:
            act()
        except AppError as error:
            self.errors += [*traceback.format_exception(error), repr(error), str(vars(error))]
        else:
            pytest.fail("this was meant to fail")


@pytest.fixture
def trace(tmp_path: Path) -> Iterator[Trace]:
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure_logging("DEBUG", stream=stream)
    yield Trace(tmp_path, stream)
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**before)


def sign_in(desk: Desk, trace: Trace) -> None:
    """As the demo does, and once more by token; what the brokers granted becomes secret."""
    services = desk.services
    request_token = desk.simulator.kite_request_token()
    api_session = desk.simulator.breeze_api_session()
    sessions = [
        services.kite.login_headless(actor=TESTER),
        services.breeze.login_headless(actor=TESTER),
        services.kite.login(request_token=request_token, actor=TESTER),
        services.breeze.login(api_session=api_session, actor=TESTER),
    ]
    granted = {session.access_token for session in sessions}
    granted |= {session.session_token for session in sessions if session.session_token}
    trace.secrets += [*granted, request_token]
    trace.secrets += [
        text for u in USERS.values() for text in (u.app_secret, u.password, u.totp_seed)
    ]
    trace.errors.append(repr(sessions))


def work(desk: Desk) -> list[JobState]:
    """A collection, a login that stands, and a collection that the broker fails."""
    jobs = [
        desk.services.jobs.enqueue(job_type, parameters, actor=TESTER).job_id
        for job_type, parameters in (
            (DATA_COLLECTION, COLLECTION),
            (AUTO_LOGIN, {"service": "kite"}),
        )
    ]
    desk.services.worker().run_until_idle()
    desk.simulator.fault(FaultKind.EXPIRED_TOKEN, service="kite")
    later = {**COLLECTION, "from": "2026-11-16", "to": "2026-11-17"}
    jobs.append(desk.services.jobs.enqueue(DATA_COLLECTION, later, actor=TESTER).job_id)
    desk.services.worker().run_until_idle()
    desk.simulator.mend()
    return [desk.services.jobs.get(job_id).state for job_id in jobs]


def store_canaries(desk: Desk) -> None:
    """The brokers know the app and the user, and find all that is secret wrong."""
    for service, keys in BROKER_KEYS.items():
        values = {
            keys.api_key: USERS[service].app_key,
            keys.api_secret: API_SECRET,
            keys.user_id: USERS[service].user_id,
            keys.password: PASSWORD,
            keys.totp_seed: SEED,
            keys.headless: True,
        }
        desk.services.config.set_several(AUTH, values, actor=TESTER)


def tell(desk: Desk, trace: Trace) -> None:
    """A channel that nobody listens at is tried, and what came of it kept."""
    url = f"json://desk:{CHANNEL_WORD}@127.0.0.1:9/{CHANNEL_WORD}"
    desk.services.alert_channels.add("phone", url, actor=TESTER)
    trace.secrets.append(CHANNEL_WORD)
    story = desk.services.alert_channels.test("phone", actor=TESTER)
    trace.errors.append(repr(story))


def fail_live(settings: Settings, simulator: Simulator, trace: Trace) -> None:
    """Live credentials that the broker refuses: token, secret, password, then one-time code."""
    live = settings.model_copy(update={"brokers": BrokerMode.LIVE})
    with open_desk(live, simulator) as desk:
        services = desk.services
        trace.errors += [repr(services.logins.of(one).credentials()) for one in Service]
        trace.attempt(lambda: services.kite.login(request_token=TYPED_TOKEN, actor=TESTER))
        trace.attempt(lambda: services.breeze.login(api_session=TYPED_TOKEN, actor=TESTER))
        trace.attempt(lambda: services.kite.login_headless(actor=TESTER))
        trace.attempt(lambda: services.breeze.login_headless(actor=TESTER))
        for service, keys in BROKER_KEYS.items():
            right = USERS[service].password
            services.config.set(AUTH, keys.password, right, actor=TESTER)
        trace.attempt(lambda: services.kite.login_headless(actor=TESTER))
        trace.attempt(lambda: services.breeze.login_headless(actor=TESTER))
        ask_everything(desk, trace, name="live")


def ask_everything(desk: Desk, trace: Trace, *, name: str) -> None:
    """Every GET of the API and of the pages, and the calls that a secret is typed into."""
    with closing(create_site(desk.services)) as site:
        _ask_everything(desk, site.app, trace, name=name)


def _ask_everything(desk: Desk, app: FastAPI, trace: Trace, *, name: str) -> None:
    caller = Caller(app)
    job_id = str(desk.services.jobs.recent().jobs[0].job_id)
    values = {"service": "kite", "config_type": "auth", "job_id": job_id, "user_id": "tester"}
    values |= {
        "entity_type": "auth",
        "entity_id": "kite",
        "slug": "login-needed",
        "name": "swagger-ui.css",
        "component": "database",
        "folder": "pico",
        "act": "retry",
        "alert": "broker_login:kite:simulated:main",
        "run_id": job_id,  # of no backtest: its refusal is an answer, too
        "validation_id": job_id,
        "sweep_id": job_id,
        "config_key": SECRET_KEY,
        "revision": "1",
        "audit_id": "1",
        "silence": job_id,
        "username": "asha",
        "key_id": job_id,
        "session": "others",
        "shelf": "all",
    }
    typed = quote(TYPED_TOKEN)
    extra = {
        "/data/candles": "?instrument=NSE:NIFTY 50&interval=5minute&from=2026-11-18&to=2026-11-19",
        "/auth/kite/callback": f"?status=success&request_token={typed}&state={typed}",
        "/config/diff": "?from=0",
        "/config/rollback": "?revision=0",
        "/auth/breeze/callback": f"?apisession={typed}",
        "/auth/{service}/start": f"?ticket={typed}",
    }
    gets = [
        route.path
        for route in app.routes
        if isinstance(route, Route) and "GET" in (route.methods or ())
        # These never end; what they send stands in the pages as well.
        if not route.path.startswith("/ui/live/")
    ]
    assert len(gets) > 15
    for path in gets:
        target = re.sub(r"{(\w+)[^}]*}", lambda part: values[part[1]], path) + extra.get(path, "")
        answer = caller.get(target.replace(" ", "%20"))
        trace.answers[f"{name} GET {path}"] = str(answer.headers).encode() + answer.body
    for path, body in (
        ("/auth/db/kite/login", {"request_token": TYPED_TOKEN}),
        ("/auth/db/breeze/login", {"api_session": TYPED_TOKEN}),
        ("/auth/db/kite/login", {"request_token": [TYPED_TOKEN], "password": PASSWORD}),
        (f"/config/auth/{SECRET_KEY}", {"value": {"wrong": API_SECRET}}),
        ("/jobs", {"job_type": TYPED_TOKEN[:8], "parameters": {"service": TYPED_TOKEN}}),
    ):
        answer = caller.post(path, json_body=body)
        assert answer.status >= 400
        trace.answers[f"{name} POST {path} {list(body)}"] = (
            str(answer.headers).encode() + answer.body
        )


def use_everything(settings: Settings, simulator: Simulator, trace: Trace) -> list[str]:
    """A desk with canaries that works, is asked and fails; where they show while it is open."""
    with open_desk(settings, simulator) as desk:
        store_canaries(desk)
        sign_in(desk, trace)
        states = work(desk)
        tell(desk, trace)
        ask_everything(desk, trace, name="simulated")
        fail_live(settings, simulator, trace)
        found = find_secrets(trace.secrets, trace.places())  # with the write-ahead log
    assert states == [JobState.SUCCEEDED, JobState.SUCCEEDED, JobState.PAUSED]
    assert len(trace.secrets) > 12
    assert trace.log.getvalue().count("\n") > 30
    return found


def test_a_working_desk_leaves_no_secret_anywhere(
    desk_settings: Settings, simulator: Simulator, trace: Trace
) -> None:
    found = use_everything(desk_settings, simulator, trace)
    found += find_secrets(trace.secrets, files_of(trace.home))

    assert "munshi.db" in trace.places()
    assert found == []


def test_a_working_desk_leaves_no_secret_in_the_files_of_postgresql(
    desk_settings: Settings, simulator: Simulator, trace: Trace
) -> None:
    with restartable_cluster(find_programs()) as (cluster, server):
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE desk")
        url = cluster.url("desk")
        migrate_template(url)
        settings = desk_settings.model_copy(update={"database_url": SecretStr(url)})
        found = use_everything(settings, simulator, trace)
        with open_desk(settings, simulator) as desk, desk.services.database.transaction() as tx:
            details = {"planted": PLANTED}
            tx.audit.log("test", "plant", details=details, actor=TESTER, now=desk.clock.now())
        server.stop()
        files = files_of(server.folder)
        found += find_secrets([*trace.secrets, cluster.password], files)
        planted = find_secrets([PLANTED], files)

    assert found == []
    assert any("data/base/" in hit for hit in planted)
    assert any("data/pg_wal/" in hit for hit in planted)


@pytest.mark.parametrize(
    "spell",
    [
        str,
        lambda secret: secret.encode().hex(),
        lambda secret: quote(secret, safe=""),
        lambda secret: b64encode(secret.encode()).decode(),
        lambda secret: b64encode(f"x{secret}x".encode()).decode(),
        lambda secret: b64encode(f"xy{secret}".encode()).decode(),
    ],
)
@pytest.mark.parametrize("secret", CANARIES)
def test_a_planted_secret_is_found(
    desk: Desk, trace: Trace, secret: str, spell: Callable[[str], str]
) -> None:
    details = {"planted": spell(secret)}
    with desk.services.database.transaction() as tx:
        tx.audit.log("test", "plant", details=details, actor=TESTER, now=desk.clock.now())
    structlog.get_logger().debug("planted", text=spell(secret))
    trace.answers["audit"] = Caller(create_app(desk.services)).get("/audit/recent").body

    found = {hit.partition(":")[0] for hit in find_secrets([secret], trace.places())}

    assert {"log", "audit"} <= found
    assert {"munshi.db", "munshi.db-wal"} & found
