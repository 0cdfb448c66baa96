"""Serves the whole API beside one empty FastAPI route, for `benchmarks/api.py`."""

import sys
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from munshi.api.app import create_app
from munshi.api.server import address_of, build_server, listen
from munshi.bootstrap import BrokerEndpoints, Services, open_database, open_services
from munshi.domain.enums import Service
from munshi.domain.sessions import BrokerSession, breeze_expiry, kite_expiry
from munshi.infrastructure.database import migrate
from munshi.logging_setup import configure_logging
from munshi.settings import load_settings


def _empty_app() -> FastAPI:
    app = FastAPI()

    @app.get("/empty")
    def empty() -> dict[str, str]:
        return {}

    return app


class Beside:
    """Sends `/empty` to the bare application and everything else to ours."""

    def __init__(self, ours: ASGIApp, empty: ASGIApp) -> None:
        self._ours = ours
        self._empty = empty

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chosen = self._empty if scope.get("path") == "/empty" else self._ours
        await chosen(scope, receive, send)


def _log_in(services: Services) -> None:
    """Two stored logins, so that a status has something to tell."""
    now = services.clock.now()
    for service, expires_at in (
        (Service.KITE, kite_expiry(now)),
        (Service.BREEZE, breeze_expiry(now)),
    ):
        granted = BrokerSession(
            service=service,
            mode=services.settings.brokers,
            access_token="made-up",
            user_id="SIM123",
            user_name="Simulated User",
            expires_at=expires_at,
        )
        with services.database.transaction() as tx:
            tx.auth.save_session(granted, now=now)


def main(home: Path) -> None:
    settings = load_settings(_env_file=None, home=home, env_file=home / ".env")
    with (home / "log").open("w", encoding="utf-8") as log:
        configure_logging("INFO", stream=log)
        with open_database(settings) as database:
            migrate.upgrade(database)
        endpoints = BrokerEndpoints.at("http://127.0.0.1:9")
        with open_services(settings, endpoints=endpoints) as services:
            _log_in(services)
            with listen("127.0.0.1", 0) as listener:
                here = address_of(listener)
                print(here[1], flush=True)
                app = Beside(create_app(services, listening=[here]), _empty_app())
                build_server(app).run(sockets=[listener])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
