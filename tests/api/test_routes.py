"""What every route has in common: a role, a description, and the table of the documentation."""

import dataclasses
import inspect
import re
from contextlib import closing

import pytest
from fastapi import FastAPI

from asgi import Caller
from desks import Desk
from munshi.api.app import create_app
from munshi.api.roles import GuardedRoute, Role
from munshi.dashboard.site import create_site
from munshi.settings import LocalTrust

WANTED = {
    ("GET", "/auth/db/status"): Role.VIEWER,
    ("GET", "/cache/stats"): Role.VIEWER,
    ("GET", "/alerts"): Role.VIEWER,
    ("GET", "/alerts/rules"): Role.VIEWER,
    ("GET", "/alerts/silences"): Role.VIEWER,
    ("POST", "/alerts/silences"): Role.OPERATOR,
    ("POST", "/alerts/silences/{silence_id}/end"): Role.OPERATOR,
    ("GET", "/alerts/messages"): Role.OPERATOR,
    ("GET", "/alerts/channels"): Role.OPERATOR,
    ("POST", "/alerts/channels"): Role.ADMIN,
    ("POST", "/alerts/channels/{name}/test"): Role.OPERATOR,
    ("POST", "/alerts/channels/{name}/remove"): Role.ADMIN,
    ("GET", "/alerts/{alert}"): Role.OPERATOR,
    ("POST", "/alerts/{alert}/acknowledge"): Role.OPERATOR,
    ("POST", "/alerts/{alert}/resolve"): Role.OPERATOR,
    ("GET", "/instruments"): Role.VIEWER,
    ("GET", "/instruments/show"): Role.VIEWER,
    ("GET", "/instruments/history"): Role.VIEWER,
    ("GET", "/instruments/unmapped"): Role.VIEWER,
    ("GET", "/instruments/contracts"): Role.VIEWER,
    ("GET", "/quotes"): Role.VIEWER,
    ("GET", "/streams"): Role.VIEWER,
    ("GET", "/data/provisional"): Role.VIEWER,
    ("GET", "/data/quotes"): Role.VIEWER,
    ("GET", "/data/quotes/instruments"): Role.VIEWER,
    ("POST", "/data/collections/plan"): Role.VIEWER,
    ("GET", "/backtests"): Role.VIEWER,
    ("GET", "/backtests/sweeps"): Role.VIEWER,
    ("GET", "/backtests/sweeps/{sweep_id}"): Role.VIEWER,
    ("GET", "/signals"): Role.VIEWER,
    ("GET", "/backtests/{run_id}"): Role.VIEWER,
    ("GET", "/backtests/{run_id}/audits"): Role.VIEWER,
    ("GET", "/backtests/{run_id}/report"): Role.VIEWER,
    ("GET", "/backtests/{run_id}/report.html"): Role.VIEWER,
    ("GET", "/backtests/{run_id}/trades"): Role.VIEWER,
    ("GET", "/validations"): Role.VIEWER,
    ("GET", "/validations/{validation_id}"): Role.VIEWER,
    ("GET", "/validations/{validation_id}/report"): Role.VIEWER,
    ("POST", "/auth/db/breeze/login"): Role.OPERATOR,
    ("POST", "/auth/db/kite/login"): Role.OPERATOR,
    ("POST", "/auth/db/disconnect/{service}"): Role.OPERATOR,
    ("POST", "/auth/db/cleanup"): Role.OPERATOR,
    ("GET", "/auth/{service}/start"): Role.PUBLIC,
    ("GET", "/auth/kite/callback"): Role.PUBLIC,
    ("GET", "/auth/breeze/callback"): Role.PUBLIC,
    ("POST", "/auth/breeze/callback"): Role.PUBLIC,
    ("GET", "/jobs/status/{job_id}"): Role.VIEWER,
    ("GET", "/jobs/recent"): Role.VIEWER,
    ("GET", "/jobs/running"): Role.VIEWER,
    ("POST", "/jobs/cleanup"): Role.OPERATOR,
    ("POST", "/jobs"): Role.OPERATOR,
    ("POST", "/jobs/{job_id}/cancel"): Role.OPERATOR,
    ("GET", "/jobs"): Role.VIEWER,
    ("POST", "/jobs/{job_id}/retry"): Role.OPERATOR,
    ("POST", "/jobs/{job_id}/discard"): Role.OPERATOR,
    ("POST", "/jobs/bulk/{action}/preview"): Role.OPERATOR,
    ("POST", "/jobs/bulk/{action}"): Role.OPERATOR,
    ("GET", "/jobs/{job_id}/log"): Role.VIEWER,
    ("GET", "/jobs/{job_id}/children"): Role.VIEWER,
    ("GET", "/jobs/{job_id}/artifacts"): Role.VIEWER,
    ("GET", "/jobs/{job_id}/artifacts/{name}"): Role.VIEWER,
    ("GET", "/jobs/{job_id}/events"): Role.VIEWER,
    ("GET", "/jobs/queues"): Role.VIEWER,
    ("GET", "/jobs/workers"): Role.VIEWER,
    ("POST", "/jobs/queues/{name}/pause"): Role.OPERATOR,
    ("POST", "/jobs/queues/{name}/resume"): Role.OPERATOR,
    ("POST", "/jobs/types/{name}/pause"): Role.OPERATOR,
    ("POST", "/jobs/types/{name}/resume"): Role.OPERATOR,
    ("GET", "/schedules"): Role.VIEWER,
    ("GET", "/schedules/{name}"): Role.VIEWER,
    ("GET", "/schedules/{name}/history"): Role.VIEWER,
    ("POST", "/schedules/{name}"): Role.OPERATOR,
    ("POST", "/schedules/{name}/run"): Role.OPERATOR,
    ("POST", "/schedules/{name}/pause"): Role.OPERATOR,
    ("POST", "/schedules/{name}/resume"): Role.OPERATOR,
    ("POST", "/schedules/{name}/remove"): Role.OPERATOR,
    ("GET", "/config/all"): Role.VIEWER,
    ("GET", "/config/{config_type}"): Role.VIEWER,
    ("POST", "/config/{config_type}/{config_key}"): Role.OPERATOR,
    ("GET", "/audit"): Role.VIEWER,
    ("GET", "/audit/events"): Role.VIEWER,
    ("GET", "/audit/export"): Role.OPERATOR,
    ("GET", "/audit/recent"): Role.VIEWER,
    ("GET", "/audit/entity/{entity_type}/{entity_id}"): Role.VIEWER,
    ("GET", "/audit/user/{user_id}"): Role.VIEWER,
    ("GET", "/config/revisions"): Role.VIEWER,
    ("GET", "/config/diff"): Role.VIEWER,
    ("GET", "/config/rollback"): Role.VIEWER,
    ("POST", "/config/rollback"): Role.OPERATOR,
    ("GET", "/config/history/{config_type}/{config_key}"): Role.VIEWER,
    ("GET", "/config/schema"): Role.VIEWER,
    ("PATCH", "/config"): Role.OPERATOR,
    ("GET", "/config/{config_type}/{config_key}"): Role.VIEWER,
    ("PUT", "/config/{config_type}/{config_key}"): Role.OPERATOR,
    ("GET", "/audit/seal"): Role.VIEWER,
    ("GET", "/data/instruments"): Role.VIEWER,
    ("GET", "/data/coverage"): Role.VIEWER,
    ("GET", "/data/candles"): Role.VIEWER,
    ("GET", "/data/quality"): Role.VIEWER,
    ("GET", "/data/compare"): Role.VIEWER,
    ("GET", "/health"): Role.PUBLIC,
    ("GET", "/health/history/{component}"): Role.VIEWER,
    ("GET", "/metrics"): Role.VIEWER,
    ("GET", "/health/live"): Role.PUBLIC,
    ("GET", "/health/ready"): Role.PUBLIC,
    ("GET", "/limits"): Role.VIEWER,
    ("GET", "/limits/last-month"): Role.VIEWER,
    ("POST", "/people/sign-in"): Role.PUBLIC,
    ("POST", "/people/sign-out"): Role.VIEWER,
    ("GET", "/people/me"): Role.VIEWER,
    ("POST", "/people/confirm"): Role.VIEWER,
    ("POST", "/people/password"): Role.VIEWER,
    ("GET", "/people/sessions"): Role.VIEWER,
    ("POST", "/people/sessions/{session_id}/revoke"): Role.VIEWER,
    ("POST", "/people/totp/offer"): Role.VIEWER,
    ("POST", "/people/totp/enable"): Role.VIEWER,
    ("POST", "/people/totp/disable"): Role.VIEWER,
    ("POST", "/people/recovery-codes"): Role.VIEWER,
    ("GET", "/audit/archives"): Role.ADMIN,
    ("POST", "/audit/archives/{name}/restore"): Role.ADMIN,
    ("POST", "/audit/erase"): Role.ADMIN,
    ("GET", "/users"): Role.ADMIN,
    ("POST", "/users"): Role.ADMIN,
    ("POST", "/users/{username}/role"): Role.ADMIN,
    ("POST", "/users/{username}/disable"): Role.ADMIN,
    ("POST", "/users/{username}/enable"): Role.ADMIN,
    ("POST", "/users/{username}/reset-password"): Role.ADMIN,
    ("POST", "/users/{username}/reset-totp"): Role.ADMIN,
    ("POST", "/users/{username}/remove"): Role.ADMIN,
    ("GET", "/api-keys"): Role.VIEWER,
    ("POST", "/api-keys"): Role.VIEWER,
    ("POST", "/api-keys/{key_id}/revoke"): Role.VIEWER,
}


PAGES_WANTED = {
    ("GET", "/"): Role.PUBLIC,
    ("GET", "/ui"): Role.PUBLIC,
    ("GET", "/ui/"): Role.PUBLIC,
    ("GET", "/ui/login/done"): Role.PUBLIC,
    ("GET", "/ui/setup"): Role.PUBLIC,
    ("POST", "/ui/setup"): Role.PUBLIC,
    ("GET", "/ui/sign-in"): Role.PUBLIC,
    ("POST", "/ui/sign-in"): Role.PUBLIC,
    ("POST", "/ui/sign-out"): Role.PUBLIC,
    ("GET", "/ui/first-run"): Role.OPERATOR,
    ("GET", "/ui/first-run/brokers/{service}"): Role.OPERATOR,
    ("POST", "/ui/first-run/brokers/{service}"): Role.OPERATOR,
    ("POST", "/ui/first-run/brokers/{service}/auto"): Role.OPERATOR,
    ("GET", "/ui/first-run/schedules"): Role.OPERATOR,
    ("POST", "/ui/first-run/schedules"): Role.OPERATOR,
    ("GET", "/ui/static/{name}"): Role.PUBLIC,
    ("GET", "/ui/static/{folder}/{name}"): Role.PUBLIC,
    ("GET", "/docs"): Role.PUBLIC,
    ("GET", "/docs/static/{name}"): Role.PUBLIC,
    ("GET", "/openapi.json"): Role.PUBLIC,
    ("GET", "/problems/{slug}"): Role.PUBLIC,
    ("GET", "/ui/brokers/{service}/sign-in"): Role.OPERATOR,
    ("GET", "/ui/jobs/{job_id}/again"): Role.OPERATOR,
    ("POST", "/ui/jobs/{job_id}/again"): Role.OPERATOR,
    ("GET", "/ui/data/repair"): Role.OPERATOR,
    ("POST", "/ui/data/repair"): Role.OPERATOR,
    ("GET", "/ui/second-factor"): Role.VIEWER,
    ("GET", "/ui/second-factor/code"): Role.VIEWER,
    ("POST", "/ui/second-factor/code"): Role.VIEWER,
    ("GET", "/ui/second-factor/{act}"): Role.VIEWER,
    ("POST", "/ui/second-factor/{act}"): Role.VIEWER,
    ("GET", "/ui/jobs"): Role.VIEWER,
    ("GET", "/ui/jobs/{job_id}"): Role.VIEWER,
    ("GET", "/ui/jobs/all/{act}"): Role.OPERATOR,
    ("POST", "/ui/jobs/all/{act}"): Role.OPERATOR,
    ("GET", "/ui/jobs/{job_id}/{act}"): Role.OPERATOR,
    ("POST", "/ui/jobs/{job_id}/{act}"): Role.OPERATOR,
    ("GET", "/ui/job-pace"): Role.VIEWER,
    ("GET", "/ui/research"): Role.VIEWER,
    ("GET", "/ui/research/compare"): Role.VIEWER,
    ("GET", "/ui/research/new"): Role.OPERATOR,
    ("POST", "/ui/research/new"): Role.OPERATOR,
    ("GET", "/ui/research/runs/{run_id}"): Role.VIEWER,
    ("GET", "/ui/research/runs/{run_id}/report"): Role.VIEWER,
    ("POST", "/ui/research/runs/{run_id}/audit"): Role.OPERATOR,
    ("GET", "/ui/research/sweeps"): Role.VIEWER,
    ("GET", "/ui/research/sweeps/{sweep_id}"): Role.VIEWER,
    ("GET", "/ui/research/validations"): Role.VIEWER,
    ("GET", "/ui/research/validations/{validation_id}"): Role.VIEWER,
    ("GET", "/ui/research/validations/{validation_id}/report"): Role.VIEWER,
    ("GET", "/ui/data"): Role.VIEWER,
    ("GET", "/ui/data/candles"): Role.VIEWER,
    ("GET", "/ui/data/candles.json"): Role.VIEWER,
    ("GET", "/ui/data/quality"): Role.VIEWER,
    ("POST", "/ui/data/quality"): Role.OPERATOR,
    ("GET", "/ui/data/collect"): Role.OPERATOR,
    ("POST", "/ui/data/collect"): Role.OPERATOR,
    ("GET", "/ui/queues"): Role.VIEWER,
    ("POST", "/ui/queues/{kind}/{name}/pause"): Role.OPERATOR,
    ("POST", "/ui/queues/{kind}/{name}/resume"): Role.OPERATOR,
    ("GET", "/ui/schedules"): Role.VIEWER,
    ("GET", "/ui/schedules/{name}"): Role.VIEWER,
    ("GET", "/ui/schedules/{name}/edit"): Role.OPERATOR,
    ("POST", "/ui/schedules/{name}/edit"): Role.OPERATOR,
    ("POST", "/ui/schedules/{name}/save"): Role.OPERATOR,
    ("GET", "/ui/schedules/{name}/{act}"): Role.OPERATOR,
    ("POST", "/ui/schedules/{name}/{act}"): Role.OPERATOR,
    ("GET", "/ui/limits"): Role.VIEWER,
    ("GET", "/ui/health"): Role.VIEWER,
    ("GET", "/ui/health/{component}"): Role.VIEWER,
    ("GET", "/ui/configuration"): Role.VIEWER,
    ("GET", "/ui/configuration/revisions"): Role.VIEWER,
    ("GET", "/ui/configuration/revisions/{revision}"): Role.VIEWER,
    ("POST", "/ui/configuration/revisions/{revision}"): Role.OPERATOR,
    ("GET", "/ui/configuration/{config_type}/{config_key}"): Role.VIEWER,
    ("POST", "/ui/configuration/{config_type}/{config_key}"): Role.OPERATOR,
    ("GET", "/ui/configuration/{config_type}/{config_key}/default"): Role.OPERATOR,
    ("POST", "/ui/configuration/{config_type}/{config_key}/default"): Role.OPERATOR,
    ("GET", "/ui/audit"): Role.VIEWER,
    ("GET", "/ui/audit/seal"): Role.VIEWER,
    ("GET", "/ui/audit/verify"): Role.OPERATOR,
    ("POST", "/ui/audit/verify"): Role.OPERATOR,
    ("GET", "/ui/audit/{audit_id}"): Role.VIEWER,
    ("GET", "/ui/alerts"): Role.VIEWER,
    ("GET", "/ui/alerts/history"): Role.VIEWER,
    ("GET", "/ui/alerts/rules"): Role.VIEWER,
    ("GET", "/ui/alerts/silences/new"): Role.OPERATOR,
    ("POST", "/ui/alerts/silences/new"): Role.OPERATOR,
    ("GET", "/ui/alerts/silences/{silence}/end"): Role.OPERATOR,
    ("POST", "/ui/alerts/silences/{silence}/end"): Role.OPERATOR,
    ("GET", "/ui/alerts/channels"): Role.OPERATOR,
    ("GET", "/ui/alerts/channels/new"): Role.ADMIN,
    ("POST", "/ui/alerts/channels/new"): Role.ADMIN,
    ("GET", "/ui/alerts/channels/{name}/test"): Role.OPERATOR,
    ("POST", "/ui/alerts/channels/{name}/test"): Role.OPERATOR,
    ("GET", "/ui/alerts/channels/{name}/remove"): Role.ADMIN,
    ("POST", "/ui/alerts/channels/{name}/remove"): Role.ADMIN,
    ("GET", "/ui/alerts/{alert}"): Role.VIEWER,
    ("GET", "/ui/alerts/{alert}/{act}"): Role.OPERATOR,
    ("POST", "/ui/alerts/{alert}/{act}"): Role.OPERATOR,
    ("GET", "/ui/users"): Role.ADMIN,
    ("GET", "/ui/users/new"): Role.ADMIN,
    ("POST", "/ui/users/new"): Role.ADMIN,
    ("GET", "/ui/users/{username}"): Role.ADMIN,
    ("GET", "/ui/users/{username}/role"): Role.ADMIN,
    ("POST", "/ui/users/{username}/role"): Role.ADMIN,
    ("GET", "/ui/users/{username}/{act}"): Role.ADMIN,
    ("POST", "/ui/users/{username}/{act}"): Role.ADMIN,
    ("GET", "/ui/keys"): Role.VIEWER,
    ("GET", "/ui/keys/new"): Role.VIEWER,
    ("POST", "/ui/keys/new"): Role.VIEWER,
    ("GET", "/ui/keys/{key_id}/revoke"): Role.VIEWER,
    ("POST", "/ui/keys/{key_id}/revoke"): Role.VIEWER,
    ("GET", "/ui/sessions"): Role.VIEWER,
    ("GET", "/ui/sessions/{session}/end"): Role.VIEWER,
    ("POST", "/ui/sessions/{session}/end"): Role.VIEWER,
    ("GET", "/ui/password"): Role.VIEWER,
    ("POST", "/ui/password"): Role.VIEWER,
    ("GET", "/ui/confirm"): Role.VIEWER,
    ("POST", "/ui/confirm"): Role.VIEWER,
    ("GET", "/ui/cache"): Role.VIEWER,
    ("GET", "/ui/cache/{shelf}/clear"): Role.OPERATOR,
    ("POST", "/ui/cache/{shelf}/clear"): Role.OPERATOR,
    ("GET", "/ui/live/today"): Role.VIEWER,
    ("GET", "/ui/live/queues"): Role.VIEWER,
    ("GET", "/ui/live/alerts"): Role.VIEWER,
    ("GET", "/ui/live/work/{matter}"): Role.VIEWER,
    ("GET", "/ui/live/schedules"): Role.VIEWER,
    ("GET", "/ui/live/jobs"): Role.VIEWER,
    ("GET", "/ui/live/jobs/{job_id}"): Role.VIEWER,
}


@pytest.fixture
def app(desk: Desk) -> FastAPI:
    return create_app(desk.services)


def test_every_route_declares_its_role(app: FastAPI) -> None:
    assert [route for route in app.routes if not isinstance(route, GuardedRoute)] == []


def test_the_routes_are_those_that_are_documented(app: FastAPI) -> None:
    described = {
        (method.upper(), path): Role[str(operation["x-role"]).upper()]
        for path, item in app.openapi()["paths"].items()
        for method, operation in item.items()
    }

    assert described == WANTED


def test_pages_are_those_that_are_listed_each_with_its_role(desk: Desk) -> None:
    with closing(create_site(desk.services)) as site:
        guarded = [route for route in site.app.routes if isinstance(route, GuardedRoute)]

    assert len(guarded) == len(site.app.routes)
    found = {
        (method, route.path): route.role
        for route in guarded
        if not route.include_in_schema
        for method in route.methods or ()
    }
    assert found == PAGES_WANTED


def test_only_streams_of_pages_and_what_waits_for_nothing_are_async(desk: Desk) -> None:
    with closing(create_site(desk.services)) as site:
        found = {
            route.path
            for route in site.app.routes
            if isinstance(route, GuardedRoute)
            and route.path.startswith("/ui/")
            and inspect.iscoroutinefunction(route.endpoint)
        }

    assert {path for path in found if not path.startswith("/ui/live/")} == {
        *("/ui/static/{name}", "/ui/static/{folder}/{name}", "/ui/login/done"),
    }


def test_every_call_is_described_in_words_of_its_own(app: FastAPI) -> None:
    operations = [
        operation for item in app.openapi()["paths"].values() for operation in item.values()
    ]

    assert [each["operationId"] for each in operations if not each.get("description")] == []
    ids = [each["operationId"] for each in operations]
    assert len(ids) == len(set(ids))


def _ask_each(caller: Caller, least: Role, headers: dict[str, str]) -> dict[tuple[str, str], int]:
    """The status of every call that needs at least that role, asked with a body that is broken."""
    return {
        (method, path): caller.ask(
            method, re.sub(r"\{\w+\}", "x", path), headers=headers, body=b"{"
        ).status
        for (method, path), role in WANTED.items()
        if role >= least
    }


def test_a_browser_without_a_session_is_refused_before_anything_is_read(api: Caller) -> None:
    statuses = _ask_each(api, Role.VIEWER, {"sec-fetch-site": "same-origin"})

    assert len(statuses) > 15
    assert {key: status for key, status in statuses.items() if status != 401} == {}


@pytest.fixture
def viewer(desk: Desk) -> Caller:
    """A plain caller on this machine, where local trust goes as far as looking."""
    settings = desk.services.settings.model_copy(update={"local_trust": LocalTrust.VIEWER})
    return Caller(create_app(dataclasses.replace(desk.services, settings=settings)))


def test_a_viewer_changes_nothing(viewer: Caller) -> None:
    statuses = _ask_each(viewer, Role.OPERATOR, {})

    assert len(statuses) > 5
    assert {key: status for key, status in statuses.items() if status != 403} == {}
    assert viewer.get("/audit/recent").json()["entries"] == []


def test_a_viewer_is_not_handed_the_login_link(viewer: Caller) -> None:
    status = viewer.get("/auth/db/status").json()

    assert [each["login_link"] for each in status["services"].values()] == [None, None]
