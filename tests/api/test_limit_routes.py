"""The brokers' limits over HTTP."""

from asgi import Caller
from desks import Desk
from munshi.domain.enums import Service


def test_limits_tell_what_a_login_used(api: Caller, desk: Desk) -> None:
    desk.log_in(Service.BREEZE)

    answer = api.get("/limits").json()

    [breeze] = [each for each in answer["limits"] if each["name"] == "breeze.api"]
    assert answer["mode"] == "simulated"
    assert breeze["used"] == 1
    assert breeze["left"] == 99
    assert breeze["daily_left"] == 4999
    assert breeze["closed_until"] is None
    assert breeze["resets_at"] == "2026-11-20T18:30:00Z"
    assert len(breeze["curve"]) == 48


def test_last_month_is_a_report(api: Caller) -> None:
    answer = api.get("/limits/last-month").json()

    assert answer["summary"] == "No broker was called in October 2026."
    assert (answer["first"], answer["last"]) == ("2026-10-01", "2026-10-31")
