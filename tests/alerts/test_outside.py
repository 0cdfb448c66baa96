"""Watching from outside: a desk that falls silent, and a healthy one that says so by itself."""

from datetime import timedelta

import pytest

from alerts.receivers import Hook
from clocks import FakeClock
from command_line import Munshi
from desks import TESTER, Desk
from munshi.alerts.outside import OutsideWatch
from munshi.domain.config_keys import ALERTS, DEAD_MAN_URL
from munshi.errors import AlertChannelInvalidError, RequestInvalidError
from raw_server import RawServer, http_reply

WELL, ILL = http_reply("{}"), http_reply("{}", status="503 Service Unavailable")


def test_a_desk_that_fails_is_told_once_again_after_a_while_and_when_it_is_back(
    raw_server: RawServer, hook: Hook, clock: FakeClock
) -> None:
    raw_server.replies = [WELL, ILL, WELL, ILL, ILL, ILL, ILL, WELL]
    said: list[str] = []
    watch = OutsideWatch(
        raw_server.url,
        clock,
        channel=hook.url,
        failures=2,
        repeat=timedelta(minutes=2),
        say=said.append,
    )
    for _ in range(8):
        watch.look()
        clock.advance(timedelta(minutes=1))

    assert [title.partition("]")[0] for title in hook.titles] == [
        *("[CRITICAL", "[CRITICAL", "[RESOLVED")
    ]
    assert "It answered 503." in hook.heard[0]["message"]
    assert raw_server.requests[0].startswith(b"GET /health ")
    assert "hush" not in " ".join(said)


def test_that_it_is_back_is_told_until_the_channel_takes_it(
    raw_server: RawServer, hook: Hook, clock: FakeClock
) -> None:
    raw_server.replies = [ILL, WELL]
    hook.manners = ["ok", "fail", "fail", "ok"]
    watch = OutsideWatch(
        raw_server.url,
        clock,
        channel=hook.url,
        failures=1,
        repeat=timedelta(hours=1),
        say=lambda _: None,
    )
    for _ in range(6):
        watch.look()

    assert [title.partition("]")[0] for title in hook.titles] == [
        *("[CRITICAL", "[RESOLVED", "[RESOLVED", "[RESOLVED")
    ]


def test_addresses_that_make_no_sense_are_refused_at_once(clock: FakeClock) -> None:
    def watch(url: str, channel: str = "") -> None:
        OutsideWatch(
            url, clock, channel=channel, failures=1, repeat=timedelta(hours=1), say=lambda _: None
        )

    for url in ("desk", "ftp://desk", "http://"):
        with pytest.raises(RequestInvalidError):
            watch(url)
    with pytest.raises(AlertChannelInvalidError):
        watch("http://desk", "no channel")


def test_a_look_from_outside_needs_no_desk(munshi: Munshi, raw_server: RawServer) -> None:
    raw_server.replies = [ILL, WELL]
    ill = munshi("watch", "--url", raw_server.url, "--once")
    well = munshi("watch", "--url", raw_server.url, "--once")

    assert (ill.exit_code, ill.stdout) == (1, "It answered 503.\n")
    assert (well.exit_code, well.stdout) == (0, "It is well.\n")


def test_a_healthy_desk_calls_its_dead_man_not_too_often_and_an_ill_one_does_not(
    desk: Desk, raw_server: RawServer
) -> None:
    """Of a worker's silence the world learns by the calls that stop."""
    services = desk.services
    services.config.set(ALERTS, DEAD_MAN_URL, f"{raw_server.url}/ping/token", actor=TESTER)
    keeper = services.alert_keeper()
    keeper.turn()
    while_nobody_works = len(raw_server.requests)
    worker = services.worker()
    worker.start()
    try:
        for _ in range(3):
            desk.clock.advance(timedelta(seconds=15))
            keeper.turn()
    finally:
        worker.stop()

    assert while_nobody_works == 0
    assert [each.split(b" ")[1] for each in raw_server.requests] == [b"/ping/token"]
