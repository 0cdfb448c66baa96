"""The command starts quickly because it imports little."""

import subprocess
import sys

HEAVY = (
    "sqlalchemy",
    "alembic",
    "fastapi",
    "polars",
    "pandas",
    "numpy",
    "sklearn",
    "pydantic",
    "httpx",
    "prometheus_client",
    "rich",
)
SCRIPT = """
import sys
sys.argv = ["munshi", "--help"]
from munshi.cli.app import main
try:
    main()
except SystemExit:
    pass
print(*sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def test_help_imports_no_heavy_library() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    imported = set(ran.stderr.split())

    assert "Usage" in ran.stdout
    assert "typer" in imported
    assert imported.isdisjoint(HEAVY)


def test_a_process_that_streams_nothing_imports_no_library_of_streams() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "import sys, munshi.bootstrap; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    imported = {name.split(".")[0] for name in ran.stdout.split()}

    assert "munshi" in imported
    assert imported.isdisjoint({"websockets", "socketio", "engineio", "requests"})
