"""Jobs per CPU-second of Munshi's queue beside the bare driver and other job systems.

    python benchmarks/jobs.py               the table; exit code 1 where an aim is missed
    python benchmarks/jobs.py --quick       one small round of everything
    python benchmarks/jobs.py --filled      also with a million finished jobs in the table
    python benchmarks/jobs.py --only floor,munshi,pgqueuer --database postgresql --rounds 9

The jobs do nothing and lie in the queue before the clock starts. Each contender works them off in
a process of its own, on a fresh copy of its database; all take turns in every round. CPU is that
of the contender's process and of all processes of the database server. Nothing is installed here:
`make bench-envs` installs the others, and those that are missing are named as such.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent))

from contenders.catalogue import BATCHES, CONTENDERS, POSTGRESQL, SQLITE, Contender
from jobs_aims import Aim, aims_of_filled, aims_of_idle, aims_of_table
from jobs_contest import ContenderFailedError, Template, drain, latencies, load
from jobs_filled import Filled, measure_filled
from jobs_ground import Ground, grounds
from jobs_idle import Idle, measure_idle
from jobs_report import Report, Row

# A batch makes jobs cheap, and a drain must take long enough to be measured.
JOBS_FACTOR = {1: 1, 10: 4, 100: 10}
MUNSHI = next(contender for contender in CONTENDERS if contender.key == "munshi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line asked for."""

    jobs: int
    rounds: int
    latencies: int
    idle_seconds: float
    only: frozenset[str]
    databases: frozenset[str]
    filled: bool
    finished: int
    queued: int
    as_json: bool

    @property
    def contenders(self) -> list[Contender]:
        return [each for each in CONTENDERS if not self.only or each.key in self.only]


class Contest:
    """The part of the run that fills the table."""

    def __init__(self, places: Sequence[Ground], options: Options) -> None:
        self.report = Report()
        self._options = options
        self._places = {place.name: place for place in places}
        self._templates: dict[tuple[str, str, int], Template] = {}
        for place in places:
            for contender in options.contenders:
                if place.name in contender.databases:
                    self.report.rows += self._rows(contender, place)

    def _rows(self, contender: Contender, place: Ground) -> Iterator[Row]:
        batches: tuple[int | None, ...] = contender.batches
        if not batches and self._options.latencies:
            batches = (None,)
        elif not contender.is_installed():
            batches = batches[:1]
        for batch in batches:
            yield Row(database=place.name, contender=contender, batch=batch)

    @property
    def versions(self) -> list[str]:
        return sorted({each for made in self._templates.values() for each in made.versions})

    def run(self) -> None:
        for number in range(self._options.rounds):
            rows = self.report.rows
            # Nobody always follows the same one.
            begun = number * len(rows) // self._options.rounds
            for row in rows[begun:] + rows[:begun]:
                if row.contender.is_installed() and row.fault is None:
                    _say(f"round {number + 1}: {row.contender.name} on {row.database}", row.batch)
                    with _noting_faults(row):
                        self._measure(row)

    def _measure(self, row: Row) -> None:
        ground = self._places[row.database]
        if row.batch is not None:
            jobs = self._options.jobs * JOBS_FACTOR[row.batch]
            template = self._template(row.contender, ground, jobs)
            row.durability = template.durability
            url = ground.copy(template.name)
            row.rounds.append(drain(row.contender, ground, url, batch=row.batch, jobs=jobs))
        if self._options.latencies and self._asks_latency(row):
            template = self._template(row.contender, ground, 0)
            row.durability = template.durability
            url = ground.copy(template.name)
            row.latencies += latencies(row.contender, url, jobs=self._options.latencies)

    @staticmethod
    def _asks_latency(row: Row) -> bool:
        """Once a contender: where it claims up to ten, if it knows batches."""
        batches = row.contender.batches
        chosen = 10 if 10 in batches else next(iter(batches), None)
        return row.database in row.contender.latencies and row.batch == chosen

    def _template(self, contender: Contender, ground: Ground, jobs: int) -> Template:
        key = (contender.name, ground.name, jobs)
        if key not in self._templates:
            self._templates[key] = load(contender, ground, jobs=jobs)
        return self._templates[key]


@contextmanager
def _noting_faults(row: Row) -> Iterator[None]:
    """One contender that fails does not end the run."""
    try:
        yield
    except ContenderFailedError as error:
        row.fault = str(error)


def _say(what: str, batch: int | None = None) -> None:
    by = "" if batch is None else f", batch {batch}"
    print(f"{what}{by}", file=sys.stderr)


def _head(places: Sequence[Ground], options: Options, versions: Sequence[str]) -> list[str]:
    many = ", ".join(f"{options.jobs * JOBS_FACTOR[b]:,} (batch {b})" for b in BATCHES)
    machine = f"{platform.system()}, {os.cpu_count()} CPUs, load {psutil.getloadavg()[0]:.1f}"
    measured = f"rounds: {options.rounds}, median (least-most); no-op jobs in a drain: {many}"
    return [
        f"Python {platform.python_version()}, {machine}; files on {_file_system()}",
        *(place.settings for place in places),
        f"{measured}; the first tenth is warm-up",
        ", ".join(versions) or "nothing was installed",
    ]


def _file_system() -> str:
    """What kind the temporary files lie on, since a file system in memory has nothing to sync."""
    here = Path(tempfile.gettempdir()).resolve()
    kinds = {Path(each.mountpoint): each.fstype for each in psutil.disk_partitions(all=True)}
    return next((kinds[path] for path in (here, *here.parents) if path in kinds), "an unknown disk")


def _options() -> Options:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one small round")
    parser.add_argument("--jobs", type=int, help="jobs of a drain at batch 1 [2000, quick 200]")
    parser.add_argument("--rounds", type=int, help="[5, quick 1]")
    parser.add_argument("--latencies", type=int, help="samples in a round; 0: none [60, quick 10]")
    parser.add_argument("--only", default="", help="floor,munshi,pgqueuer,procrastinate,dbos,huey")
    parser.add_argument("--database", choices=["postgresql", "sqlite"], help="only this one")
    parser.add_argument("--filled", action="store_true", help="also on a table that is full")
    parser.add_argument("--finished", type=int, default=1_000_000, help="jobs in the full table")
    parser.add_argument("--queued", type=int, default=100_000, help="and queued ones")
    parser.add_argument("--idle-seconds", type=float, help="0: none [20, quick 3]")
    parser.add_argument("--json", action="store_true", help="everything, machine-readable")
    given = parser.parse_args()
    only = frozenset(given.only.lower().split(",")) - {""}
    if unknown := only - {contender.key for contender in CONTENDERS}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")

    def default(value: float | None, *, quick: float, full: float) -> float:
        return (quick if given.quick else full) if value is None else value

    return Options(
        jobs=int(default(given.jobs, quick=200, full=2000)),
        rounds=int(default(given.rounds, quick=1, full=5)),
        latencies=int(default(given.latencies, quick=10, full=60)),
        idle_seconds=default(given.idle_seconds, quick=3, full=20),
        only=only,
        databases=frozenset(
            each for each in (POSTGRESQL, SQLITE) if given.database in (None, each.lower())
        ),
        filled=given.filled,
        finished=given.finished,
        queued=given.queued,
        as_json=given.json,
    )


def _besides(
    places: Sequence[Ground], options: Options, folder: Path
) -> tuple[list[Filled], list[Idle]]:
    """What is measured of Munshi alone."""
    filled: list[Filled] = []
    idle: list[Idle] = []
    if MUNSHI not in options.contenders:
        return filled, idle
    for place in places:
        if options.filled:
            _say(f"a table with {options.finished:,} finished jobs on {place.name}")
            filled.append(
                measure_filled(
                    MUNSHI,
                    place,
                    finished=options.finished,
                    queued=options.queued,
                    jobs=options.jobs * JOBS_FACTOR[10],
                    rounds=options.rounds,
                )
            )
        if options.idle_seconds:
            _say(f"an idle worker on {place.name}")
            idle.append(measure_idle(MUNSHI, place, folder, seconds=options.idle_seconds))
    return filled, idle


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as name, grounds(Path(name), options.databases) as places:
        contest = Contest(places, options)
        contest.run()
        filled, idle = _besides(places, options, Path(name))
        head = _head(places, options, contest.versions)
    report = contest.report
    aims = [*aims_of_table(report), *aims_of_filled(filled), *aims_of_idle(idle)]
    if options.as_json:
        _print_json(head, report, filled, idle, aims)
    else:
        besides = [str(each) for each in (*filled, *idle)]
        for part in (head, report.lines(), report.notes(), besides, [str(aim) for aim in aims]):
            if part:
                print("\n".join([*part, ""]))
    faults = any(row.fault for row in report.rows)
    return 1 if faults or not all(aim.is_kept for aim in aims) else 0


def _print_json(
    head: list[str],
    report: Report,
    filled: Sequence[Filled],
    idle: Sequence[Idle],
    aims: Sequence[Aim],
) -> None:
    document = {
        "head": head,
        "rows": report.document(),
        "filled": [each.document() for each in filled],
        "idle": [each.document() for each in idle],
        "aims": [each.document() for each in aims],
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    sys.exit(main())
