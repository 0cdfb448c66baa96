"""AlertService: what is open, what was, and putting one away."""

import pytest

from clocks import FakeClock
from munshi.alerts.service import AlertService
from munshi.domain.alerts import Severity
from munshi.domain.audit import Actor
from munshi.errors import AlertUnknownError
from munshi.infrastructure.database.engine import Database

ASHA = Actor(user_id="asha")


@pytest.fixture
def alerts(database: Database, clock: FakeClock) -> AlertService:
    with database.transaction() as tx:
        tx.alerts.raise_alert(
            "login_needed:kite",
            kind="login_needed",
            severity=Severity.WARNING,
            title="Log in at Kite",
            now=clock.now(),
        )
    return AlertService(database, clock)


@pytest.mark.parametrize("by", ["id", "fingerprint"])
def test_an_alert_is_put_away_by_id_or_fingerprint_and_audited(
    alerts: AlertService, database: Database, by: str
) -> None:
    (alert,) = alerts.list_open()

    alerts.resolve(str(alert.alert_id) if by == "id" else alert.fingerprint, actor=ASHA)

    with database.reading() as tx:
        (audited,) = tx.audit.get_logs_by_entity("alert", "login_needed:kite")
    assert alerts.list_open() == []
    assert [each.state for each in alerts.list_recent()] == ["resolved"]
    assert (audited.action, audited.user_id) == ("resolved", "asha")


def test_an_alert_that_is_not_open_is_refused_and_not_audited(
    alerts: AlertService, database: Database
) -> None:
    alerts.resolve("login_needed:kite", actor=ASHA)

    with pytest.raises(AlertUnknownError, match="munshi alerts"):
        alerts.resolve("login_needed:kite", actor=ASHA)

    with database.reading() as tx:
        assert len(tx.audit.get_logs_by_entity("alert", "login_needed:kite")) == 1
