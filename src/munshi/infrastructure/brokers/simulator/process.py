"""The simulator as a child process, found again by whoever shares its home folder."""

import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx

from munshi.errors import BrokerUnavailableError, HomeUnusableError
from munshi.infrastructure.brokers.simulator.record import SimulatorRecord, read_record
from munshi.infrastructure.brokers.simulator.seed import BREEZE_REDIRECT_URL, KITE_REDIRECT_URL
from munshi.infrastructure.platform import OWN_PROCESS_GROUP

MODULE = "munshi.infrastructure.brokers.simulator"
LOG_NAME = "simulator.log"
READY_SECONDS = 30.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.05
PROBE_SECONDS = 2.0
# The address is plain http; reading all the authorities of the world for it takes a while.
_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class SimulatorProcess:
    """Starts a simulator in `home`, or joins the one that runs there.

    Only a process started here is stopped here. The child ends by itself when this process dies,
    because its standard input ends then.
    """

    def __init__(
        self,
        home: Path,
        *,
        port: int = 0,
        data: Path | None = None,
        kite_redirect_url: str = KITE_REDIRECT_URL,
        breeze_redirect_url: str = BREEZE_REDIRECT_URL,
        extra_options: tuple[str, ...] = (),
    ) -> None:
        self._home = home
        self._options = [
            "--home", str(home),
            "--port", str(port),
            "--kite-redirect-url", kite_redirect_url,
            "--breeze-redirect-url", breeze_redirect_url,
            "--stop-with-parent",
            *(("--data", str(data)) if data else ()),
            *extra_options,
        ]  # fmt: skip
        self._child: subprocess.Popen[bytes] | None = None
        self.url = ""

    @property
    def pid(self) -> int | None:
        """The child's, None where a running simulator was joined."""
        return self._child.pid if self._child else None

    def start(self) -> str:
        """Returns the address when calls are answered.

        Raises BrokerUnavailableError with the child's own words if it ended, or if it was not
        ready in time.
        """
        running = live_simulator(self._home)
        if running is not None:
            self.url = running.url
            return self.url
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            log = (self._home / LOG_NAME).open("wb")
        except OSError as error:
            raise HomeUnusableError(
                f"The folder {self._home} cannot be used: {error.strerror}.",
                hint="Set MUNSHI_HOME to a folder you can write to.",
            ) from error
        with log:
            self._child = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", MODULE, *self._options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                **OWN_PROCESS_GROUP,
            )
        self.url = self._wait_until_ready(self._child)
        return self.url

    def is_alive(self) -> bool:
        """Whether the simulator at `url` still answers as the one of this home."""
        running = live_simulator(self._home)
        return running is not None and running.url == self.url

    def stop(self) -> None:
        """Ask, then insist. Does nothing to a simulator that was joined."""
        child = self._child
        if child is None:
            return
        self._child = None
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdin is not None:
            child.stdin.close()

    def _wait_until_ready(self, child: subprocess.Popen[bytes]) -> str:
        """Of two that start at once in one home, one runs and the other joins it."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            record = live_simulator(self._home)
            if record is not None:
                if record.pid != child.pid:
                    self.stop()
                return record.url
            if child.poll() is not None:
                self.stop()
                raise BrokerUnavailableError(f"The simulator did not start: {self._last_word()}")
            time.sleep(POLL_SECONDS)
        self.stop()
        raise BrokerUnavailableError(
            f"The simulator was not ready after {READY_SECONDS:.0f} seconds.",
            hint="Try again, or run `munshi simulator` to see what it says.",
        )

    def _last_word(self) -> str:
        said = (self._home / LOG_NAME).read_text("utf-8", errors="replace").strip()
        return said.splitlines()[-1] if said else "it gave no reason."


def live_simulator(home: Path) -> SimulatorRecord | None:
    """The simulator recorded in `home`, if it answers, is the one of this home and will stay."""
    record = read_record(home)
    if record is None or record.is_orphan:
        return None
    try:
        with httpx.Client(trust_env=False, timeout=PROBE_SECONDS, verify=_NOBODY) as client:
            state = client.get(f"{record.url}/_simulator/state").json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
    if not isinstance(state, dict) or state.get("simulated") is not True:
        return None
    same = state.get("home") == str(home.resolve()) and state.get("identity") == record.identity
    return record if same else None
