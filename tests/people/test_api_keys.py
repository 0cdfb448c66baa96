"""API keys: shown once, bounded by their owner, gone when they are ended."""

from datetime import timedelta
from uuid import uuid4

import pytest

from crowd import OWNER, Crowd
from munshi.domain.roles import Role
from munshi.errors import (
    ApiKeyInvalidError,
    ApiKeyUnknownError,
    UserNameInvalidError,
    UserUnknownError,
)


def test_a_key_opens_what_its_owner_may(crowd: Crowd) -> None:
    crowd.add("asha", Role.OPERATOR)

    made = crowd.people.api_keys.create("asha", "backup-script", actor=OWNER)

    found = crowd.people.sessions.find_key(made.text)
    assert made.text.startswith("mk_")
    assert len(made.text) == 46  # 256 bits behind the prefix
    assert found is not None
    assert (found.username, found.name, found.role) == ("asha", "backup-script", Role.OPERATOR)
    assert (found.read_only, found.groups) == (False, None)


def test_only_a_hash_and_a_hint_are_stored(crowd: Crowd) -> None:
    crowd.add("asha")

    text = crowd.people.api_keys.create("asha", "script", actor=OWNER).text

    with crowd.database.reading() as tx:
        rows = str(tx.connection.exec_driver_sql('SELECT * FROM "ApiKeys"').all())
        audited = str(tx.connection.exec_driver_sql('SELECT * FROM "AuditLogs"').all())
    assert text not in rows + audited
    assert text[8:] not in rows + audited
    assert text[:8] in rows


def test_a_key_is_never_above_its_owner_then_or_later(crowd: Crowd) -> None:
    crowd.add("asha", Role.OPERATOR)
    with pytest.raises(ApiKeyInvalidError, match="operator"):
        crowd.people.api_keys.create("asha", "script", role=Role.ADMIN, actor=OWNER)
    text = crowd.people.api_keys.create("asha", "script", actor=OWNER).text

    crowd.people.users.set_role("asha", Role.VIEWER, actor=OWNER)

    found = crowd.people.sessions.find_key(text)
    assert found is not None
    assert found.role is Role.VIEWER


def test_the_scope_is_kept_with_the_key(crowd: Crowd) -> None:
    crowd.add("asha", Role.OPERATOR)

    text = crowd.people.api_keys.create(
        "asha", "script", role=Role.VIEWER, read_only=True, groups=["/Jobs", "data"], actor=OWNER
    ).text

    found = crowd.people.sessions.find_key(text)
    assert found is not None
    assert (found.role, found.read_only, found.groups) == (Role.VIEWER, True, ("data", "jobs"))


@pytest.mark.parametrize(
    ("scope", "error"),
    [
        ({"groups": []}, ApiKeyInvalidError),
        ({"groups": ["../etc"]}, ApiKeyInvalidError),
        ({"days": 0}, ApiKeyInvalidError),
        ({"days": 4000}, ApiKeyInvalidError),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    crowd: Crowd, scope: dict[str, object], error: type[Exception]
) -> None:
    crowd.add("asha")

    with pytest.raises(error):
        crowd.people.api_keys.create("asha", "script", actor=OWNER, **scope)  # type: ignore[arg-type]

    assert crowd.people.api_keys.list_keys() == []


def test_a_key_needs_an_owner_and_a_plain_name(crowd: Crowd) -> None:
    crowd.add("asha")

    with pytest.raises(UserUnknownError):
        crowd.people.api_keys.create("nobody", "script", actor=OWNER)
    with pytest.raises(UserNameInvalidError):
        crowd.people.api_keys.create("asha", "my script", actor=OWNER)


def test_a_key_ends_when_it_expires_is_revoked_or_its_owner_is_disabled(crowd: Crowd) -> None:
    for name in ("asha", "boris", "chandra"):
        crowd.add(name)
    keys = {
        name: crowd.people.api_keys.create(name, "script", days=1 + n, actor=OWNER)
        for n, name in enumerate(("asha", "boris", "chandra"))
    }

    crowd.clock.advance(timedelta(days=1))
    crowd.people.api_keys.revoke(keys["boris"].key.key_id, actor=OWNER)
    crowd.people.users.disable("chandra", actor=OWNER)

    found = [crowd.people.sessions.find_key(made.text) for made in keys.values()]
    assert found == [None, None, None]


def test_nobody_ends_the_key_of_another_and_none_ends_twice(crowd: Crowd) -> None:
    crowd.add("asha")
    crowd.add("boris")
    key = crowd.people.api_keys.create("asha", "script", actor=OWNER).key
    boris = crowd.people.users.get("boris").user_id

    for key_id, user_id in ((key.key_id, boris), (uuid4(), None)):
        with pytest.raises(ApiKeyUnknownError):
            crowd.people.api_keys.revoke(key_id, user_id=user_id, actor=OWNER)

    assert crowd.people.api_keys.revoke(key.key_id, actor=OWNER).revoked_at == crowd.clock.now()
    with pytest.raises(ApiKeyUnknownError):
        crowd.people.api_keys.revoke(key.key_id, actor=OWNER)


def test_when_a_key_was_used_is_noted_once_a_minute(crowd: Crowd) -> None:
    crowd.add("asha")
    text = crowd.people.api_keys.create("asha", "script", actor=OWNER).text

    for seconds in (0, 30, 30):
        crowd.clock.advance(timedelta(seconds=seconds))
        found = crowd.people.sessions.find_key(text)
        assert found is not None
        if crowd.people.sessions.is_note_due(found):
            crowd.people.sessions.note_use(found)

    assert crowd.people.api_keys.list_keys()[0].last_used_at == crowd.clock.now()
    found = crowd.people.sessions.find_key(text)
    assert found is not None
    assert not crowd.people.sessions.is_note_due(found)


def test_making_and_ending_a_key_is_audited(crowd: Crowd) -> None:
    crowd.add("asha")
    key = crowd.people.api_keys.create("asha", "script", read_only=True, actor=OWNER).key
    crowd.people.api_keys.revoke(key.key_id, actor=OWNER)

    with crowd.database.reading() as tx:
        rows = tx.audit.get_logs_by_entity("api_key", str(key.key_id))

    assert [row.action for row in rows] == ["revoked", "created"]
    assert rows[1].new_value["read_only"] is True
