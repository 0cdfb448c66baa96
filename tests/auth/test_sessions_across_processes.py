"""Several processes with one login, on both databases: rejected once, tried out once, replaced."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from auth.session_process import SessionProcess
from desks import TESTER
from munshi.bootstrap import Services, open_services
from munshi.domain.enums import Service
from munshi.domain.sessions import SessionState
from munshi.infrastructure.brokers.simulator.serving import STATE_NAME
from munshi.infrastructure.brokers.web_session import WebCredentials
from munshi.settings import load_settings
from processes import wait_until
from rate_limits.proof import simulator_process

# Many processes on a busy machine take their time.
pytestmark = pytest.mark.timeout(600)
PROCESSES, THREADS = 3, 3
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A desk, and the simulated brokers in a process of their own, on the real clock."""

    services: Services
    home: Path
    url: str
    broker: str

    def answers(self) -> list[tuple[float, int | None]]:
        """When each call to Kite arrived, by the broker's clock, and what it got; in order."""
        with closing(sqlite3.connect(self.home / STATE_NAME)) as state:
            rows = state.execute(
                "SELECT arrived_at, status FROM arrivals WHERE service = 'kite' "
                "AND endpoint_class <> 'session' AND path LIKE '/user/%' ORDER BY arrived_at"
            )
            return [(at / _MICROS, status) for at, status in rows]

    def refused(self) -> list[float]:
        return [at for at, status in self.answers() if status == 403]

    def log_in(self) -> None:
        self.services.kite.login_headless(actor=TESTER)

    def log_in_anew(self) -> None:
        """By a token, as a person does who knows nothing of the other login."""
        kite = self.services.kite
        token = kite._web_login(_credentials(self.services))  # noqa: SLF001
        kite.login(request_token=token, actor=TESTER)

    def taken_turns(self) -> int:
        """How many are logging in."""
        with self.services.database.reading() as tx:
            asked = 'SELECT count(*) FROM "LoginStates" WHERE turn_holder IS NOT NULL'
            return int(tx.connection.exec_driver_sql(asked).scalar_one())

    def log_out_at_the_broker(self) -> None:
        httpx.post(f"{self.broker}/_simulator/logout", json={"service": "kite"}).raise_for_status()

    def state(self) -> SessionState:
        return {each.service: each.state for each in self.services.logins.status()}[Service.KITE]

    def audited(self, action: str) -> int:
        page = self.services.audit.page(entity_type="auth", entity_id="kite", limit=200)
        return sum(entry.action == action for entry in page.entries)

    @contextmanager
    def crowd(self, work: str, *, threads: int = THREADS) -> Iterator[list[SessionProcess]]:
        """Processes that do `work` from now until the end."""
        with ExitStack() as stack:
            started = [
                SessionProcess(
                    self.home, url=self.url, broker=self.broker, threads=threads, work=work
                )
                for _ in range(PROCESSES)
            ]
            for each in started:
                stack.callback(each.close)
            for each in started:
                each.wait_until_ready()
            for each in started:
                each.begin()
            yield started


def _credentials(services: Services) -> WebCredentials:
    found = services.kite.credentials().for_web()
    assert found is not None
    return found


@pytest.fixture
def site(any_database_url: str, tmp_path: Path) -> Iterator[Site]:
    with simulator_process(tmp_path) as broker:
        settings = load_settings(
            _env_file=None,
            home=tmp_path,
            database_url=any_database_url,
            env_file=tmp_path / "none.env",
            simulator_url=broker,
        )
        with open_services(settings) as services:
            services.config.set(
                "api", "limit.kite.other", {"requests": 200, "seconds": 1}, actor=TESTER
            )
            services.config.set(
                "api", "limit.kite.login", {"requests": 100, "seconds": 1}, actor=TESTER
            )
            yield Site(services=services, home=tmp_path, url=any_database_url, broker=broker)


def test_one_rejection_stops_every_process_and_one_login_starts_them_again(site: Site) -> None:
    site.log_in()
    with site.crowd("ask") as crowd:
        wait_until(lambda: len(site.answers()) > 100)
        site.log_out_at_the_broker()
        wait_until(lambda: site.state() is SessionState.REJECTED)
        time.sleep(1)  # whatever was under way has arrived
        refused = site.refused()
        time.sleep(3)
        later = len(site.answers()), len(site.refused())
        before = len(site.answers())
        site.log_in()
        wait_until(lambda: len(site.answers()) > before + 100)
        met = [each.end() for each in crowd]

    alerts = [each for each in site.services.alerts.list_open() if each.subject == "kite"]
    # What each thread had under way, and nothing after it.
    assert 1 <= len(refused) <= PROCESSES * THREADS
    assert refused[-1] - refused[0] < 1
    assert later == (before, len(refused))
    assert site.audited("session_rejected") == 1
    assert alerts == []
    assert site.state() is SessionState.ACTIVE
    assert all(each["done"] > 0 and each["LoginNeededError"] > 0 for each in met)


def test_all_processes_together_try_a_dead_login_out_once_a_minute(site: Site) -> None:
    site.log_in()
    session = site.services.kite.restore()
    assert session is not None
    site.log_out_at_the_broker()
    with pytest.raises(Exception, match="Kite said"), site.services.kite.using() as access:
        site.services.instruments._kite.profile(access)  # noqa: SLF001
    _let_a_minute_pass(site)

    with site.crowd("probe") as crowd:
        time.sleep(4)
        met = [each.end() for each in crowd]

    assert len(site.refused()) == 2  # the rejection, and one try
    assert sum(each.get("probed", 0) for each in met) == 1
    assert sum(each["done"] for each in met) > 100
    assert site.state() is SessionState.REJECTED


def _let_a_minute_pass(site: Site) -> None:
    """By making the last try a minute old."""
    mode = site.services.settings.brokers
    with site.services.database.transaction() as tx:
        found = tx.login_states.get_rejection(Service.KITE, mode=mode)
        assert found is not None
        tx.login_states.save_rejection(
            Service.KITE,
            found.session_id,
            why=found.why,
            mode=mode,
            now=found.rejected_at - timedelta(minutes=1),
        )


def test_logins_at_once_leave_the_token_that_the_broker_takes(site: Site) -> None:
    """Each login ends the token before it at Kite: the one that is stored last must be that one."""
    with site.crowd("log_in", threads=1) as crowd:
        wait_until(lambda: site.audited("login") >= 8)
        met = [each.end() for each in crowd]

    session = site.services.kite.restore()
    assert session is not None
    profile = site.services.instruments._kite.profile  # noqa: SLF001
    assert site.services.kite.calling(profile).user_id == session.user_id
    assert site.refused() == []
    assert [each for each in met if set(each) != {"done"}] == []


def test_a_login_whose_answer_is_late_does_not_overtake_the_next_one(site: Site) -> None:
    """The broker has ended its token by then: were it stored last, the desk would hold that one."""
    late = {"kind": "late", "service": "kite", "endpoint_class": "session", "count": 1}
    httpx.post(f"{site.broker}/_simulator/faults", json={**late, "seconds": 2}).raise_for_status()

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(site.log_in)
        wait_until(lambda: site.taken_turns() == 1)
        quick = pool.submit(site.log_in_anew)
        slow.result(60)
        quick.result(60)

    profile = site.services.instruments._kite.profile  # noqa: SLF001
    assert site.services.kite.calling(profile).user_id
    assert site.refused() == []
    assert site.audited("login") == 2
