"""A worker's process with children of its own, for a test that kills it; run as a script."""

import sys
import threading
from pathlib import Path

from jobs.child_desk import CLOCK, ChildDesk
from munshi.jobs.children import ChildPool


def main(folder: str) -> None:
    """One child spins, one has forked, one is idle: all of them say their ids in `folder`."""
    pool = ChildPool(size=3, context="jobs.child_handlers:stage", clock=CLOCK)
    desk = ChildDesk(pool)
    desk.start("spin", folder)
    desk.start("spin_twice", folder)
    desk.start("announce", folder)
    threading.Event().wait(60)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(exist_ok=True)
    main(sys.argv[1])
