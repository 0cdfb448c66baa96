"""One TOML file recreates the desk: out, in elsewhere, out again, and the two are equal."""

import shutil
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from clocks import FakeClock
from databases import open_database
from munshi.config.editing import edited_changes, text_to_edit
from munshi.config.service import ConfigService
from munshi.config.toml_text import read_values, write_values
from munshi.config.transfer import ConfigTransfer
from munshi.domain.audit import Actor
from munshi.domain.config import is_same
from munshi.errors import ConfigFileInvalidError
from munshi.infrastructure.database.engine import Database

ASHA = Actor(user_id="asha")


@pytest.fixture
def config(database: Database, clock: FakeClock) -> ConfigService:
    return ConfigService(database, clock)


@pytest.fixture
def transfer(database: Database, clock: FakeClock) -> ConfigTransfer:
    return ConfigTransfer(database, clock)


def _fill(config: ConfigService) -> None:
    config.seed()
    config.set("jobs", "keep_days", 30, actor=ASHA)
    config.set("api", "limit.kite.quote", {"requests": 1, "seconds": 2}, actor=ASHA)
    config.set("auth", "kite.user_id", 'a "quoted" \\ name\u007f', actor=ASHA)
    config.set("auth", "kite.api_secret", "hush-hush", actor=ASHA)
    config.set("scheduler", "schedule.breeze_login", None, actor=ASHA)
    config.set(
        "scheduler",
        "schedule.evening",
        {
            "job_type": "data_collection",
            "parameters": {"until": None},
            "times": ["18:00"],
            "weekdays_only": True,
            "enabled": False,
        },
        actor=ASHA,
    )


def test_an_export_recreates_the_desk_elsewhere_and_is_exported_equal(
    config: ConfigService,
    transfer: ConfigTransfer,
    migrated_file: Path,
    tmp_path: Path,
    clock: FakeClock,
) -> None:
    _fill(config)
    exported = transfer.export(with_secrets=True, actor=ASHA)
    shutil.copy(migrated_file, tmp_path / "elsewhere.db")
    elsewhere = open_database(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    ConfigService(elsewhere, clock).seed()
    there = ConfigTransfer(elsewhere, clock)

    revision = there.take_over(there.read(exported), files=["desk.toml"], actor=ASHA)

    assert there.export(with_secrets=True, actor=ASHA) == exported
    assert revision == ConfigService(elsewhere, clock).revision() == 2
    elsewhere.close()


def test_taking_over_the_own_export_changes_nothing(
    config: ConfigService, transfer: ConfigTransfer
) -> None:
    _fill(config)

    takeover = transfer.read(transfer.export(with_secrets=True, actor=ASHA))

    assert takeover.changes == ()
    assert transfer.take_over(takeover, files=["a.toml"], actor=ASHA) is None


def test_secrets_stay_out_unless_asked_for_and_then_it_is_audited(
    config: ConfigService, transfer: ConfigTransfer, database: Database
) -> None:
    _fill(config)

    plain, whole = (transfer.export(with_secrets=each, actor=ASHA) for each in (False, True))

    with database.reading() as tx:
        (details,) = tx.connection.scalars(
            text("SELECT details FROM \"AuditLogs\" WHERE action = 'export_secrets'")
        ).all()
    assert "hush-hush" not in plain
    assert tomllib.loads(whole)["secrets"] == {"auth": {"kite.api_secret": "hush-hush"}}
    assert "auth/kite.api_secret" in str(details)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("[jobs]\nkeep_days = 0\n[health]\nstale_minutes = true\n", r"stale_minutes .*keep_days"),
        ("[jobs]\nkeep_dys = 7\n", "Did you mean keep_days"),
        ("[jbos]\nkeep_days = 7\n", "There is no configuration type"),
        ("keep_days = 7\n", "outside a table"),
        ("[jobs\n", "line 1"),
        ("removed = [1]\n", "list of TYPE/KEY"),
        ("[json.jobs]\nkeep_days = '{'\n", "no JSON"),
        ("[jobs]\nkeep_days = 1\n[json.jobs]\nkeep_days = '1'\n", "named twice"),
        ("[jobs]\nkeep_days = 2026-01-01\n", "whole number"),
    ],
)
def test_a_file_with_a_mistake_is_refused_whole(
    config: ConfigService, transfer: ConfigTransfer, written: str, sentence: str
) -> None:
    with pytest.raises(ConfigFileInvalidError, match=sentence):
        transfer.read(written)

    assert config.revision() == 0


_texts = st.text(st.characters(exclude_categories=["Cs"]))
_plain = _texts | st.booleans() | st.integers()
_values = st.recursive(
    _plain | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=10,
).filter(lambda value: value is not None)


@given(values=st.dictionaries(_texts, _values, max_size=5))
def test_any_value_comes_back_from_its_text_as_it_was(values: dict[str, object]) -> None:
    named = {("jobs", key): value for key, value in values.items()}

    read = read_values(write_values(named))

    assert read.keys() == named.keys()
    assert all(is_same(read[name], value) for name, value in named.items())


def test_a_text_left_as_it_was_changes_nothing(config: ConfigService) -> None:
    _fill(config)
    views = config.list_all()

    assert edited_changes(views, text_to_edit(views)) == ([], [])


def test_a_line_that_is_changed_or_taken_out_is_found(config: ConfigService) -> None:
    _fill(config)
    views = config.list_type("jobs")
    shown = text_to_edit(views)

    changed, _ = edited_changes(views, shown.replace("keep_days = 30", "keep_days = 31"))
    removed, _ = edited_changes(views, shown.replace("keep_days = 30", ""))

    assert [(each.value, each.expected_version) for each in changed] == [(31, 1)]
    assert [(each.value, each.expected_version) for each in removed] == [(None, 1)]


def test_secrets_are_not_in_the_text_for_the_editor(config: ConfigService) -> None:
    _fill(config)
    views = config.list_all()

    shown = text_to_edit(views)

    assert "hush" not in shown
    with pytest.raises(ConfigFileInvalidError, match="cannot be changed in this text"):
        edited_changes(views, f'{shown}\n[secrets.auth]\n"kite.api_secret" = "x"\n')
