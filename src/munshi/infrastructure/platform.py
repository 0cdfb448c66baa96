"""What differs between operating systems: file modes, directory flushes, signals, processes."""

import os
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from munshi.errors import HomeUnusableError

if sys.platform != "win32":
    import resource

POSIX = os.name == "posix"
# For a child that must outlive the terminal's Ctrl-C until its parent is done with it.
if sys.platform == "win32":
    OWN_PROCESS_GROUP: dict[str, Any] = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    OWN_SESSION = OWN_PROCESS_GROUP
else:
    OWN_PROCESS_GROUP: dict[str, Any] = {"process_group": 0}
    # For a child that is to end together with whatever it starts itself.
    OWN_SESSION: dict[str, Any] = {"start_new_session": True}


def is_private(path: Path) -> bool:
    """Whether only the owner can read or write `path`; Windows keeps this in ACLs of the home."""
    if not POSIX:
        return True
    return stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def open_file_limit() -> int | None:
    """How many files this process may have open; None where no such limit is told."""
    if sys.platform == "win32":
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def is_administrator() -> bool:
    """Whether this process may do everything on its machine; never on Windows, as far as known."""
    return POSIX and os.geteuid() == 0


def write_private(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Create `path` for the owner alone, whole or not at all.

    Raises FileExistsError if it is there already, unless it may be replaced.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists() and not replace:
            raise FileExistsError(path)
        temporary.replace(path)
        flush_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def editor_command() -> list[str]:
    """$VISUAL or $EDITOR with its options, else what every such system has."""
    usual = "notepad" if os.name == "nt" else "vi"
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR") or usual
    return shlex.split(chosen, posix=os.name != "nt")


@contextmanager
def private_file(path: Path) -> Iterator[Path]:
    """An empty file for its owner alone, to be filled; at the end it takes the place of `path`.

    If the block fails nothing is left of it, and what stood at `path` stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        flush_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def flush_directory(path: Path) -> None:
    """Put a rename on disk; Windows does that with the rename itself."""
    if not POSIX:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prepare_home(path: Path) -> None:
    """Make the folder for its owner alone, and prove that it can be written.

    Raises HomeUnusableError.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / f".write-probe.{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise HomeUnusableError(
            f"The home folder {path} cannot be written: {error.strerror}.",
            hint="Set MUNSHI_HOME to a folder that can.",
        ) from None


def unwind_on_termination() -> None:
    """Let a termination request leave the way Ctrl-C does, stopping what was started."""
    signal.signal(signal.SIGTERM, _unwind)


def _unwind(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


@contextmanager
def stop_on_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Within, Ctrl-C or a termination request calls `stop`; a second one does what it always does.

    `stop` runs between two instructions of the main thread, so it must wait for nothing.
    """

    def first(_: int, __: FrameType | None) -> None:
        restore()
        stop()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {number: signal.signal(number, first) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        restore()


@contextmanager
def signals_left_to(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Within, Ctrl-C is the child's alone, and a termination request is passed on to it."""
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    terminate = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, terminate)


def kill_session(leader: int) -> None:
    """Kill a child started with OWN_SESSION and what it started; on Windows only psutil can."""
    if POSIX:
        # macOS refuses when only the unburied dead are left.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def is_in_session(pid: int, *, leader: int) -> bool:
    if not POSIX:
        return False
    try:
        return os.getsid(pid) == leader
    except (ProcessLookupError, PermissionError):
        return False


def end_with_session(code: int) -> NoReturn:
    """Leave at once, and take along what this process started in a session of its own."""
    if POSIX and os.getsid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(code)


def processes_started() -> tuple[bool, int]:
    """Whether this process has children now, and a figure that grows with each one it buried.

    Two system calls, so that it can be asked after every job. Where there are none (Windows) it
    says yes: look closer.
    """
    if not hasattr(os, "waitid"):
        return True, 0
    # A process that did anything at all had page faults.
    buried = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False, buried
    return True, buried


def signal_name(exit_code: int) -> str | None:
    """The signal that ended a process, from what subprocess says; None if it ended by itself."""
    if exit_code >= 0:
        return None
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"


def watch_forks(*, in_parent: Callable[[], None], in_child: Callable[[], None]) -> None:
    """Call both sides after every fork of this process from now on; nothing forks on Windows."""
    if POSIX:
        os.register_at_fork(after_in_parent=in_parent, after_in_child=in_child)
