"""A process that backs up or restores, and is killed or runs out of room at a step of the way.

Arguments: create|restore, home, database URL, backup, and `kill N` (with SIGKILL at its Nth step)
or `room BYTES` (no file may grow larger). Prints its steps.
"""

import os
import resource
import signal
import sys
from pathlib import Path

from desks import TESTER
from keeping.kept_desk import PASSPHRASE, restore_telling, settings_for
from munshi.bootstrap import open_services
from munshi.errors import AppError


def main(words: list[str]) -> int:
    act, home, url, backup, how = words[:5]
    number = int(words[5])
    told_of: list[str] = []

    def told(step: str, done: int, total: int) -> None:
        # The second of several files is a step of its own.
        name = f"{step}, under way" if 0 < done < total else step
        if name in told_of:
            return
        told_of.append(name)
        if how == "kill" and len(told_of) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = settings_for(Path(home), url)
    try:
        if act == "create":
            with open_services(settings) as services:
                if how == "room":
                    resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))
                services.backups.create(Path(backup), PASSPHRASE, told=told, actor=TESTER)
        else:
            if how == "room":
                resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))
            restore_telling(settings, Path(backup), told)
    except AppError as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return 1
    sys.stdout.write("\n".join(told_of) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
