"""A browser's part of a headless login: cookies, pages, and no step beyond the broker's host."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from types import TracebackType
from typing import Self

import httpx

from munshi.errors import BrokerUnavailableError
from munshi.infrastructure.brokers.http import Reply, exchange
from munshi.infrastructure.security.totp import one_time_code

MAX_REDIRECTS = 10
OpenHttp = Callable[[], httpx.Client]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebCredentials:
    """What a person would type, for those who asked Munshi to type it."""

    app_key: str
    user_id: str
    password: str = field(repr=False)
    totp_seed: str = field(repr=False)

    def code(self, *, now: datetime) -> str:
        """The authenticator's six digits. Raises TotpSeedInvalidError."""
        return one_time_code(self.totp_seed, now=now)


class WebSession:
    """One login's cookies. Refuses every address that is not on the broker's own host."""

    def __init__(self, open_http: OpenHttp, *, broker: str, home: str) -> None:
        self._open_http = open_http
        self._broker = broker
        self._origin = _origin(httpx.URL(home))

    def __enter__(self) -> Self:
        self._http = self._open_http()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, address: str, *, query: Mapping[str, str] | None = None) -> Reply:
        return self._ask("GET", address, query=query)

    def post(self, address: str, *, form: Mapping[str, str]) -> Reply:
        return self._ask("POST", address, form=form)

    def cookie(self, name: str) -> str | None:
        found = [cookie.value for cookie in self._http.cookies.jar if cookie.name == name]
        return found[-1] if found else None

    def follow(self, reply: Reply, *, until: str) -> Reply | str:
        """Follow redirects by hand.

        Returns the value of the query field `until` as soon as a redirect carries it, without
        going there, or else the page at the end.
        """
        for _ in range(MAX_REDIRECTS):
            if not reply.is_redirect or reply.location is None or reply.address is None:
                return reply
            target = reply.address.join(reply.location)
            if until in target.params:
                return str(target.params[until])
            reply = self._ask("GET", str(target))
        raise BrokerUnavailableError(f"{self._broker}'s login pages lead in a circle.")

    def _ask(
        self,
        method: str,
        address: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        if _origin(httpx.URL(address)) != self._origin:
            raise BrokerUnavailableError(
                f"{self._broker}'s login led to another host and was given up there.",
                hint="Log in through the link.",
            )
        request = self._http.build_request(method, address, params=query, data=form)
        return exchange(self._http, request, broker=self._broker)


@dataclass(slots=True)
class Page:
    """An HTML page's hidden fields, and the text a person would see."""

    hidden: dict[str, str]
    text: str


def read_page(reply: Reply) -> Page:
    parser = _PageParser()
    parser.feed(reply.text())
    parser.close()
    return Page(hidden=parser.hidden, text=" ".join(" ".join(parser.shown).split()))


class _PageParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.shown: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"script", "style"}:
            self._unseen += 1
        elif tag == "input" and (given.get("type") or "").lower() == "hidden":
            name = given.get("name")
            if name:
                self.hidden[name] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"} and self._unseen:
            self._unseen -= 1

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.shown.append(data)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
