"""A worker of a whole desk in a process of its own, for tests that kill it; run as a script."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from clocks import FakeClock
from munshi.bootstrap import BrokerEndpoints, open_services
from munshi.settings import Settings, load_settings

TESTS = Path(__file__).parents[1]


def start_collecting(
    settings: Settings, *, brokers: str, now: datetime
) -> "subprocess.Popen[bytes]":
    """It works from `now` on until nothing is due; the caller kills it or waits."""
    url = settings.database_url.get_secret_value()
    words = (str(settings.home), url, brokers, now.isoformat())
    return subprocess.Popen(
        [sys.executable, "-m", "market.collecting_process", *words],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdin=subprocess.DEVNULL,
    )


def main(home: str, database_url: str, brokers: str, now: str) -> None:
    settings = load_settings(
        _env_file=None, home=home, database_url=database_url, env_file=f"{home}/.env"
    )
    clock = FakeClock(datetime.fromisoformat(now).astimezone(UTC))
    endpoints = BrokerEndpoints.at(brokers)
    with open_services(settings, clock=clock, endpoints=endpoints) as services:
        services.worker().run_until_idle()


if __name__ == "__main__":
    main(*sys.argv[1:])
