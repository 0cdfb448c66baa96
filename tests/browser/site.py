"""Munshi as a browser meets it, and a page of somebody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from desks import Desk
from munshi.dashboard.live import LiveFeed
from munshi.domain.enums import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The running server; `terminal` is curl on the same machine."""

    url: str
    desk: Desk
    terminal: httpx.Client
    feed: LiveFeed
    routes: Sequence[BaseRoute]

    def status(self, service: Service) -> dict[str, Any]:
        answer = self.terminal.get(f"{self.url}/auth/db/status")
        found: dict[str, Any] = answer.json()["services"][service]
        return found


class Elsewhere:
    """One page of another origin, holding what a test puts there."""

    def __init__(self) -> None:
        self.html = ""
        self.port = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = '<!doctype html><title>Elsewhere</title><link rel="icon" href="data:,">'
        await HTMLResponse(head + self.html)(scope, receive, send)

    def url(self, host: str) -> str:
        return f"http://{host}:{self.port}/"
