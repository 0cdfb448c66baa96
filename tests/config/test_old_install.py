"""Taking over an older install: whole or not at all, and nothing settled or dropped in silence."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from munshi.bootstrap import Services
from munshi.domain.audit import Actor
from munshi.errors import ConfigConflictUnsettledError, ConfigFileInvalidError

ASHA = Actor(user_id="asha")
ENV = """\
DB_SERVER=(localdb)\\mssqllocaldb
DB_NAME=KiteConnectApi
KITE_API_KEY=kite-key
KITE_API_SECRET=hush-kite-secret
KITE_PASSWORD=hush-kite-password
KITE_TOTP_SECRET=JBSWY3DPEHPK3PXP
KITE_ACCESS_TOKEN=hush-token
BREEZE_API_KEY=breeze-key
BREEZE_API_SECRET=hush-breeze-secret
BREEZE_PASSWORD=hush-breeze-password
TELEGRAM_BOT_TOKEN=hush-bot
TELEGRAM_CHAT_ID=-100123
SMTP_SERVER=smtp.example.org
SMTP_PORT=587
FAVOURITE_COLOUR=blue
EMPTY=
"""
SCHEDULER = {
    "breeze": {"enabled": True, "times": ["05:30", "8:30"], "weekdays_only": "True"},
    "kite": {
        "enabled": "True",
        "times": ["05:45", "08:45"],
        "weekdays_only": True,
        "headless": "True",
        "max_retries": 3,
    },
    "notifications": {"enabled": "False", "on_success": False, "on_failure": True},
}
CONFIG = {
    "trading": {"default_lots": 2, "max_lots": "10", "hedge_offset": 200, "hedge_percentage": 0.3},
    "risk_management": {"max_loss_per_trade": 5000, "max_daily_loss": 15000.50, "max_positions": 5},
    "market_hours": {"start": "9:15", "end": "15:30"},
    "notifications": {"telegram_enabled": True},
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    (folder / "config").mkdir(parents=True)
    (folder / ".env").write_text(ENV)
    _write(folder / "config" / "scheduler_config.json", SCHEDULER)
    _write(folder / "config.json", CONFIG)
    _write(folder / "exit_timing_config.json", {"exit_time": "15:15", "exit_day_offset": 1})
    _write(folder / "expiry_weekday_config.json", {"NIFTY": "Tuesday", "SENSEX": "thursday"})
    return folder


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document))


def _state(services: Services) -> dict[str, object]:
    return {f"{v.config_type}/{v.config_key}": v.value for v in services.config.list_all()}


def test_every_setting_finds_its_place_under_one_revision(services: Services, old: Path) -> None:
    before = services.config.revision()

    revision = services.old_install.take_over(services.old_install.plan([old]), actor=ASHA)

    state = _state(services)
    assert revision == services.config.revision() == before + 1
    assert state["auth/kite.api_key"] == "kite-key"
    assert services.config.secret("auth", "kite.api_secret") == "hush-kite-secret"
    assert services.config.secret("notifications", "telegram.bot_token") == "hush-bot"
    assert state["notifications/telegram.chat_id"] == "-100123"
    assert state["notifications/smtp.port"] == 587
    assert state["notifications/enabled"] is False
    assert state["trading/max_lots"] == 10
    assert state["trading/hedge_percentage"] == "0.3"
    assert state["trading/max_daily_loss"] == "15000.5"
    assert state["trading/market_hours.open"] == "09:15"
    assert state["trading/exit.day_offset"] == 1
    assert state["trading/expiry_weekday.nifty"] == "tuesday"


def test_a_kite_login_before_its_tokens_die_is_moved_and_said_so(
    services: Services, old: Path
) -> None:
    plan = services.old_install.plan([old])
    services.old_install.take_over(plan, actor=ASHA)

    kite = services.config.value("scheduler", "schedule.kite_login")
    breeze = services.config.value("scheduler", "schedule.breeze_login")
    assert kite["trigger"]["times"] == ["06:15", "08:45"]
    assert kite["enabled"] is True
    assert breeze["trigger"]["times"] == ["05:30", "08:30"]
    assert breeze["trigger"]["weekdays_only"] is True
    assert [note for note in plan.notes if "05:45 became 06:15" in note and "06:00 IST" in note]


def test_what_is_not_taken_over_is_named_with_the_reason(services: Services, old: Path) -> None:
    plan = services.old_install.plan([old])

    left = {each.where: each.reason for each in plan.not_taken}
    assert "MUNSHI_DATABASE_URL" in left["line 1, DB_SERVER"]
    assert "log in again" in left["line 7, KITE_ACCESS_TOKEN"]
    assert left["line 15, FAVOURITE_COLOUR"] == "Munshi knows no such field"
    assert left["line 16, EMPTY"] == "it is empty"
    assert "job type" in left["kite.max_retries"]


def test_a_password_is_kept_only_where_a_person_consented_to_headless_login_here(
    services: Services, old: Path
) -> None:
    services.config.set("auth", "kite.headless", value=True, actor=ASHA)

    plan = services.old_install.plan([old])
    services.old_install.take_over(plan, actor=ASHA)

    assert services.config.secret("auth", "kite.password") == "hush-kite-password"
    assert services.config.secret("auth", "breeze.password") is None
    assert any("BREEZE_PASSWORD" in each.where for each in plan.not_taken)


def test_what_an_older_install_called_headless_is_no_consent(services: Services, old: Path) -> None:
    plan = services.old_install.plan([old])
    services.old_install.take_over(plan, actor=ASHA)

    left = {each.where: each.reason for each in plan.not_taken}
    assert services.config.value("auth", "kite.headless") is False
    assert services.config.secret("auth", "kite.password") is None
    assert services.config.secret("auth", "kite.totp_seed") is None
    assert "no consent" in left["kite.headless"]
    assert left["kite.headless"].endswith("munshi connect kite")
    assert "munshi connect kite" in left["line 5, KITE_PASSWORD"]


def test_the_second_import_changes_nothing_and_makes_no_revision(
    services: Services, old: Path
) -> None:
    services.old_install.take_over(services.old_install.plan([old]), actor=ASHA)
    before = services.config.revision()

    again = services.old_install.plan([old])
    revision = services.old_install.take_over(again, actor=ASHA)

    assert (revision, again.takeover.changes) == (None, ())
    assert services.config.revision() == before


def test_a_plan_changes_nothing_and_shows_no_secret(services: Services, old: Path) -> None:
    before = _state(services)

    plan = services.old_install.plan([old])

    assert _state(services) == before
    assert "hush" not in repr(plan)
    assert "JBSW" not in repr(plan)


def test_files_that_disagree_are_reported_and_nothing_is_stored(
    services: Services, old: Path
) -> None:
    _write(old / "trading_limits.json", {"max_positions": 8, "max_lots": 10})
    plan = services.old_install.plan([old])
    before = services.config.revision()

    with pytest.raises(ConfigConflictUnsettledError, match="trading/max_positions"):
        services.old_install.take_over(plan, actor=ASHA)

    (conflict,) = plan.conflicts
    assert {(claim.file.name, claim.value) for claim in conflict.claims} == {
        ("config.json", 5),
        ("trading_limits.json", 8),
    }
    assert services.config.revision() == before


@pytest.mark.parametrize(("file", "value"), [("trading_limits.json", 8), ("config.json", 5)])
def test_the_preferred_file_is_followed(
    services: Services, old: Path, file: str, value: int
) -> None:
    _write(old / "trading_limits.json", {"max_positions": 8})

    plan = services.old_install.plan([old], prefer=[Path(file)])
    services.old_install.take_over(plan, actor=ASHA)

    assert services.config.value("trading", "max_positions") == value


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "trading_limits.json",
            '{"max_positions": 0}',
            r"trading_limits\.json, max_positions: .*1 to 1000",
        ),
        ("trading_limits.json", '{"max_positions": true}', "whole number, not true or false"),
        ("trading_limits.json", '{"max_lots": 2.5}', "max_lots"),
        ("trading_limits.json", '{"max_lots": 1, "max_lots": 2}', "named twice"),
        ("trading_limits.json", '{"max_lots": 1', "is no JSON"),
        ("trading_limits.json", "[1]", "must hold a JSON object"),
        ("trading_limits.json", '{"max_daily_loss": NaN}', "is no number"),
        ("scheduler_config.json", '{"kite": {"times": ["25:00"]}}', r"kite.*25:00"),
        ("scheduler_config.json", '{"kite": {"times": "06:15"}}', "kite"),
        ("scheduler_config.json", '{"breeze": {"enabled": "perhaps"}}', "breeze.enabled"),
        ("expiry_weekday_config.json", '{"NIFTY": "Someday"}', "must be one of monday"),
        ("expiry_weekday_config.json", '{"NIFTY": 3}', "must be"),
        (".env", "SMTP_PORT=1\nSMTP_PORT=2\n", "lines 1 and 2 say different things"),
        (".env", "SMTP_PORT=many\n", r"line 1, SMTP_PORT: .*whole number"),
    ],
)
def test_one_bad_value_refuses_everything_and_is_named(
    services: Services, old: Path, name: str, content: str, sentence: str
) -> None:
    (old / name).write_text(content)
    before = services.config.revision()

    with pytest.raises(ConfigFileInvalidError, match=sentence):
        services.old_install.plan([old])

    assert services.config.revision() == before


@pytest.mark.parametrize("given", ["nowhere", "notes.txt", "empty"])
def test_what_is_no_old_install_is_refused(services: Services, tmp_path: Path, given: str) -> None:
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "empty").mkdir()

    with pytest.raises(ConfigFileInvalidError):
        services.old_install.plan([tmp_path / given])


def test_the_import_is_audited_with_its_files(services: Services, old: Path) -> None:
    services.old_install.take_over(services.old_install.plan([old]), actor=ASHA)

    with services.database.reading() as tx:
        (row,) = tx.connection.execute(
            text("SELECT user_id, details FROM \"AuditLogs\" WHERE action = 'import'")
        ).all()
    assert row.user_id == "asha"
    assert len(json.loads(row.details)["files"]) == 5
