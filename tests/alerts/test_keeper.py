"""The keeper: one of many does the work, from what is measured to what is told."""

from datetime import timedelta

from alerts.receivers import Hook
from desks import TESTER, Desk


def test_one_of_two_keepers_works_and_the_other_takes_over_when_it_falls_silent(
    desk: Desk,
) -> None:
    first, second = desk.services.alert_keeper(), desk.services.alert_keeper()
    at_once = first.turn(), second.turn()
    desk.clock.advance(timedelta(seconds=46))
    later = second.turn(), first.turn()

    assert (at_once, later) == ((True, False), (True, False))


def test_that_no_worker_runs_is_told_without_one(desk: Desk, hook: Hook) -> None:
    """From the life signs in the database to the webhook, by the seeded rule."""
    desk.services.alert_channels.add("phone", hook.url, actor=TESTER)
    keeper = desk.services.alert_keeper()
    for seconds in (0, 60, 15):
        desk.clock.advance(timedelta(seconds=seconds))
        keeper.turn()

    [told] = hook.heard
    assert told["title"].startswith("[CRITICAL] workers: No worker runs, so no job does.")
    assert "For today: No job runs" in told["message"]
    assert "/ui/health" in told["message"]


def test_a_keeper_that_stops_leaves_the_alerts_to_others(desk: Desk) -> None:
    first, second = desk.services.alert_keeper(), desk.services.alert_keeper()
    first.turn()
    first.start()
    first.stop()

    assert second.turn()
