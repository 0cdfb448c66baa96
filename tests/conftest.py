"""What every test has: no way off this machine, and a real PostgreSQL when asked for."""

import os
from pathlib import Path

from hypothesis import settings

# No test may meet the keyring of whoever runs it, in this process or in one it starts.
os.environ.pop("MUNSHI_KEY_SOURCE", None)
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# What numba compiles for one test serves the next, and the next run.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[1] / ".numba_cache"))

# How long an example takes says more about the machine than about the code.
settings.register_profile("munshi", deadline=None)
settings.load_profile("munshi")

pytest_plugins = [
    "sockets",
    "postgres",
    "databases",
    "simulators",
    "raw_server",
    "broker_clients",
    "desks",
    "apis",
    "crowd",
    "command_line",
]
