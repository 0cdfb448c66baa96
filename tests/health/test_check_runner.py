"""Checks are run within their time, whatever they do."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from health.ward import Ward
from munshi.domain.health import Finding, HealthStatus
from munshi.errors import CandleFileDamagedError
from munshi.health.ground import Check, CheckGround
from munshi.health.runner import AT_ONCE, CheckRunner

WELL = Finding(status=HealthStatus.PASS, message="Well.")


def check(name: str, find: Callable[[CheckGround], Finding], *, seconds: float = 30) -> Check:
    return Check(component=name, measure="pulse", find=find, timeout_seconds=seconds)


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What a hanging check waits for; set at the end, so that no thread stays behind."""
    event = threading.Event()
    yield event
    event.set()


def test_outcomes_come_in_the_order_of_the_checks(ward: Ward) -> None:
    names = [f"part-{number}" for number in range(3 * AT_ONCE)]

    outcomes = CheckRunner(ward.ground).run(check(name, lambda _: WELL) for name in names)

    assert [each.check.component for each in outcomes] == names
    assert [each.finding for each in outcomes] == [WELL] * len(names)
    assert all(each.milliseconds is not None for each in outcomes)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CandleFileDamagedError("A file is damaged."), "A file is damaged."),
        (KeyError("rows"), "KeyError: 'rows'"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_a_check_that_raises_anything_at_all_has_found_a_failure(
    ward: Ward, error: BaseException, said: str
) -> None:
    def find(_: CheckGround) -> Finding:
        raise error

    broken, well = CheckRunner(ward.ground).run([check("broken", find), check("w", lambda _: WELL)])

    assert broken.finding == Finding(status=HealthStatus.FAIL, message=said)
    assert well.finding == WELL


def test_a_check_that_hangs_is_given_up_while_the_others_are_heard(
    ward: Ward, stuck: threading.Event
) -> None:
    def hang(_: CheckGround) -> Finding:
        stuck.wait()
        return WELL

    started = time.monotonic()
    hung, well = CheckRunner(ward.ground).run(
        [check("hung", hang, seconds=0.2), check("well", lambda _: WELL)]
    )

    assert time.monotonic() - started < 10
    assert hung.finding.status is HealthStatus.FAIL
    assert hung.finding.message == "The check did not come back within 0.2 s."
    assert hung.milliseconds is None
    assert well.finding == WELL


def test_a_hanging_check_is_not_begun_again_until_it_has_come_back(
    ward: Ward, stuck: threading.Event
) -> None:
    begun: list[threading.Thread] = []

    def hang(_: CheckGround) -> Finding:
        begun.append(threading.current_thread())
        stuck.wait()
        return WELL

    runner = CheckRunner(ward.ground)
    hanging = check("hung", hang, seconds=0.1)
    runner.run([hanging])
    [again] = runner.run([hanging])
    begun_while_hanging = len(begun)
    stuck.set()
    begun[0].join(timeout=10)
    [after] = runner.run([check("hung", hang)])

    assert begun_while_hanging == 1
    assert again.finding.message == "The check has not come back from an earlier time."
    assert after.finding == WELL


def test_the_same_check_may_be_asked_by_two_at_once(ward: Ward) -> None:
    meeting = threading.Barrier(2, timeout=10)

    def meet(_: CheckGround) -> Finding:
        meeting.wait()
        return WELL

    runner = CheckRunner(ward.ground)
    found: list[Finding] = []
    other = threading.Thread(
        target=lambda: found.append(runner.run([check("shared", meet)])[0].finding)
    )
    other.start()
    [mine] = runner.run([check("shared", meet)])
    other.join(timeout=10)

    assert [mine.finding, *found] == [WELL, WELL]
