"""What trust costs: audited changes, sealed secrets, known callers, the sealed trail.

One table: `python benchmarks/trust.py` (`--quick` for one small round). The exit code is 1 where an
aim is missed. Changes are durable: synchronous=FULL on SQLite, synchronous_commit=on on PostgreSQL.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from callers import measure_callers
from jobs_ground import Ground, grounds

from databases import lone_vault
from munshi.clock import SystemClock
from munshi.config.change_set import Wanted, check
from munshi.config.service import ConfigService
from munshi.domain.audit import Actor
from munshi.domain.config_keys import JOBS, KEEP_DAYS
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrate import upgrade
from munshi.infrastructure.database.url import parse_database_url

WRITERS = 8
TOKEN = "t" * 200
ACTOR = Actor(user_id="bench", ip_address="192.0.2.1", request_id="r" * 24)
Write = Callable[[Database, ConfigService, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """A measured figure and what it should be at most (or at least)."""

    what: str
    reached: float
    wanted: float
    unit: str
    at_least: bool = False

    @property
    def is_kept(self) -> bool:
        return self.reached >= self.wanted if self.at_least else self.reached <= self.wanted


def audited(_: Database, config: ConfigService, number: int) -> None:
    """As the desk does it: value, history, revision, audit."""
    wanted = Wanted(config_type=JOBS, config_key=KEEP_DAYS, value=1 + number % 3000)
    config.change([wanted], actor=ACTOR)


def unaudited(database: Database, _: ConfigService, number: int) -> None:
    """The same change without what the audit asks for."""
    wanted = Wanted(config_type=JOBS, config_key=KEEP_DAYS, value=1 + number % 3000)
    [key] = check([wanted])
    with database.transaction() as tx:
        revision = tx.config.take_revision()
        tx.config.set_config(
            *wanted.name,
            wanted.value,
            is_secret=False,
            description=key.description,
            revision=revision,
            updated_by=ACTOR.user_id,
            now=SystemClock().now(),
        )


@contextmanager
def opened(url: str, home: Path) -> Iterator[Database]:
    with closing(Database(parse_database_url(url, home=home), pool_size=WRITERS)) as database:
        yield database


def cost(ground: Ground, url: str, home: Path, write: Write, many: int) -> float:
    """CPU seconds of a change, client and server, by one writer."""
    with opened(url, home) as database:
        config = ConfigService(database, SystemClock())
        for number in range(20):
            write(database, config, number)
        began, server = time.process_time(), ground.server_cpu()
        for number in range(many):
            write(database, config, number)
        return (time.process_time() - began + ground.server_cpu() - server) / many


def rate(url: str, home: Path, write: Write, many: int) -> float:
    """Changes a second by eight writers at once."""
    with opened(url, home) as database:
        config = ConfigService(database, SystemClock())
        write(database, config, 0)

        def work() -> None:
            for number in range(many // WRITERS):
                write(database, config, number)

        threads = [threading.Thread(target=work) for _ in range(WRITERS)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return many / (time.perf_counter() - began)


def changes(ground: Ground, home: Path, *, rounds: int, many: int) -> Iterator[Aim]:
    """With the audit and without, taking turns."""
    with opened(ground.template("filled"), home) as database:
        upgrade(database)
    ground.settle("filled")
    costs: dict[Write, list[float]] = {audited: [], unaudited: []}
    rates: dict[Write, list[float]] = {audited: [], unaudited: []}
    for _ in range(rounds):
        for write in (audited, unaudited):
            costs[write].append(cost(ground, ground.copy("filled"), home, write, many))
            rates[write].append(rate(ground.copy("filled"), home, write, many))
    with_audit, without = (statistics.median(costs[write]) * 1e6 for write in costs)
    fast, plain = (statistics.median(rates[write]) for write in rates)
    print(
        f"{ground.name:<12} a change {with_audit:7.0f} µs CPU, without audit {without:7.0f} µs; "
        f"8 writers {fast:6.0f}/s, without audit {plain:6.0f}/s"
    )
    if ground.name == "SQLite":
        more = with_audit - without
        yield Aim(what="SQLite: a change, more than unaudited", reached=more, wanted=150, unit="µs")
        return
    yield Aim(
        what="PostgreSQL: a change, of unaudited",
        reached=with_audit / without,
        wanted=1.4,
        unit="times",
    )
    yield Aim(
        what="PostgreSQL: 8 writers, of unaudited",
        reached=100 * fast / plain,
        wanted=90,
        unit="%",
        at_least=True,
    )


def sealing(*, many: int) -> float:
    """µs of CPU to seal a token of 200 bytes and open it again; the best of five."""
    vault = lone_vault()
    where = {"table": "AuthSessions", "column": "access_token", "row_id": uuid4()}
    took = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(many):
            vault.unseal(vault.seal(TOKEN, **where), **where)
        took.append((time.process_time() - began) / many * 1e6)
    return min(took)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="One small round.")
    quick = parser.parse_args().quick
    rounds, many = (1, 200) if quick else (5, 2000)
    aims: list[Aim] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with grounds(home, frozenset({"PostgreSQL", "SQLite"})) as both:
            for ground in both:
                aims += changes(ground, home, rounds=rounds, many=many)
    aims.append(
        Aim(what="a token sealed and opened", reached=sealing(many=many), wanted=10, unit="µs")
    )
    _, checked = measure_callers()
    aims.append(Aim(what="a session's request, all checks", reached=checked, wanted=60, unit="µs"))
    print()
    for aim in aims:
        sign = "at least" if aim.at_least else "at most"
        said = "kept" if aim.is_kept else "MISSED"
        print(f"{aim.what:<42} {aim.reached:8.2f} {aim.unit:<6} {sign} {aim.wanted:g}: {said}")
    return 0 if all(aim.is_kept for aim in aims) else 1


if __name__ == "__main__":
    sys.exit(main())
