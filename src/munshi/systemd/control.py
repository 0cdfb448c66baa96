"""Asks the running systemd, by its own command."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from munshi.errors import SystemdAbsentError, SystemdRefusedError

_BOOTED = Path("/run/systemd/system")  # as sd_booted(3)
_PATIENCE_SECONDS = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Systemd:
    """The manager of the machine, or of this account."""

    system: bool

    @staticmethod
    def runs() -> bool:
        return _BOOTED.is_dir() and shutil.which("systemctl") is not None

    def require(self) -> None:
        """Raises SystemdAbsentError."""
        if not self.runs():
            raise SystemdAbsentError(
                "systemd does not run this machine; nothing was changed.",
                hint="Have whatever starts its programs run `munshi serve`, and start it again "
                "when it ends (docs/deploy.md; for Windows docs/how-to/windows.md). The units are "
                "shown with --print, and only written with --no-start.",
            )

    def reload(self) -> None:
        self._do("daemon-reload")

    def start(self, units: Sequence[str]) -> None:
        """Enable and start, or start anew what runs an older text."""
        self._do("enable", *units)
        self._do("restart", *units)

    def stop(self, units: Sequence[str]) -> None:
        """Stop them, and start them no more with the machine."""
        if units:
            self._do("disable", "--now", *units)

    def state(self, unit: str) -> str:
        """`active`, `failed`, `inactive` …; `unknown` where systemd does not run."""
        if not self.runs():
            return "unknown"
        return self._run("is-active", unit).stdout.strip() or "unknown"

    def running(self, pattern: str) -> list[str]:
        """Units that are loaded, by a pattern such as `munshi-worker@*.service`."""
        listed = self._run("list-units", "--all", "--plain", "--no-legend", pattern).stdout
        return [line.split()[0] for line in listed.splitlines() if line.split()]

    def _do(self, *words: str) -> None:
        ran = self._run(*words)
        if ran.returncode != 0:
            said = (ran.stderr.strip() or ran.stdout.strip() or "nothing").splitlines()[0]
            raise SystemdRefusedError(
                f"systemctl {words[0]} failed: {said}",
                hint="See: "
                + ("" if self.system else "systemctl --user status; ")
                + "journalctl -xe",
            )

    def _run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        scope = [] if self.system else ["--user"]
        try:
            return subprocess.run(  # noqa: S603 - our own words
                [shutil.which("systemctl") or "systemctl", *scope, *words],
                capture_output=True,
                text=True,
                check=False,
                timeout=_PATIENCE_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SystemdRefusedError(
                f"systemctl {words[0]} did not come back ({type(error).__name__})."
            ) from None
