"""How pages look: templates that escape everything, times in IST, and who sees which way on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from munshi.adoption.redaction import is_secret_name
from munshi.api.files import PackagedFiles
from munshi.api.pages import MODE_WORDS
from munshi.api.roles import REQUEST, Principal, Role, allows, facts_of
from munshi.clock import IST, Clock
from munshi.errors import PathUnknownError
from munshi.settings import Settings

_SCRIPT, _STYLE, _TEXT = "text/javascript", "text/css", "text/plain"
_OWN_SCRIPTS = ("munshi.js", "theme.js", "typed.js", "lines.js", "candles.js")
_FILES: Mapping[str, PackagedFiles] = {
    folder: PackagedFiles(folder=folder, media_types=types, package="munshi.dashboard")
    for folder, types in {
        "htmx": {"htmx.min.js": _SCRIPT, "hx-sse.min.js": _SCRIPT, "LICENSE": _TEXT},
        "pico": {"pico.min.css": _STYLE, "LICENSE.md": _TEXT},
        "own": {
            "munshi.css": _STYLE,
            **dict.fromkeys(_OWN_SCRIPTS, _SCRIPT),
        },
        "uplot": {"uPlot.iife.min.js": _SCRIPT, "uPlot.min.css": _STYLE, "LICENSE": _TEXT},
        "lightweight-charts": {
            "lightweight-charts.standalone.production.js": _SCRIPT,
            "LICENSE": _TEXT,
        },
    }.items()
}
_NOBODY = Principal(name="anonymous", role=Role.PUBLIC)
_LONGEST_DOCUMENT = 20_000
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOn:
    """One entry of the navigation, for whoever has `role`; those of a `group` share a menu."""

    address: str
    words: str
    role: Role = Role.VIEWER
    group: str = ""


_DESK = "Desk"
WAYS = (
    WayOn(address="/ui/", words="Today"),
    WayOn(address="/ui/jobs", words="Jobs"),
    WayOn(address="/ui/queues", words="Queues"),
    WayOn(address="/ui/schedules", words="Schedules"),
    WayOn(address="/ui/data", words="Data"),
    WayOn(address="/ui/research", words="Research"),
    WayOn(address="/ui/alerts", words="Alerts"),
    WayOn(address="/ui/health", words="Health", group=_DESK),
    WayOn(address="/ui/limits", words="Limits", group=_DESK),
    WayOn(address="/ui/cache", words="Cache", group=_DESK),
    WayOn(address="/ui/configuration", words="Configuration", group=_DESK),
    WayOn(address="/ui/audit", words="Audit", group=_DESK),
    WayOn(address="/ui/users", words="Users", role=Role.ADMIN, group=_DESK),
    WayOn(address="/ui/sessions", words="My sessions", group=_DESK),
    WayOn(address="/ui/keys", words="API keys", group=_DESK),
    WayOn(address="/docs", words="API", role=Role.PUBLIC),
)


class Look:
    """One per process; templates are read once."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._templates = Environment(
            loader=PackageLoader("munshi.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "time": time_element,
            "plain_time": plain_time,
            "clock_time": clock_time,
            "second": second,
            "took": took,
            "grouped": grouped,
            "rupees": rupees,
            "document": document,
        }
        self._templates.globals |= {"file": file_address, "address": address}

    def page(
        self,
        request: Request,
        template: str,
        *,
        title: str,
        status: int = 200,
        **context: Any,  # noqa: ANN401 - what the template shows
    ) -> HTMLResponse:
        """A whole page, for whoever asks. Kept by nobody: it is as of now."""
        facts = request.scope.get(REQUEST)
        principal = facts.principal if facts else _NOBODY
        text = self._templates.get_template(template).render(
            title=title,
            now=self._clock.now(),
            mode=self._settings.brokers.value,
            mode_words=MODE_WORDS[self._settings.brokers],
            ways=[way for way in WAYS if way.role <= principal.role],
            here=request.url.path,
            principal=principal,
            may_act=principal.role >= Role.OPERATOR,
            done=request.query_params.get("done"),
            **context,
        )
        headers = {"cache-control": "no-store"}
        return HTMLResponse(text, status_code=status, headers=headers)

    def fragment(self, template: str, *, may_act: bool, **context: Any) -> Markup:  # noqa: ANN401
        """The part of a page that moves, as HTML."""
        text = self._templates.get_template(template).render(may_act=may_act, **context)
        return Markup(text)  # noqa: S704 - the template has escaped it


def may_act_of(request: Request) -> bool:
    """Whether whoever asks may do what pages offer, not only look."""
    return facts_of(request).principal.role >= Role.OPERATOR


class FileRoutes:
    """Scripts and styles: open to everybody, no data."""

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/static/{folder}/{name}", self.file, include_in_schema=False)

    @allows(Role.PUBLIC)
    async def file(self, folder: str, name: str, request: Request) -> Response:
        found = _FILES.get(folder)
        if found is None:
            raise PathUnknownError(f"There is no file {folder[:40]!r} here.")
        return found.answer(name, request)


def file_address(folder: str, name: str) -> str:
    """Where a file is found; another address once its content changes."""
    return f"/ui/static/{folder}/{name}?v={_FILES[folder].mark(name)}"


def address(path: str, **query: object) -> str:
    """`path` with what is given of `query`."""
    given = {name: value for name, value in query.items() if value not in (None, "", ())}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def time_element(instant: datetime | None) -> Markup | str:
    """IST to read, UTC on hover."""
    if instant is None:
        return "-"
    return _element(instant, instant.astimezone(IST).strftime("%d %b %H:%M:%S"))


def plain_time(instant: datetime) -> str:
    """IST without markup, for what is read by a pointer's words or a chart."""
    return f"{instant.astimezone(IST):%d %b %Y %H:%M} IST"


def clock_time(instant: datetime | None) -> Markup | str:
    """Hours and minutes of IST; for a day that is clear."""
    return "-" if instant is None else _element(instant, f"{instant.astimezone(IST):%H:%M}")


def second(instant: datetime) -> Markup:
    """To the second; for what lies close together."""
    return _element(instant, f"{instant.astimezone(IST):%H:%M:%S}")


# A page that is open shows the same instants again and again.
@lru_cache(maxsize=4096)
def _element(instant: datetime, words: str) -> Markup:
    utc = instant.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC">{} IST</time>').format(
        utc.isoformat(), utc.strftime("%d %b %Y %H:%M:%S"), words
    )


def took(span: timedelta | float | None) -> str:
    """`2 h 5 min`, the two largest parts; a number is seconds."""
    if span is None:
        return "-"
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if seconds < _MINUTE:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004
    whole = int(seconds)
    for size, word, rest, small in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1, "s"),
    ):
        if whole >= size:
            return f"{whole // size} {word} {whole % size // rest} {small}"
    return f"{whole} s"


def document(value: object) -> str:
    """A document as people read it; what is named like a secret is not shown."""
    text = json.dumps(_without_secrets(value), indent=2, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_DOCUMENT else f"{text[:_LONGEST_DOCUMENT]}\n(cut off)"


def _without_secrets(value: object) -> object:
    if isinstance(value, Mapping):
        return {
            name: "(not shown)" if is_secret_name(str(name)) else _without_secrets(each)
            for name, each in value.items()
        }
    return [_without_secrets(each) for each in value] if isinstance(value, list) else value


def grouped(number: int) -> str:
    """Indian grouping: 12,34,567."""
    digits = str(abs(number))
    head, tail = digits[:-3], digits[-3:]
    parts = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return ("-" if number < 0 else "") + ",".join([*parts, tail])


def rupees(paise: float) -> str:
    """`₹12,34,567.80`."""
    whole = round(Decimal(str(paise)))
    sign = "-" if whole < 0 else ""
    return f"{sign}₹{grouped(abs(whole) // 100)}.{abs(whole) % 100:02d}"
