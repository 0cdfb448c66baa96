"""docs/requirements.md names only what exists, and leaves out nothing of the user's document."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from source_tree import PACKAGE, ROOT

TABLES = (
    "AuthSessions",
    "BackgroundJobs",
    "SystemConfigurations",
    "SchedulerExecutions",
    "AuditLogs",
    "MLValidationRuns",
    "UserSessions",
    "ApiRateLimits",
    "CacheEntries",
    "SystemHealth",
)
METHODS = {
    "AuthRepository": (
        "get_active_session",
        "save_session",
        "update_session_token",
        "deactivate_session",
        "cleanup_expired_sessions",
    ),
    "JobRepository": (
        "create_job",
        "update_job_status",
        "get_job",
        "get_jobs_by_status",
        "cleanup_old_jobs",
    ),
    "ConfigRepository": (
        "get_config",
        "set_config",
        "get_configs_by_type",
        "get_scheduler_config",
        "save_scheduler_config",
    ),
    "AuditRepository": (
        "log",
        "log_auth_action",
        "log_config_change",
        "log_job_action",
        "get_logs_by_entity",
    ),
}
NAMED = (
    *TABLES,
    *(f"{owner}.{method}" for owner, methods in METHODS.items() for method in methods),
    "BreezeDBService",
    "KiteDBService",
    "sp_GetActiveSession",
    "sp_UpdateAuthSession",
    "sp_CleanupExpiredSessions",
)
CALLS = (
    "GET /auth/db/status",
    "POST /auth/db/breeze/login",
    "POST /auth/db/kite/login",
    "POST /auth/db/disconnect/{service}",
    "POST /auth/db/cleanup",
    "GET /jobs/status/{job_id}",
    "GET /jobs/recent",
    "GET /jobs/running",
    "POST /jobs/cleanup",
    "GET /config/{config_type}",
    "POST /config/{config_type}/{config_key}",
    "GET /config/all",
    "GET /audit/recent",
    "GET /audit/entity/{entity_type}/{entity_id}",
    "GET /audit/user/{user_id}",
)


@cache
def words() -> frozenset[str]:
    """Everything the page sets as code."""
    page = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
    return frozenset(re.findall(r"`([^`\n]+)`", page))


@cache
def functions(path: Path) -> frozenset[str]:
    """Top-level functions as `name`, methods as `Class.name`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(_named(tree))


def _named(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield from (
                f"{node.name}.{d.name}" for d in node.body if isinstance(d, ast.FunctionDef)
            )


def test_every_test_named_exists() -> None:
    named = [word.split("::") for word in words() if "::" in word]

    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / "tests" / file).is_file() or name not in functions(ROOT / "tests" / file)
    ]

    assert len(named) > 50
    assert missing == []


def test_every_file_named_exists() -> None:
    paths = [word for word in words() if re.fullmatch(r"[\w/]+\.(?:py|sql)", word)]

    missing = [path for path in paths if not any((at / path).is_file() for at in (PACKAGE, ROOT))]

    assert len(paths) > 30
    assert missing == []


def test_every_method_named_exists() -> None:
    named = [word for word in words() if re.fullmatch(r"[A-Z]\w+Repository\.\w+", word)]
    there = {
        name
        for path in PACKAGE.glob("infrastructure/database/*_repository.py")
        for name in functions(path)
    }

    assert [name for name in named if name not in there] == []


def test_every_endpoint_named_is_one_of_the_api() -> None:
    reference = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    named = [word for word in words() if re.match(r"(?:GET|POST) /", word)]

    assert [call for call in named if f"| `{call}` |" not in reference] == []


@pytest.mark.parametrize("name", [*NAMED, *CALLS])
def test_nothing_of_the_document_is_left_out(name: str) -> None:
    assert name in words()
