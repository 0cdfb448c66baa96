"""What the first page gathers of a desk."""

from datetime import timedelta

from desks import Desk
from munshi.alerts.engine import RuleEngine
from munshi.dashboard.today import TodayBoard
from munshi.domain.alert_rules import Fact
from munshi.domain.enums import Service
from munshi.errors import BrokerSessionExpiredError
from munshi.settings import BrokerMode


def test_an_alert_is_told_once_it_fires_not_while_it_is_pending(desk: Desk) -> None:
    low = Fact(
        source="health",
        name="disk",
        says="disk: 9 % are free.",
        measures={"free_percent": 9},
        status="warn",
    )
    engine = RuleEngine(
        desk.services.database,
        desk.clock,
        mode=BrokerMode.SIMULATED,
        sources={"health": lambda: [low]},
        is_trading_day=lambda _: True,
    )
    today = TodayBoard(desk.services)

    told = []
    for after in (0, 30, 30):
        desk.clock.advance(timedelta(seconds=after))
        engine.look()
        told.append([alert.title for alert in today.read().alerts])

    assert told == [[], [], ["disk: 9 % are free."]]


def test_the_brief_and_the_page_say_the_same_line_and_name_an_ended_login_once(desk: Desk) -> None:
    services, today = desk.services, TodayBoard(desk.services)
    lines = []

    def note() -> None:
        lines.append(today.read().verdict.line)
        assert services.briefs.readiness().headline == lines[-1]

    note()
    login = desk.log_in(Service.KITE)
    note()
    services.kite.book.mark_rejected(login, BrokerSessionExpiredError("Token is invalid."))
    note()

    assert [alert.kind for alert in services.alerts.list_open()] == ["session_rejected"]
    assert ["the Kite sign-in" in line for line in lines] == [True, False, True]
    assert "an end to" not in lines[-1]
