"""What it costs to know who calls: a session's look-up on SQLite, alone and with all of the gate.

Microseconds of CPU each, the best of five rounds: python benchmarks/callers.py
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from munshi.api.callers import Callers
from munshi.api.cookies import SessionCookie
from munshi.api.rate_limit import RateLimiter
from munshi.api.security import CallerRules, Headers
from munshi.bootstrap import open_database
from munshi.clock import SystemClock
from munshi.domain.people import SessionLimits, new_token, token_hash
from munshi.domain.roles import Role
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrate import upgrade
from munshi.infrastructure.security.master_keys import KeyRing
from munshi.infrastructure.security.vault import Vault
from munshi.people.sessions import SessionService
from munshi.settings import Settings

AIM = 60.0
SESSIONS, ROUNDS, EACH = 10_000, 5, 4000
LIMITS = SessionLimits(idle=timedelta(hours=1), absolute=timedelta(days=1))


def fill(database: Database, clock: SystemClock) -> str:
    """Many sessions of one user; the token of the last."""
    token = ""
    with database.transaction() as tx:
        user = tx.users.save_user(
            "asha", role=Role.OPERATOR, password_hash="-", created_by="-", now=clock.now()
        )
        for _ in range(SESSIONS):
            token = new_token()
            tx.user_sessions.save_session(
                user,
                token_hash(token),
                limits=LIMITS,
                ip_address="192.0.2.1",
                user_agent="Browser",
                now=clock.now(),
            )
    return token


def measure(act: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(EACH):
            act()
        best = min(best, (time.process_time() - started) / EACH * 1e6)
    return best


def gate_check(sessions: SessionService, token: str) -> Callable[[], object]:
    """All that the gate does before the route, without an event loop around it."""
    rules = CallerRules(Settings(), listening=[("127.0.0.1", 8000)])
    callers = Callers(rules, SessionCookie(Settings()), sessions)
    clock = SimpleNamespace(seconds=0.0)
    limiter = RateLimiter(lambda: 10**9, lambda: clock.seconds)
    headers = [
        (b"host", b"localhost:8000"),
        (b"user-agent", b"Browser"),
        (b"sec-fetch-site", b"same-origin"),
        (b"cookie", b"munshi=" + token.encode()),
    ]
    scope = {"type": "http", "method": "GET", "path": "/jobs", "client": ("127.0.0.1", 1)}

    async def check() -> None:
        read = Headers.read(headers)
        rules.check(scope, read)
        principal = await callers.find(scope, read)
        await limiter.admit(principal, peer=rules.peer(scope, read), path="/jobs")

    asyncio.run(check())  # reads the limit once, in a thread

    def act() -> None:
        try:
            check().send(None)
        except StopIteration:
            return

    return act


def measure_callers() -> tuple[float, float]:
    """µs of CPU: a session looked up, and all of the gate's checks."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), _env_file=None)
        with open_database(settings) as database:
            upgrade(database)
            database.unlock(Vault(KeyRing(active="aa" * 8, keys={"aa" * 8: b"k" * 32})))
            clock = SystemClock()
            token = fill(database, clock)
            sessions = SessionService(database, clock)
            return measure(lambda: sessions.find(token)), measure(gate_check(sessions, token))


def main() -> int:
    alone, whole = measure_callers()
    print(f"of {SESSIONS} sessions         µs CPU   aim")
    print(f"look-up of a session      {alone:6.1f}  {AIM:5.0f}")
    print(f"all of the gate's checks  {whole:6.1f}  {AIM:5.0f}")
    return int(whole > AIM)


if __name__ == "__main__":
    sys.exit(main())
