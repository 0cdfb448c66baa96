"""What is done from pages: forms, as a browser sends them, for the walk of the audit."""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from asgi import Answer, Caller

Form = Callable[[Caller], Answer]
_SCHEDULE = {
    "job_type": "session_cleanup",
    "parameters": {},
    "trigger": {"kind": "times", "times": ["11:00"], "weekdays_only": False},
    "enabled": True,
}


def _send(api: Caller, target: str, **fields: object) -> Answer:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return api.post(target, body=urlencode(fields).encode(), headers=headers)


def _job(api: Caller) -> str:
    body = {"job_type": "health_sweep", "parameters": {}}
    return str(api.post("/jobs", json_body=body).json()["job_id"])


def _cancel(api: Caller) -> Answer:
    return _send(api, f"/ui/jobs/{_job(api)}/cancel")


def _again(api: Caller) -> Answer:
    job = _job(api)
    _send(api, f"/ui/jobs/{job}/cancel")
    return _send(api, f"/ui/jobs/{job}/again")


def _cancel_all(api: Caller) -> Answer:
    _job(api)
    return _send(api, "/ui/jobs/all/cancel?state=queued", at_most=1)


def _resume(api: Caller) -> Answer:
    _send(api, "/ui/queues/queue/default/pause", reason="A look at it.")
    return _send(api, "/ui/queues/queue/default/resume")


def _run(api: Caller) -> Answer:
    api.post("/schedules/noon", json_body={"schedule": _SCHEDULE})
    return _send(api, "/ui/schedules/noon/run")


def _collect(api: Caller) -> Answer:
    days = {"from": "2026-11-18", "to": "2026-11-19"}
    return _send(
        api, "/ui/data/collect", broker="kite", interval="5minute", instruments="NIFTY", **days
    )


def _backtest(api: Caller) -> Answer:
    days = {"from": "2026-11-18", "to": "2026-11-19"}
    return _send(
        api,
        "/ui/research/new",
        strategy="ma_cross",
        instrument="NSE:NIFTY 50",
        interval="5minute",
        capital="1000000",
        lots="1",
        lot_size="75",
        kind="futures",
        fill="next_open",
        slippage_bp="1",
        **days,
    )


def _edit(api: Caller, act: str) -> Answer:
    api.post("/schedules/noon", json_body={"schedule": _SCHEDULE})
    return _send(api, f"/ui/schedules/noon/{act}", version=1, times="12:00", enabled="yes")


def _choose(api: Caller) -> Answer:
    api.post("/schedules/noon", json_body={"schedule": _SCHEDULE})
    return _send(api, "/ui/first-run/schedules", shown="noon")


ROUTES_OF_PAGES: Mapping[tuple[str, str], Form] = {
    ("POST", "/ui/jobs/{job_id}/{act}"): _cancel,
    ("POST", "/ui/jobs/all/{act}"): _cancel_all,
    ("POST", "/ui/queues/{kind}/{name}/pause"): lambda api: _send(
        api, "/ui/queues/queue/default/pause"
    ),
    ("POST", "/ui/queues/{kind}/{name}/resume"): _resume,
    ("POST", "/ui/schedules/{name}/{act}"): _run,
    ("POST", "/ui/data/quality"): lambda api: _send(api, "/ui/data/quality"),
    ("POST", "/ui/data/collect"): _collect,
    ("POST", "/ui/data/repair"): lambda api: _send(
        api, "/ui/data/repair", instrument="NSE:NIFTY 50"
    ),
    ("POST", "/ui/jobs/{job_id}/again"): _again,
    ("POST", "/ui/research/new"): _backtest,
    ("POST", "/ui/first-run/brokers/{service}"): lambda api: _send(
        api, "/ui/first-run/brokers/kite", api_key="key", api_secret="told-nobody"
    ),
    ("POST", "/ui/first-run/brokers/{service}/auto"): lambda api: _send(
        api, "/ui/first-run/brokers/kite/auto"
    ),
    ("POST", "/ui/first-run/schedules"): _choose,
    # Stores nothing; what is audited is the schedule that it needs.
    ("POST", "/ui/schedules/{name}/edit"): lambda api: _edit(api, "edit"),
    ("POST", "/ui/schedules/{name}/save"): lambda api: _edit(api, "save"),
}
