"""The line at the top, for every kind of morning."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from munshi.domain.alerts import Alert, AlertState, Severity
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.market_state import MarketPhase, market_state
from munshi.domain.readiness import BrokerLook, judge

MORNING = datetime(2026, 11, 20, 3, 20, tzinfo=UTC)  # Friday 08:50 IST
CALENDAR = MarketCalendar.packaged()


def broker(name: str, *, good: bool = True, hours: float = 21, set_up: bool = True) -> BrokerLook:
    expires = MORNING + timedelta(hours=hours) if good else None
    return BrokerLook(name=name, is_set_up=set_up, is_good=good, expires_at=expires)


@pytest.mark.parametrize(
    ("at", "phase", "name", "until", "opens"),
    [
        ("2026-11-20T03:20Z", MarketPhase.CLOSED, None, "2026-11-20T03:30Z", "2026-11-20T03:45Z"),
        ("2026-11-20T03:30Z", MarketPhase.PRE_OPEN, None, "2026-11-20T03:45Z", "2026-11-20T03:45Z"),
        ("2026-11-20T03:45Z", MarketPhase.OPEN, None, "2026-11-20T10:00Z", "2026-11-20T03:45Z"),
        ("2026-11-20T10:00Z", MarketPhase.CLOSED, None, "2026-11-23T03:30Z", "2026-11-23T03:45Z"),
        ("2026-11-21T06:00Z", MarketPhase.WEEKEND, None, "2026-11-23T03:30Z", "2026-11-23T03:45Z"),
        ("2026-01-26T06:00Z", MarketPhase.HOLIDAY, "Republic", "2026-01-27T03:30Z", None),
        ("2090-11-20T06:00Z", MarketPhase.UNKNOWN, None, None, None),
    ],
)
def test_the_market_is_told_with_when_it_changes(
    at: str, phase: MarketPhase, name: str | None, until: str | None, opens: str | None
) -> None:
    state = market_state(CALENDAR, datetime.fromisoformat(at))

    assert state.phase is phase
    assert state.until == (until and datetime.fromisoformat(until))
    assert name is None or name in (state.name or "")
    assert opens is None or state.opens == datetime.fromisoformat(opens)


@pytest.mark.parametrize(
    ("brokers", "workers", "failing", "line"),
    [
        ([broker("Kite"), broker("Breeze")], 1, [], "Ready for the open on Fri 20 Nov, 09:15 IST."),
        ([broker("Kite"), broker("Breeze", good=False)], 1, [], "Missing: the Breeze sign-in."),
        ([broker("Kite", hours=0.2)], 1, [], "a Kite sign-in that lasts (this one ends 20 Nov"),
        ([broker("Kite"), broker("Breeze", good=False, set_up=False)], 1, [], "Ready for"),
        ([broker("Kite", good=False, set_up=False)], 1, [], "Missing: a broker to sign in to."),
        (
            [broker("Kite")],
            0,
            ["disk", "candles"],
            "room on the disk and a worker that runs jobs.",
        ),
    ],
)
def test_it_says_ready_or_what_is_missing(
    brokers: list[BrokerLook], workers: int, failing: list[str], line: str
) -> None:
    market = market_state(CALENDAR, MORNING)

    verdict = judge(market, brokers, workers=workers, failing=failing, alerts=[])

    assert line in verdict.line
    assert verdict.is_ready is verdict.line.startswith("Ready")


def test_while_the_market_is_open_a_login_needs_to_be_good_now_only() -> None:
    noon = market_state(CALENDAR, MORNING + timedelta(hours=4))

    verdict = judge(noon, [broker("Kite", hours=5)], workers=1, failing=[], alerts=[])

    assert verdict.line == "The market is open and all is in place."


def alert(kind: str, **changes: object) -> Alert:
    told: dict[str, object] = {
        "alert_id": uuid4(),
        "fingerprint": f"{kind}:something",
        "kind": kind,
        "severity": Severity.CRITICAL,
        "state": AlertState.FIRING,
        "title": "It is so.",
        "link": None,
        "subject": None,
        "raised_at": MORNING,
        "resolved_at": None,
    }
    return Alert(**{**told, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("open_alert", "missing"),
    [
        (alert("audit_broken"), ('an end to "It is so"',)),
        (alert("audit_broken", severity=Severity.WARNING), ()),
        (alert("audit_broken", state=AlertState.PENDING), ()),
        # What a sign-in or a component is now says more than an alert about it.
        (alert("session_rejected", fingerprint="broker_login:kite:simulated:main"), ()),
        (alert("worker_gone", source="health"), ()),
        (alert("health"), ()),
    ],
)
def test_a_critical_alert_is_in_the_way_unless_its_cause_is_judged_itself(
    open_alert: Alert, missing: tuple[str, ...]
) -> None:
    market = market_state(CALENDAR, MORNING)

    verdict = judge(market, [broker("Kite")], workers=1, failing=[], alerts=[open_alert])

    assert verdict.missing == missing
