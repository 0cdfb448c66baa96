"""A copy in a process of its own, which ends itself by SIGKILL when it comes to a stage."""

import os
import signal
import sys
from pathlib import Path

from keeping.full_desk import copy_to, stop_at
from munshi.bootstrap import open_services
from munshi.settings import load_settings


def main(home: str, url: str, to: str, stage: str) -> None:
    settings = load_settings(
        _env_file=None, home=Path(home), database_url=url, env_file=Path(home) / ".env"
    )
    with open_services(settings) as services:
        copy_to(services, to, told=stop_at(stage, lambda: os.kill(os.getpid(), signal.SIGKILL)))


if __name__ == "__main__":
    main(*sys.argv[1:])
