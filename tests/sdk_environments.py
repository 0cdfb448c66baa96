"""Runs a script in the environment of an official SDK, which never meets ours."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parent.parent
SCRIPTS = Path(__file__).parent / "contract" / "scripts"
PATIENCE_SECONDS = 120
# The same refusal of other hosts that tests themselves are under.
KEPT_HERE = (
    "import runpy, sys, sockets; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


def interpreter(sdk: str) -> Path:
    """The Python of the SDK's environment; fails the test where `make sdk-envs` never ran."""
    folder = PROJECT / ".sdk" / sdk
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists() or not list(folder.glob(".made-*")):
        pytest.fail(f"the {sdk} SDK is not installed: run `make sdk-envs`")
    return python


def run_script(
    sdk: str, arguments: Sequence[str], *, folder: Path, script: str | None = None
) -> dict[str, Any]:
    """What `scripts/{sdk}_sdk.py`, or `script`, printed, parsed. It cannot reach beyond loopback.

    `folder` takes what the SDK writes: one of them makes a `logs` folder where it is run.
    """
    done = subprocess.run(
        [interpreter(sdk), "-c", KEPT_HERE, SCRIPTS / f"{script or f'{sdk}_sdk'}.py", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"the {sdk} SDK failed: {done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told
