"""Whether the brokers' hosts, or the simulator, answer, and whether their clocks agree with ours.

No key and no token is sent. All are asked at the same time, each within a few seconds.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from munshi.clock import SystemClock
from munshi.doctor.diagnosis import Diagnosis, State, of_finding
from munshi.doctor.ground import DoctorGround
from munshi.errors import BrokerUnavailableError
from munshi.health.broker_checks import judge_clock
from munshi.infrastructure.brokers.reach import Reach, reach
from munshi.settings import BrokerMode

_SYNCHRONISE = "timedatectl set-ntp true"
_GATEWAY_TROUBLE = 500
# In all, however slowly a host answers; each wait within is shorter.
HOST_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What one host did. `reached` is the answer, or why there was none."""

    whose: str
    before: datetime
    after: datetime
    milliseconds: float
    reached: Reach | BrokerUnavailableError


def look_at_hosts(ground: DoctorGround) -> Iterator[Diagnosis]:
    """One line a host, then one on the clocks."""
    if ground.offline:
        yield Diagnosis(
            what="broker reach", state=State.SKIPPED, found="Nobody was asked: --offline."
        )
        return
    if not ground.hosts:
        yield Diagnosis(
            what="broker reach",
            state=State.OK,
            found="Brokers are simulated, and no simulator runs; munshi serve starts one.",
        )
        return
    asked = _ask_all(ground)
    for each in asked:
        yield _told(each, ground)
    yield _clocks(asked)


def look_at_address(ground: DoctorGround) -> Iterator[Diagnosis]:
    """What brokers ask of the address that orders come from."""
    if ground.settings.brokers is BrokerMode.LIVE:
        yield Diagnosis(
            what="fixed address",
            state=State.OK,
            found=(
                "Brokers take orders only from an address registered with them (since April "
                "2026); logins and prices from any. Munshi sends no orders yet."
            ),
        )


def _ask_all(ground: DoctorGround) -> list[_Asked]:
    """In daemon threads: a host that answers a byte at a time must not keep the process."""
    answers: dict[str, _Asked] = {}

    def ask(whose: str) -> None:
        answers[whose] = _ask(ground, whose)

    threads = [
        threading.Thread(target=ask, args=(whose,), name=f"host-{whose}", daemon=True)
        for whose in ground.hosts
    ]
    for thread in threads:
        thread.start()
    stopwatch = SystemClock()
    deadline = stopwatch.monotonic() + HOST_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - stopwatch.monotonic()))
    known = dict(answers)
    now = ground.clock.now()
    return [known.get(whose) or _silent(whose, now=now) for whose in ground.hosts]


def _ask(ground: DoctorGround, whose: str) -> _Asked:
    live = ground.settings.brokers is BrokerMode.LIVE
    started, before = ground.clock.monotonic(), ground.clock.now()
    reached: Reach | BrokerUnavailableError
    try:
        reached = reach(ground.hosts[whose], whose=whose, through_proxy=live)
    except BrokerUnavailableError as error:
        reached = error
    return _Asked(
        whose=whose,
        before=before,
        after=ground.clock.now(),
        milliseconds=round((ground.clock.monotonic() - started) * 1000, 1),
        reached=reached,
    )


def _silent(whose: str, *, now: datetime) -> _Asked:
    error = BrokerUnavailableError(f"{whose} did not answer in time.")
    milliseconds = HOST_SECONDS * 1000
    return _Asked(whose=whose, before=now, after=now, milliseconds=milliseconds, reached=error)


def _told(asked: _Asked, ground: DoctorGround) -> Diagnosis:
    what = f"{asked.whose} reach"
    if isinstance(asked.reached, BrokerUnavailableError):
        state, mend = _away(ground)
        return Diagnosis(what=what, state=state, found=asked.reached.detail, mend=mend)
    status = asked.reached.status
    return Diagnosis(
        what=what,
        state=State.WARN if status >= _GATEWAY_TROUBLE else State.OK,
        found=f"{asked.whose} answers in {asked.milliseconds:g} ms (HTTP {status}).",
        mend="Wait: the broker's own house is not in order."
        if status >= _GATEWAY_TROUBLE
        else None,
        facts={"milliseconds": asked.milliseconds, "status": status},
    )


def _away(ground: DoctorGround) -> tuple[State, str]:
    """How bad it is that a host does not answer, and what helps."""
    if ground.settings.brokers is BrokerMode.LIVE:
        return State.BROKEN, (
            "Check this machine's network, DNS, firewall and HTTPS_PROXY, then look again."
        )
    if ground.settings.simulator_url:
        return State.BROKEN, "Start it: munshi simulator, or unset MUNSHI_SIMULATOR_URL."
    return State.WARN, "munshi serve starts one."  # what is left of one that was killed


def _clocks(asked: list[_Asked]) -> Diagnosis:
    """The first host that told its time; they agree among each other."""
    for each in asked:
        if isinstance(each.reached, Reach) and each.reached.dated is not None:
            finding = judge_clock(
                each.whose, each.reached.dated, before=each.before, after=each.after
            )
            return of_finding("clock against brokers", finding, mend=_SYNCHRONISE)
    return Diagnosis(
        what="clock against brokers", state=State.SKIPPED, found="Nobody has told the time."
    )
