"""Sweeps: what is kept, what is told, and whom they alert, on both databases."""

from datetime import timedelta
from pathlib import Path

import pytest

from desks import Desk
from health.ward import Clinic
from munshi.domain.alerts import Alert, Severity
from munshi.domain.audit import MUNSHI
from munshi.domain.config_keys import (
    HEALTH,
    KEEP_HOUR_DAYS,
    KEEP_SAMPLE_DAYS,
    STALE_MINUTES,
)
from munshi.domain.enums import Service
from munshi.domain.health import HealthStatus
from munshi.errors import HealthComponentUnknownError
from munshi.health.checks import CHECKS, COMPONENTS
from munshi.health.service import SWEEP, HealthReport

PASS, WARN, FAIL, UNKNOWN = (
    HealthStatus.PASS,
    HealthStatus.WARN,
    HealthStatus.FAIL,
    HealthStatus.UNKNOWN,
)


def statuses(report: HealthReport) -> dict[str, HealthStatus]:
    return {each.component: each.status for each in report.samples}


def alerts(clinic: Clinic) -> list[Alert]:
    """Newest first, resolved ones included."""
    with clinic.ward.database.reading() as tx:
        return tx.alerts.list_alerts(limit=50)


def test_components_are_registered_once_and_fit_their_column() -> None:
    assert len(set(COMPONENTS)) == len(COMPONENTS)
    assert max(map(len, COMPONENTS)) <= 50
    assert SWEEP not in COMPONENTS
    assert [check.component for check in CHECKS if check.is_critical] == ["database"]


def test_a_desk_without_a_sweep_shows_only_what_was_asked_now(clinic: Clinic) -> None:
    report = clinic.health.report()

    assert statuses(report) == {"vital": PASS, SWEEP: UNKNOWN}
    assert report.status is PASS
    assert clinic.patient.asked == 0


def test_a_report_shows_the_last_sweep_with_what_is_critical_asked_anew(clinic: Clinic) -> None:
    clinic.sweep(WARN)
    clinic.vital.says = FAIL
    report = clinic.health.report()

    assert statuses(report) == {"patient": WARN, "vital": FAIL, SWEEP: PASS}
    assert report.status is FAIL
    assert (clinic.patient.asked, clinic.vital.asked) == (1, 2)


def test_errors_in_a_row_are_counted_and_the_last_one_is_kept(clinic: Clinic) -> None:
    seen = []
    for says in (FAIL, FAIL, WARN, FAIL, PASS):
        clinic.patient.message = f"It is {says}."
        clinic.sweep(says)
        [patient, *_] = clinic.health.report().samples
        seen.append((patient.error_count, patient.last_error))

    assert seen == [
        (1, "It is fail."),
        (2, "It is fail."),
        (0, "It is fail."),
        (1, "It is fail."),
        (0, "It is fail."),
    ]
    assert patient.last_error_at == clinic.ward.clock.now() - timedelta(minutes=5)


def test_looking_keeps_nothing_and_alerts_nobody(clinic: Clinic) -> None:
    clinic.sweep(FAIL)
    clinic.patient.says = FAIL
    clinic.vital.says = FAIL
    report = clinic.health.look()

    assert statuses(report) == {"patient": FAIL, "vital": FAIL}
    assert report.samples[0].error_count == 2
    assert len(clinic.health.history("database").samples) == 0
    assert [alert.subject for alert in alerts(clinic)] == ["patient"]


def test_samples_that_are_too_old_to_go_by_are_a_warning(clinic: Clinic) -> None:
    clinic.sweep(PASS)
    clinic.ward.clock.advance(timedelta(minutes=16))
    stale = clinic.health.report()
    clinic.ward.ground.config.set(HEALTH, STALE_MINUTES, 60, actor=MUNSHI)
    patient = clinic.health.report()

    assert (stale.status, stale.samples[-1].status) == (WARN, WARN)
    assert "16 minutes ago" in stale.samples[-1].finding.message
    assert patient.status is PASS


def test_a_component_alerts_when_it_turns_and_not_each_time(clinic: Clinic) -> None:
    clinic.patient.message = "It has a cold."
    for says in (PASS, FAIL, FAIL, FAIL):
        clinic.sweep(says)
    [alert] = alerts(clinic)
    with clinic.ward.database.transaction() as tx:
        tx.alerts.resolve_alert(alert.fingerprint, now=clinic.ward.clock.now())
    clinic.sweep(FAIL)

    assert (alert.kind, alert.title) == ("health", "patient: It has a cold.")
    assert alert.severity is Severity.WARNING
    assert alert.raised_at == clinic.ward.clock.now() - timedelta(minutes=15)
    # Put away by a person, and not raised again while nothing turns.
    assert [each.state for each in alerts(clinic)] == ["resolved"]


@pytest.mark.parametrize("well", [PASS, WARN, UNKNOWN])
def test_an_alert_is_resolved_when_its_component_fails_no_more(
    clinic: Clinic, well: HealthStatus
) -> None:
    clinic.sweep(FAIL)
    clinic.sweep(well)
    resolved = [alert.state for alert in alerts(clinic)]
    clinic.sweep(FAIL)

    assert resolved == ["resolved"]
    assert [alert.state for alert in alerts(clinic)] == ["firing", "resolved"]


def test_what_is_critical_alerts_as_critical(clinic: Clinic) -> None:
    clinic.vital.says = FAIL
    clinic.sweep(PASS)

    assert [(a.subject, a.severity) for a in alerts(clinic)] == [("vital", Severity.CRITICAL)]


def test_hours_say_how_often_it_failed_and_are_written_anew(clinic: Clinic) -> None:
    clinic.ward.clock.advance(timedelta(minutes=29, seconds=30))  # 05:30:00 UTC
    for says in (PASS, FAIL, PASS, PASS, PASS, FAIL, WARN):
        clinic.patient.message = f"It is {says}."
        clinic.sweep(says)
    before = clinic.health.history("database")
    with clinic.ward.database.reading() as tx:
        hours = tx.health.list_hours("patient", limit=9)

    assert before.hours == []
    assert [(each.hour.hour, each.samples, each.failures) for each in hours] == [
        (6, 2, 1),
        (5, 5, 1),
    ]
    assert [each.last_error for each in hours] == ["It is fail.", "It is fail."]
    assert all(each.least_ms is not None and each.most_ms is not None for each in hours)


def test_an_hour_in_which_the_desk_was_off_is_left_out(clinic: Clinic) -> None:
    clinic.sweep(PASS)
    clinic.sweep(PASS, after=timedelta(hours=3))
    with clinic.ward.database.reading() as tx:
        hours = tx.health.list_hours("patient", limit=9)

    assert [each.hour.hour for each in hours] == [8, 5]


def test_old_samples_and_old_hours_are_forgotten(clinic: Clinic) -> None:
    clinic.ward.ground.config.set_several(
        HEALTH, {KEEP_SAMPLE_DAYS: 2, KEEP_HOUR_DAYS: 3}, actor=MUNSHI
    )
    for _ in range(6):
        clinic.sweep(PASS, after=timedelta(days=1))
    with clinic.ward.database.reading() as tx:
        samples = tx.health.list_samples("patient", limit=99)
        hours = tx.health.list_hours("patient", limit=99)

    assert (len(samples), len(hours)) == (3, 3)


def test_what_is_kept_by_default_is_a_week_and_four_hundred_days(clinic: Clinic) -> None:
    config = clinic.ward.ground.config

    assert config.value(HEALTH, KEEP_SAMPLE_DAYS) == 7
    assert config.value(HEALTH, KEEP_HOUR_DAYS) == 400


def test_a_component_nobody_watches_has_no_history(clinic: Clinic) -> None:
    with pytest.raises(HealthComponentUnknownError, match="'heart'"):
        clinic.health.history("heart")


def test_a_sweep_of_a_desk_at_work_asks_each_broker_outside_transactions(desk: Desk) -> None:
    desk.log_in_everywhere()
    report = desk.services.health.sweep()
    found = statuses(report)

    assert list(found) == list(COMPONENTS)
    assert {name: found[name] for name in ("kite_session", "breeze_session")} == {
        "kite_session": PASS,
        "breeze_session": PASS,
    }
    # The desk's brokers refuse a call inside a transaction; that would be a failure here.
    assert {found[f"{service}_broker"] for service in Service} == {PASS}
    assert found["clock"] is PASS


def test_a_database_that_went_away_is_told_without_raising(desk: Desk) -> None:
    desk.services.database.close()
    path = Path(str(desk.services.database.url.database))
    path.unlink()
    path.mkdir()

    report = desk.services.health.report()

    assert statuses(report) == {"database": FAIL, SWEEP: UNKNOWN}
    assert "cannot be reached" in report.samples[0].finding.message
    assert "Check MUNSHI_DATABASE_URL" in report.samples[0].finding.message
    assert report.status is FAIL
