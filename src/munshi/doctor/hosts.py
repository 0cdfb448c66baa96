"""Whether the brokers' hosts, or the simulator, answer, and whether their clocks agree with ours.

No key and no token is sent. All are asked at the same time, each within a few seconds.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from munshi.doctor.diagnosis import Diagnosis, State, of_finding
from munshi.doctor.ground import DoctorGround
from munshi.errors import BrokerUnavailableError
from munshi.health.broker_checks import judge_clock
from munshi.infrastructure.brokers.reach import Reach, reach
from munshi.settings import BrokerMode

_SYNCHRONISE = "timedatectl set-ntp true"
_GATEWAY_TROUBLE = 500


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
        yield _told(each)
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
    live = ground.settings.brokers is BrokerMode.LIVE
    hosts: Mapping[str, str] = ground.hosts

    def ask(whose: str) -> _Asked:
        started, before = ground.clock.monotonic(), ground.clock.now()
        reached: Reach | BrokerUnavailableError
        try:
            reached = reach(hosts[whose], whose=whose, through_proxy=live)
        except BrokerUnavailableError as error:
            reached = error
        return _Asked(
            whose=whose,
            before=before,
            after=ground.clock.now(),
            milliseconds=round((ground.clock.monotonic() - started) * 1000, 1),
            reached=reached,
        )

    with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
        return list(pool.map(ask, hosts))


def _told(asked: _Asked) -> Diagnosis:
    what = f"{asked.whose} reach"
    if isinstance(asked.reached, BrokerUnavailableError):
        return Diagnosis(
            what=what,
            state=State.BROKEN,
            found=asked.reached.detail,
            mend="Check this machine's network, DNS, firewall and HTTPS_PROXY, then look again.",
        )
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
