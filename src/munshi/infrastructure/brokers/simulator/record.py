"""`simulator.json` in the home folder: where the running simulator is."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

RECORD_NAME = "simulator.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorRecord:
    """A simulator that said it was ready. It may have died since: ask its `/_simulator/state`.

    `owner` is the process it ends with, None where it stands alone.
    """

    url: str
    port: int
    pid: int
    identity: str
    owner: int | None = None

    @property
    def is_orphan(self) -> bool:
        """Whether its owner is gone, so that it is about to end although it may still answer."""
        if self.owner is None:
            return False
        try:
            return psutil.Process(self.owner).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True


def read_record(home: Path) -> SimulatorRecord | None:
    """None if there is none, or it cannot be read."""
    try:
        return SimulatorRecord(**json.loads((home / RECORD_NAME).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_record(home: Path, record: SimulatorRecord) -> None:
    """Whole or not at all: readers never see half a record."""
    draft = home / f"{RECORD_NAME}.{record.pid}"
    draft.write_text(json.dumps(asdict(record)), "utf-8")
    draft.replace(home / RECORD_NAME)


def remove_record(home: Path, *, pid: int) -> None:
    """Remove the record if it is still the one of `pid`."""
    record = read_record(home)
    if record is not None and record.pid == pid:
        (home / RECORD_NAME).unlink(missing_ok=True)
