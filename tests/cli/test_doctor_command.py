"""`munshi doctor`: a line for each thing, an exit code, and never a traceback."""

import json
from pathlib import Path

import pytest

from command_line import Munshi
from munshi.settings import load_settings, load_settings_anyway
from simulators import Simulator


@pytest.fixture(autouse=True)
def _a_free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNSHI_PORT", "0")


def test_a_sound_desk_has_exit_code_0_and_a_line_for_each_thing(
    munshi: Munshi, brokers: Simulator
) -> None:
    munshi("config", "list")  # makes the key

    shown = munshi("doctor")
    told = json.loads(munshi("doctor", "--json").stdout)

    states = {each["what"]: each["state"] for each in told["checks"]}
    assert shown.exit_code == 0, shown.stdout
    assert shown.stdout.splitlines()[-1].startswith("The desk: ")
    assert told["counts"]["broken"] == 0
    assert (told["mode"], states["simulator reach"]) == ("simulated", "ok")
    assert (states["database"], states["master key"], states["workers"]) == ("ok", "ok", "warn")
    assert {"versions", "SQLite library", "home", "disk", "open files", "time zones"} <= set(states)
    assert {"clock against brokers", "audit sealing", "port", "settings"} <= set(states)
    assert brokers.arrivals() == []  # no call of either broker's own


def test_what_is_broken_is_the_exit_code_and_names_what_mends_it(
    munshi: Munshi, tmp_path: Path
) -> None:
    munshi("config", "list")
    (tmp_path / "vault.key").chmod(0o640)

    shown = munshi("doctor", "--offline")

    assert shown.exit_code == 1
    assert f"chmod 600 {tmp_path}/vault.key" in shown.stdout
    assert "broken" in shown.stdout.splitlines()[-1]
    assert (tmp_path / "vault.key").stat().st_mode & 0o777 == 0o640


def test_offline_asks_nobody(munshi: Munshi, brokers: Simulator) -> None:
    told = json.loads(munshi("doctor", "--offline", "--json").stdout)

    reach = next(each for each in told["checks"] if each["what"] == "broker reach")
    assert (reach["state"], reach["found"]) == ("skipped", "Nobody was asked: --offline.")
    assert brokers.arrivals() == []


def test_settings_that_cannot_be_used_are_each_named_and_hide_nothing(
    munshi: Munshi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNSHI_LOG_LEVEL", "LOUD")
    monkeypatch.setenv("MUNSHI_ALLOWED_HOSTS", "desk.lan")
    monkeypatch.setenv("MUNSHI_LEASE_SECONDS", "soon")

    told = munshi("doctor", "--offline", "--json")

    checks = json.loads(told.stdout)["checks"]
    found = [each["found"] for each in checks if each["what"] == "settings"]
    assert told.exit_code == 1
    assert sorted(words.partition(":")[0] for words in found) == [
        "MUNSHI_ALLOWED_HOSTS",
        "MUNSHI_LEASE_SECONDS",
        "MUNSHI_LOG_LEVEL",
    ]
    assert next(each for each in checks if each["what"] == "database")["state"] == "ok"


def test_an_env_file_that_is_no_text_is_named(munshi: Munshi, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")

    told = munshi("doctor", "--offline", "--json")
    refused = munshi("config", "list")

    settings = [each for each in json.loads(told.stdout)["checks"] if each["what"] == "settings"]
    assert told.exit_code == 1
    assert settings[0]["found"].startswith("The .env file of the working folder cannot be read")
    assert refused.exit_code == 1
    assert "it is not UTF-8 text" in refused.stderr


def test_settings_without_fault_are_the_same_either_way(tmp_path: Path) -> None:
    settings, complaints = load_settings_anyway(_env_file=None, home=tmp_path, allowed_hosts=["a"])

    assert complaints == []
    assert settings == load_settings(_env_file=None, home=tmp_path, allowed_hosts=["a"])


def test_allowed_hosts_are_a_json_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNSHI_ALLOWED_HOSTS", '["desk.lan", "desk"]')

    assert load_settings(_env_file=None).allowed_hosts == ["desk.lan", "desk"]
