"""Signing in: one answer to all that is wrong, one comparison, and no second use of a code."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest

from crowd import OTHER_PASSWORD, OWNER, PASSWORD, VISITOR, Crowd
from munshi.domain.config_keys import (
    AUTH,
    HASH_PASSES,
    PEOPLE,
    SESSION_IDLE_MINUTES,
    SESSION_TIMEOUT_MINUTES,
)
from munshi.domain.people import SignedIn
from munshi.domain.roles import Role
from munshi.errors import (
    PasswordConfirmationNeededError,
    PasswordUnfitError,
    SessionUnknownError,
    SignInRefusedError,
    SignInThrottledError,
)
from munshi.infrastructure.security.passwords import HashCost, PasswordHashing
from munshi.infrastructure.security.totp import STEP_SECONDS, one_time_code
from munshi.people.links import PasswordService
from munshi.people.preferences import Preferences


def who_is(crowd: Crowd, token: str) -> SignedIn:
    found = crowd.people.sessions.find(token)
    assert found is not None
    return found


def refusal(crowd: Crowd, name: str, password: str = PASSWORD, code: str = "") -> str:
    with pytest.raises(SignInRefusedError) as refused:
        crowd.people.sign_ins.sign_in(name, password, code, user_agent=None, actor=VISITOR)
    return str(refused.value)


def test_a_token_opens_the_session_of_whoever_signed_in(crowd: Crowd) -> None:
    crowd.add("asha", Role.OPERATOR)

    who = who_is(crowd, crowd.sign_in(" Asha "))

    assert (who.username, who.role) == ("asha", Role.OPERATOR)
    assert crowd.people.sessions.find("another") is None


def test_whatever_is_wrong_gets_one_answer_after_one_comparison(crowd: Crowd) -> None:
    crowd.add("asha")
    crowd.add("devi")
    crowd.people.users.add("new", Role.VIEWER, actor=OWNER)
    crowd.people.users.disable("devi", actor=OWNER)
    seed, _ = crowd.set_up_totp("asha")
    compared = crowd.people.hashing.compared

    said = {
        refusal(crowd, "nobody"),
        refusal(crowd, "asha", OTHER_PASSWORD),
        refusal(crowd, "asha", PASSWORD, "000000"),
        refusal(crowd, "devi"),
        refusal(crowd, "new"),
    }

    assert len(said) == 1
    assert crowd.people.hashing.compared - compared == 5
    assert one_time_code(seed, now=crowd.clock.now()) not in said.pop()


def test_failed_sign_ins_stay_on_record_without_what_was_typed(crowd: Crowd) -> None:
    crowd.add("asha")

    refusal(crowd, "asha", "a wrong password, typed")
    refusal(crowd, "typed-into-the-wrong-field")

    with crowd.database.reading() as tx:
        rows = tx.audit.get_logs_by_entity("user", "asha")
        everything = str(tx.connection.exec_driver_sql('SELECT * FROM "AuditLogs"').all())
        throttled = str(tx.connection.exec_driver_sql('SELECT * FROM "SignInThrottle"').all())
    assert rows[0].action == "sign_in_failed"
    assert "typed" not in everything + throttled
    assert everything.count("sign_in_failed") >= 2


def test_only_hashes_of_tokens_and_passwords_are_stored(crowd: Crowd) -> None:
    crowd.add("asha")

    token = crowd.sign_in("asha")

    with crowd.database.reading() as tx:
        for table in ("Users", "UserSessions", "AuditLogs"):
            rows = str(tx.connection.exec_driver_sql(f'SELECT * FROM "{table}"').all())
            assert token not in rows
            assert PASSWORD not in rows


def test_an_older_hash_is_made_anew_when_its_user_signs_in(crowd: Crowd) -> None:
    crowd.add("asha")
    crowd.config.set(PEOPLE, HASH_PASSES, 3, actor=OWNER)

    crowd.sign_in("asha")

    with crowd.database.reading() as tx:
        found = tx.users.get_credentials("asha")
    assert found is not None
    assert ",t=3," in (found.password_hash or "")
    assert crowd.sign_in("asha")


def test_a_code_is_good_once(crowd: Crowd) -> None:
    crowd.add("asha")
    seed, _ = crowd.set_up_totp("asha")
    code = one_time_code(seed, now=crowd.clock.now())

    crowd.sign_in("asha", code)
    refusal(crowd, "asha", PASSWORD, code)
    crowd.clock.advance(timedelta(seconds=STEP_SECONDS))

    assert crowd.sign_in("asha", one_time_code(seed, now=crowd.clock.now()))


@pytest.mark.parametrize(("steps", "is_good"), [(-2, False), (-1, False), (1, True), (2, False)])
def test_a_code_may_be_one_step_off_but_not_older_than_the_last(
    crowd: Crowd, steps: int, *, is_good: bool
) -> None:
    crowd.add("asha")
    seed, _ = crowd.set_up_totp("asha")  # the step before the present one is used
    at = crowd.clock.now() + timedelta(seconds=STEP_SECONDS * steps)
    code = one_time_code(seed, now=at)

    if is_good:
        assert crowd.sign_in("asha", code)
    else:
        refusal(crowd, "asha", PASSWORD, code)


def test_a_recovery_code_is_good_once_however_it_is_typed(crowd: Crowd) -> None:
    crowd.add("asha")
    _, codes = crowd.set_up_totp("asha")

    crowd.sign_in("asha", codes[0].lower().replace("-", " "))
    refusal(crowd, "asha", PASSWORD, codes[0])

    assert crowd.sign_in("asha", codes[1])
    assert len(codes) == 10


@pytest.mark.parametrize("kind", ["totp", "recovery code"])
def test_of_two_that_use_one_code_at_once_one_gets_in(crowd: Crowd, kind: str) -> None:
    crowd.add("asha")
    seed, codes = crowd.set_up_totp("asha")
    code = codes[0] if kind != "totp" else one_time_code(seed, now=crowd.clock.now())

    def try_it(_: int) -> bool:
        try:
            crowd.sign_in("asha", code)
        except SignInRefusedError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        entered = list(pool.map(try_it, range(4)))

    assert sorted(entered) == [False, False, False, True]


def test_a_session_ends_when_it_is_not_used(crowd: Crowd) -> None:
    crowd.config.set(AUTH, SESSION_IDLE_MINUTES, 30, actor=OWNER)
    crowd.add("asha")
    used, idle = crowd.sign_in("asha"), crowd.sign_in("asha")

    crowd.clock.advance(timedelta(minutes=20))
    crowd.people.sessions.note_use(who_is(crowd, used))
    crowd.clock.advance(timedelta(minutes=10))

    assert crowd.people.sessions.find(idle) is None
    crowd.clock.advance(timedelta(minutes=19))
    assert crowd.people.sessions.find(used) is not None


def test_a_session_ends_however_busy_it_is(crowd: Crowd) -> None:
    crowd.config.set(AUTH, SESSION_TIMEOUT_MINUTES, 60, actor=OWNER)
    crowd.config.set(AUTH, SESSION_IDLE_MINUTES, 30, actor=OWNER)
    crowd.add("asha")
    token = crowd.sign_in("asha")

    for _ in range(5):
        crowd.clock.advance(timedelta(minutes=11, seconds=59))
        crowd.people.sessions.note_use(who_is(crowd, token))
    crowd.clock.advance(timedelta(seconds=5))

    assert crowd.people.sessions.find(token) is None


def test_use_is_noted_once_a_minute(crowd: Crowd) -> None:
    crowd.add("asha")
    token = crowd.sign_in("asha")

    crowd.clock.advance(timedelta(seconds=59))
    early = crowd.people.sessions.is_note_due(who_is(crowd, token))
    crowd.clock.advance(timedelta(seconds=1))
    late = crowd.people.sessions.is_note_due(who_is(crowd, token))
    crowd.people.sessions.note_use(who_is(crowd, token))

    assert (early, late) == (False, True)
    assert not crowd.people.sessions.is_note_due(who_is(crowd, token))


def test_the_password_given_again_changes_the_token(crowd: Crowd) -> None:
    crowd.add("asha")
    token = crowd.sign_in("asha")
    crowd.clock.advance(timedelta(minutes=11))
    who = who_is(crowd, token)
    with pytest.raises(PasswordConfirmationNeededError, match="password"):
        crowd.people.sign_ins.require_confirmation(who)

    granted = crowd.people.sign_ins.confirm(who, PASSWORD, actor=VISITOR)

    crowd.people.sign_ins.require_confirmation(who_is(crowd, granted.token))
    assert crowd.people.sessions.find(token) is None


def test_a_second_factor_is_asked_for_again_too(crowd: Crowd) -> None:
    crowd.add("asha")
    seed, _ = crowd.set_up_totp("asha")
    who = who_is(crowd, crowd.sign_in("asha", one_time_code(seed, now=crowd.clock.now())))
    crowd.clock.advance(timedelta(seconds=STEP_SECONDS))

    with pytest.raises(SignInRefusedError):
        crowd.people.sign_ins.confirm(who, PASSWORD, actor=VISITOR)

    code = one_time_code(seed, now=crowd.clock.now())
    assert crowd.people.sign_ins.confirm(who, PASSWORD, code, actor=VISITOR).token


def test_a_new_password_ends_every_other_session(crowd: Crowd) -> None:
    crowd.add("asha")
    mine, other = crowd.sign_in("asha"), crowd.sign_in("asha")

    granted = crowd.people.passwords.change(
        who_is(crowd, mine), PASSWORD, OTHER_PASSWORD, actor=VISITOR
    )

    assert [crowd.people.sessions.find(each) for each in (mine, other)] == [None, None]
    assert who_is(crowd, granted.token).username == "asha"
    refusal(crowd, "asha", PASSWORD)


def test_a_password_is_changed_only_by_whoever_knows_the_old_one(crowd: Crowd) -> None:
    crowd.add("asha")
    who = who_is(crowd, crowd.sign_in("asha"))

    with pytest.raises(SignInRefusedError):
        crowd.people.passwords.change(who, OTHER_PASSWORD, OTHER_PASSWORD, actor=VISITOR)
    with pytest.raises(PasswordUnfitError):
        crowd.people.passwords.change(who, PASSWORD, "asha-munshi-2026", actor=VISITOR)

    assert crowd.sign_in("asha")


def test_an_end_counts_at_once_and_is_audited(crowd: Crowd) -> None:
    crowd.add("asha")
    token = crowd.sign_in("asha")

    crowd.people.sign_ins.sign_out(who_is(crowd, token), actor=VISITOR)

    assert crowd.people.sessions.find(token) is None
    assert crowd.actions() == ["added", "signed_in", "signed_out"]


def test_many_failures_make_the_next_wait_and_longer_each_time(crowd: Crowd) -> None:
    crowd.add("asha")
    waits = []

    for _ in range(9):
        try:
            crowd.people.sign_ins.sign_in("asha", OTHER_PASSWORD, user_agent=None, actor=VISITOR)
        except SignInRefusedError:
            continue
        except SignInThrottledError as throttled:
            wait = throttled.extra["retry_after"]
            assert isinstance(wait, float)
            waits.append(round(wait))
            crowd.clock.advance(timedelta(seconds=wait))

    assert waits == [1, 2]


def test_a_reset_and_a_sign_in_at_once_leave_no_session_of_the_old_password(crowd: Crowd) -> None:
    crowd.add("asha")

    def sign_in(_: int) -> None:
        with suppress(SignInRefusedError):
            crowd.sign_in("asha")

    with ThreadPoolExecutor(5) as pool:
        coming = pool.map(sign_in, range(4))
        reset = pool.submit(crowd.people.users.reset_password, "asha", actor=OWNER)
        list(coming)
        reset.result()

    assert crowd.people.sessions.list_sessions() == []


def test_a_password_that_was_reset_meanwhile_is_not_changed(crowd: Crowd) -> None:
    crowd.add("asha")
    who = who_is(crowd, crowd.sign_in("asha"))
    preferences = Preferences(crowd.config)

    def cost_after_reset() -> HashCost:
        crowd.people.users.reset_password("asha", actor=OWNER)
        return preferences.hash_cost()

    slow = PasswordHashing(cost_after_reset, at_once=1)
    passwords = PasswordService(
        crowd.database,
        crowd.clock,
        hashing=slow,
        sign_ins=crowd.people.sign_ins,
        preferences=preferences,
    )

    with pytest.raises(SessionUnknownError):
        passwords.change(who, PASSWORD, OTHER_PASSWORD, actor=VISITOR)

    assert not crowd.people.users.get("asha").has_password
    slow.close()
