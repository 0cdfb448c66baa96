"""Users, their roles, and the one-time links by which they choose a password."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from crowd import OTHER_PASSWORD, OWNER, PASSWORD, VISITOR, Crowd
from munshi.domain.roles import Role
from munshi.errors import (
    AppError,
    LastAdminError,
    PasswordUnfitError,
    SetupLinkInvalidError,
    SignInRefusedError,
    UserExistsError,
    UserNameInvalidError,
    UserUnknownError,
)

Change = Callable[[Crowd], object]
CHANGES: dict[str, Change] = {
    "role_changed": lambda crowd: crowd.people.users.set_role("asha", Role.VIEWER, actor=OWNER),
    "disabled": lambda crowd: crowd.people.users.disable("asha", actor=OWNER),
    "password_reset": lambda crowd: crowd.people.users.reset_password("asha", actor=OWNER),
    "totp_reset": lambda crowd: crowd.people.users.reset_second_factor("asha", actor=OWNER),
}


def first_link(crowd: Crowd) -> str:
    token = crowd.people.passwords.first_link(actor=OWNER)
    assert token is not None
    return token


def test_the_first_link_makes_an_administrator(crowd: Crowd) -> None:
    token = first_link(crowd)

    user = crowd.people.passwords.choose(token, PASSWORD, username="Asha", actor=VISITOR)

    assert (user.username, user.role) == ("asha", Role.ADMIN)
    assert crowd.sign_in("asha")
    assert crowd.actions()[0] == "added"


def test_a_newer_first_link_ends_the_one_before(crowd: Crowd) -> None:
    older, newer = first_link(crowd), first_link(crowd)

    with pytest.raises(SetupLinkInvalidError):
        crowd.people.passwords.choose(older, PASSWORD, username="asha", actor=VISITOR)

    user = crowd.people.passwords.choose(newer, PASSWORD, username="asha", actor=VISITOR)
    assert user.username == "asha"


def test_there_is_no_first_link_once_there_is_a_user(crowd: Crowd) -> None:
    token = first_link(crowd)
    crowd.add("asha", Role.ADMIN)

    assert crowd.people.passwords.first_link(actor=OWNER) is None
    with pytest.raises(SetupLinkInvalidError):
        crowd.people.passwords.choose(token, PASSWORD, username="mallory", actor=VISITOR)


def test_a_link_dies_after_its_hours(crowd: Crowd) -> None:
    token = first_link(crowd)
    crowd.clock.advance(timedelta(hours=24))

    with pytest.raises(SetupLinkInvalidError):
        crowd.people.passwords.choose(token, PASSWORD, username="asha", actor=VISITOR)


def test_of_four_that_use_one_link_at_once_one_gets_it(crowd: Crowd) -> None:
    token = first_link(crowd)

    def choose(name: str) -> bool:
        try:
            crowd.people.passwords.choose(token, PASSWORD, username=name, actor=VISITOR)
        except SetupLinkInvalidError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(choose, ["asha", "boris", "chandra", "devi"]))

    assert sorted(made) == [False, False, False, True]
    assert len(crowd.people.users.list_users()) == 1


def test_a_link_that_was_not_used_well_may_be_used_again(crowd: Crowd) -> None:
    token = first_link(crowd)
    with pytest.raises(PasswordUnfitError):
        crowd.people.passwords.choose(token, "short", username="asha", actor=VISITOR)

    user = crowd.people.passwords.choose(token, PASSWORD, username="asha", actor=VISITOR)
    assert user.username == "asha"


def test_an_invited_user_chooses_a_password_nobody_else_knows(crowd: Crowd) -> None:
    made = crowd.people.users.add("asha", Role.OPERATOR, actor=OWNER)
    assert made.token is not None
    assert not made.user.has_password

    crowd.people.passwords.choose(made.token, PASSWORD, actor=VISITOR)

    assert crowd.sign_in("asha")
    assert crowd.actions() == ["added", "link_made", "password_chosen", "signed_in"]


@pytest.mark.parametrize("action", CHANGES)
def test_whoever_loses_something_is_signed_out(crowd: Crowd, action: str) -> None:
    crowd.add("owner-of-it", Role.ADMIN)
    crowd.add("asha", Role.ADMIN)
    token = crowd.sign_in("asha")

    CHANGES[action](crowd)

    assert crowd.people.sessions.find(token) is None
    assert action in crowd.actions()


def test_a_reset_password_is_gone_and_the_link_brings_another(crowd: Crowd) -> None:
    crowd.add("asha")
    made = crowd.people.users.reset_password("asha", actor=OWNER)
    with pytest.raises(SignInRefusedError):
        crowd.sign_in("asha")
    assert made.token is not None

    crowd.people.passwords.choose(made.token, OTHER_PASSWORD, actor=VISITOR)

    granted = crowd.people.sign_ins.sign_in("asha", OTHER_PASSWORD, user_agent=None, actor=VISITOR)
    assert granted.signed_in.username == "asha"


def test_a_second_factor_that_was_lost_can_be_taken_away(crowd: Crowd) -> None:
    crowd.add("asha")
    crowd.set_up_totp("asha")

    crowd.people.users.reset_second_factor("asha", actor=OWNER)

    assert crowd.sign_in("asha")


def remove(crowd: Crowd) -> None:
    crowd.people.users.remove("asha", actor=OWNER)


@pytest.mark.parametrize("change", [CHANGES["role_changed"], CHANGES["disabled"], remove])
def test_the_last_administrator_stays(crowd: Crowd, change: Change) -> None:
    crowd.add("asha", Role.ADMIN)
    crowd.people.users.add("invited", Role.ADMIN, actor=OWNER)  # has no password yet

    with pytest.raises(LastAdminError, match="asha"):
        change(crowd)

    assert crowd.people.users.get("asha").role is Role.ADMIN
    assert crowd.sign_in("asha")


def test_two_administrators_who_end_each_other_do_not_both_succeed(crowd: Crowd) -> None:
    crowd.add("asha", Role.ADMIN)
    crowd.add("boris", Role.ADMIN)

    def disable(name: str) -> bool:
        try:
            crowd.people.users.disable(name, actor=OWNER)
        except LastAdminError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(disable, ["asha", "boris"]))

    assert sorted(done) == [False, True]


def test_a_removed_user_leaves_no_session_and_no_key(crowd: Crowd) -> None:
    crowd.add("asha")
    token = crowd.sign_in("asha")
    key = crowd.people.api_keys.create("asha", "script", actor=OWNER).text

    crowd.people.users.remove("asha", actor=OWNER)

    assert crowd.people.sessions.find(token) is None
    assert crowd.people.sessions.find_key(key) is None
    assert crowd.people.users.list_users() == []
    assert crowd.actions()[-1] == "removed"


def test_a_name_is_given_once_and_only_in_plain_letters(crowd: Crowd) -> None:
    crowd.add("asha")
    wrong: dict[str, type[AppError]] = {
        "ASHA": UserExistsError,
        "a": UserNameInvalidError,
        "munshi": UserNameInvalidError,
        "local-operator": UserNameInvalidError,
        "asha:key": UserNameInvalidError,
        "a sha": UserNameInvalidError,
        "आशा": UserNameInvalidError,
    }

    for name, error in wrong.items():
        with pytest.raises(error):
            crowd.people.users.add(name, Role.VIEWER, actor=OWNER)

    with pytest.raises(UserUnknownError):
        crowd.people.users.disable("nobody", actor=OWNER)


def test_seeds_are_sealed_and_bound_to_their_user(crowd: Crowd) -> None:
    crowd.add("asha")
    crowd.add("boris")
    seed, codes = crowd.set_up_totp("asha")

    with crowd.database.transaction() as tx:
        rows = str(tx.connection.exec_driver_sql('SELECT * FROM "Users"').all())
        codes_stored = str(tx.connection.exec_driver_sql('SELECT * FROM "UserRecoveryCodes"').all())
        tx.connection.exec_driver_sql(
            'UPDATE "Users" SET totp_seed = (SELECT totp_seed FROM "Users" WHERE username = '
            "'asha') WHERE username = 'boris'"
        )

    assert seed not in rows
    assert codes[0] not in codes_stored
    with pytest.raises(AppError, match="moved"), crowd.database.reading() as tx:
        tx.users.get_credentials("boris")
