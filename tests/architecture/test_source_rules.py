"""Rules of the house that no linter knows."""

import ast
import sys
import tomllib
from collections.abc import Iterator

import pytest

from source_tree import ROOT, Module, modules

MAX_LINES = 400
POSIX_MODULES = {
    *("fcntl", "grp", "posix", "pty", "pwd", "resource", "signal", "syslog", "termios", "tty"),
}
POSIX_NAMES = {
    *("os.fork", "os.kill", "os.killpg", "os.setsid", "os.getuid", "os.geteuid", "os.getpgid"),
    *("os.chown", "os.fchmod", "os.fchown", "os.mkfifo", "os.uname", "os.O_DIRECTORY"),
    *("os.O_NOFOLLOW", "os.O_CLOEXEC", "os.rename", "os.waitpid", "socket.AF_UNIX"),
    *("asyncio.loop.add_signal_handler", "os.sched_setaffinity", "os.sched_getaffinity"),
}
PLATFORM = "infrastructure/platform.py"
CLOCKS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today"),
}
# A migration is written once and never grows.
LONG_BY_NATURE = ("infrastructure/database/migrations/versions/",)
LAZY_ROOMS = ("cli/", "jobs/runner.py")


def _say(module: Module, line: int, what: str) -> str:
    return f"src/munshi/{module.place}:{line} {what}"


def test_only_the_platform_module_uses_what_windows_lacks() -> None:
    found = [
        _say(module, line, name)
        for module in modules()
        if module.place != PLATFORM
        for names, banned in (
            (module.imports(), POSIX_MODULES),
            (module.dotted_names(), POSIX_NAMES),
        )
        for name, line in names
        if name in banned
    ]

    assert found == []


def test_only_the_clock_reads_the_time() -> None:
    found = [
        _say(module, line, name)
        for module in modules()
        if module.place != "clock.py"
        for name, line in module.dotted_names()
        if name in CLOCKS
    ]

    assert found == []


def test_nothing_is_imported_for_the_type_checker_alone() -> None:
    found = [
        _say(module, node.lineno, "TYPE_CHECKING")
        for module in modules()
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING")
        or (isinstance(node, ast.Attribute) and node.attr == "TYPE_CHECKING")
    ]

    assert found == []


def _lazy_imports(module: Module) -> Iterator[int]:
    for function in ast.walk(module.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield node.lineno


def test_only_commands_and_the_job_runner_import_when_they_run() -> None:
    found = [
        _say(module, line, "imports inside a function")
        for module in modules()
        if not module.place.startswith(LAZY_ROOMS)
        for line in _lazy_imports(module)
    ]

    assert found == []


def test_the_domain_needs_no_library_but_cronsim() -> None:
    # What a cron expression means is nobody's to write again; cronsim needs no library itself.
    allowed = sys.stdlib_module_names | {"munshi", "cronsim"}

    found = [
        _say(module, line, name)
        for module in modules()
        if module.place.startswith("domain/")
        for name, line in module.imports()
        if name.split(".")[0] not in allowed
    ]

    assert found == []


def test_every_module_says_in_one_line_what_it_is_for() -> None:
    found = [
        module.place
        for module in modules()
        if module.text.strip() and not (ast.get_docstring(module.tree) or "").split("\n")[0].strip()
    ]

    assert found == []


def test_no_module_has_grown_too_long() -> None:
    found = {
        module.place: lines
        for module in modules()
        if not module.place.startswith(LONG_BY_NATURE)
        if (lines := module.text.count("\n")) > MAX_LINES
    }

    assert found == {}


def test_no_module_is_named_for_nothing_in_particular() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}

    found = [m.place for m in modules() if vague & set(m.place.removesuffix(".py").split("/"))]

    assert found == []


@pytest.mark.parametrize("rule", ["PLC0415", "TID252", "DTZ", "T20"])
def test_the_linter_keeps_its_share_of_the_rules(rule: str) -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"][
        "lint"
    ]

    assert lint["select"] == ["ALL"]
    assert not [code for code in lint["ignore"] if rule.startswith(code)]
