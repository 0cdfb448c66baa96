"""Every page there is, as the router knows it, with an address at which it shows something.

A page without parameters falls in by itself. One with parameters needs a value for each of them in
VALUES, or addresses of its own in ADDRESSES.
"""

import re
from collections.abc import Mapping, Sequence

from starlette.routing import BaseRoute

from munshi.api.roles import GuardedRoute

# Nothing has the id, so its page is a refusal, which is a page too.
_NOBODYS = "00000000-0000-7000-8000-000000000000"
# What stands for a parameter wherever it occurs; `tests/browser/living.py` has made the others.
VALUES: Mapping[str, str] = {
    "component": "disk",
    "name": "kite_login",
    "service": "kite",
    "config_type": "trading",
    "config_key": "max_positions",
    "revision": "1",
    "audit_id": "1",
    "shelf": "coverage",
}
# Pages that say why there is nothing to see, and with which status.
REFUSALS: Mapping[str, int] = {
    f"/ui/jobs/{_NOBODYS}": 404,
    f"/ui/research/runs/{_NOBODYS}": 404,
    f"/ui/alerts/{_NOBODYS}": 404,
    "/ui/setup?token=used-up": 403,
}
ADDRESSES: Mapping[str, Sequence[str]] = {
    "/ui/jobs/all/{act}": ("/ui/jobs/all/retry?state=failed",),
    "/ui/jobs/{job_id}/{act}": ("/ui/jobs/{failed}/retry",),
    "/ui/jobs/{job_id}/again": ("/ui/jobs/{ended}/again",),
    "/ui/jobs/{job_id}": (
        "/ui/jobs/{told}",
        "/ui/jobs/{failed}",
        "/ui/jobs/{ended}",
        f"/ui/jobs/{_NOBODYS}",
    ),
    "/ui/jobs": ("/ui/jobs", "/ui/jobs?state=failed"),
    "/ui/research/runs/{run_id}": ("/ui/research/runs/{run_id}", f"/ui/research/runs/{_NOBODYS}"),
    "/ui/research/compare": ("/ui/research/compare?run={run_id}&run={other_run}",),
    "/ui/data/candles": (
        "/ui/data/candles?instrument=NSE:NIFTY+50&interval=1minute&from=2026-11-19&to=2026-11-19",
    ),
    "/ui/alerts/channels/{name}/test": ("/ui/alerts/channels/phone/test",),
    "/ui/alerts/channels/{name}/remove": ("/ui/alerts/channels/phone/remove",),
    "/ui/alerts/{alert}": ("/ui/alerts/{alert}", f"/ui/alerts/{_NOBODYS}"),
    "/ui/alerts/{alert}/{act}": ("/ui/alerts/{alert}/acknowledge",),
    "/ui/users/{username}/{act}": ("/ui/users/{username}/disable",),
    "/ui/data/repair": ("/ui/data/repair?instrument=NSE:NIFTY+50",),
    "/ui/second-factor/{act}": ("/ui/second-factor/set-up",),
    "/ui/schedules/{name}/{act}": ("/ui/schedules/kite_login/pause",),
    "/ui/first-run/brokers/{service}": ("/ui/first-run/brokers/breeze",),
    "/ui/setup": ("/ui/setup?token=used-up",),
    "/ui/login/done": ("/ui/login/done?service=kite",),
}
# Under /ui/, but nothing that a person looks at by itself.
_NO_PAGES = ("/ui/live/", "/ui/static/", "/ui/brokers/")
_WITH_A_FRAME_OF_ITS_OWN = (".json", "/report")


def page_paths(routes: Sequence[BaseRoute]) -> list[str]:
    """The templates of all pages, in the order of the router."""
    return [
        route.path
        for route in routes
        if isinstance(route, GuardedRoute)
        and "GET" in (route.methods or ())
        and route.path.startswith("/ui/")
        and not route.path.startswith(_NO_PAGES)
        and not route.path.endswith(_WITH_A_FRAME_OF_ITS_OWN)
    ]


def addresses(routes: Sequence[BaseRoute], made: Mapping[str, str]) -> list[str]:
    """Where to go to see every page. `made` has what stands for the words in braces.

    Raises LookupError for a page of which nobody said what to put for its parameters.
    """
    found = []
    for path in page_paths(routes):
        for address in ADDRESSES.get(path, (path,)):
            filled = address
            for name in re.findall(r"\{(\w+)\}", address):
                value = made.get(name) or VALUES.get(name)
                if value is None:
                    raise LookupError(f"Say in tests/browser/visits.py what to visit of {path}.")
                filled = filled.replace(f"{{{name}}}", value)
            found.append(filled)
    return found
