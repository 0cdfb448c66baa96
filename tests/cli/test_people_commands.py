"""`munshi users`, `apikeys` and `sessions`: the owner of the machine lets people in and out."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clocks import FakeClock
from command_line import Munshi
from crowd import OTHER_PASSWORD, PASSWORD, VISITOR, Crowd, hash_cheaply
from munshi.bootstrap import open_services
from munshi.clock import SystemClock
from munshi.domain.roles import Role
from munshi.settings import load_settings

Ask = Callable[..., Any]


@pytest.fixture
def asked(munshi: Munshi) -> Ask:
    """What a command prints with `--json`."""

    def ask(*words: str) -> Any:  # noqa: ANN401
        done = munshi(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return ask


@pytest.fixture
def crowd(munshi: Munshi, sqlite_url: str, tmp_path: Path) -> Iterator[Crowd]:
    """The services on the database and with the key that the commands use."""
    munshi("users", "list")  # makes the key
    clock = FakeClock(SystemClock().now())
    settings = load_settings(_env_file=None, home=tmp_path, database_url=sqlite_url)
    with open_services(settings, clock=clock) as services:
        hash_cheaply(services.config)
        yield Crowd(
            people=services.people,
            config=services.config,
            database=services.database,
            clock=clock,
        )


def test_a_user_is_added_with_a_link_and_chooses_a_password(munshi: Munshi, crowd: Crowd) -> None:
    added = munshi("users", "add", "Asha", "--role", "admin")

    assert "asha is admin." in added.stdout
    token = added.stdout.partition("?token=")[2].split()[0]
    crowd.people.passwords.choose(token, PASSWORD, actor=VISITOR)
    assert crowd.sign_in("asha")
    listed = munshi("users", "list").stdout
    assert "asha" in listed
    assert "command-line" in listed
    assert token not in listed


def test_a_password_can_be_typed_instead(munshi: Munshi, crowd: Crowd) -> None:
    typed = f"{PASSWORD}\n{PASSWORD}\n"

    added = munshi("users", "add", "asha", "--ask-password", typed=typed)

    assert added.exit_code == 0, added.output
    assert "token=" not in added.output
    assert PASSWORD not in added.output
    assert crowd.sign_in("asha")


def test_a_weak_password_is_refused_in_one_line(munshi: Munshi) -> None:
    added = munshi("users", "add", "asha", "--ask-password", typed="short\nshort\n")

    assert added.exit_code == 1
    assert "12 to 256 characters" in added.stderr
    assert "No users." in munshi("users", "list").stdout


def test_role_disable_enable_and_remove(munshi: Munshi, asked: Ask, crowd: Crowd) -> None:
    crowd.add("asha")
    token = crowd.sign_in("asha")

    assert asked("users", "role", "asha", "operator")["role"] == "operator"
    assert crowd.people.sessions.find(token) is None
    assert asked("users", "disable", "asha")["is_active"] is False
    assert "disabled" in munshi("users", "list").stdout
    assert asked("users", "enable", "asha")["is_active"] is True
    assert munshi("users", "remove", "asha", typed="n\n").exit_code == 1
    assert munshi("users", "remove", "asha", "--yes").stdout == "asha is removed.\n"
    assert asked("users", "list") == {"users": []}


def test_the_last_administrator_is_kept_and_the_way_out_is_told(
    munshi: Munshi, crowd: Crowd
) -> None:
    crowd.add("asha", Role.ADMIN)

    done = munshi("users", "disable", "asha")

    assert done.exit_code == 1
    assert "last administrator" in done.stderr
    assert "munshi users add" in done.stderr


def test_a_lost_password_and_a_lost_second_factor(munshi: Munshi, asked: Ask, crowd: Crowd) -> None:
    crowd.add("asha")
    crowd.set_up_totp("asha")

    link = asked("users", "reset-password", "asha")["link"]
    asked("users", "reset-2fa", "asha")
    crowd.people.passwords.choose(link.partition("=")[2], PASSWORD, actor=VISITOR)
    assert crowd.sign_in("asha")

    typed = f"{OTHER_PASSWORD}\n{OTHER_PASSWORD}\n"
    done = munshi("users", "reset-password", "asha", "--ask-password", typed=typed)
    assert done.stdout.endswith("asha has the new password.\n")


@pytest.mark.parametrize(
    "words",
    [
        ("users", "disable", "nobody"),
        ("users", "role", "nobody", "viewer"),
        ("users", "reset-password", "nobody"),
        ("users", "remove", "nobody", "--yes"),
        ("apikeys", "create", "script", "--user", "nobody"),
        ("sessions", "revoke", "--user", "nobody"),
    ],
)
def test_a_user_who_is_not_there_is_one_line_with_the_command(
    munshi: Munshi, words: tuple[str, ...]
) -> None:
    done = munshi(*words)

    assert done.exit_code == 1
    assert "no user 'nobody'" in done.stderr
    assert "munshi users list" in done.stderr


def test_a_key_is_printed_once_and_works_until_it_is_ended(
    munshi: Munshi, asked: Ask, crowd: Crowd
) -> None:
    crowd.add("asha")

    made = munshi("apikeys", "create", "script", "--user", "asha", "--groups", "jobs,data")

    key = made.stdout.strip()
    assert key.startswith("mk_")
    assert key not in made.stderr
    listed = munshi("apikeys", "list").stdout
    assert "viewer, data jobs" in listed
    assert key not in listed
    assert crowd.people.sessions.find_key(key) is not None
    key_id = asked("apikeys", "list")["keys"][0]["key_id"]
    assert "opens nothing" in munshi("apikeys", "revoke", key_id).stdout
    assert crowd.people.sessions.find_key(key) is None
    assert "revoked" in munshi("apikeys", "list").stdout


def test_sessions_are_listed_and_ended(munshi: Munshi, asked: Ask, crowd: Crowd) -> None:
    crowd.add("asha")
    crowd.add("boris")
    tokens = [crowd.sign_in(name) for name in ("asha", "asha", "asha", "boris")]
    listed = asked("sessions", "list")["sessions"]
    newest = next(each for each in listed if each["username"] == "asha")

    one = munshi("sessions", "revoke", newest["session_id"])
    of_asha = munshi("sessions", "revoke", "--user", "asha")
    everybody = munshi("sessions", "revoke", "--all")

    assert len(listed) == 4
    assert [done.stdout for done in (one, of_asha, everybody)] == [
        "1 session ended.\n",
        "2 sessions ended.\n",
        "1 session ended.\n",
    ]
    assert [crowd.people.sessions.find(token) for token in tokens] == [None] * 4
    assert "Nobody is signed in." in munshi("sessions", "list").stdout
    assert munshi("sessions", "revoke").exit_code == 2


def test_the_machines_acts_are_audited_as_the_command_lines(munshi: Munshi, asked: Ask) -> None:
    munshi("users", "add", "asha")

    rows = asked("audit", "recent")["entries"]

    assert {row["action"] for row in rows if row["entity_type"] == "user"} == {
        "added",
        "link_made",
    }
    assert {row["user_id"] for row in rows if row["entity_type"] == "user"} == {"command-line"}
