"""The sealed copy of the master keys: opens with its passphrase, and not otherwise."""

import base64
import json
from datetime import UTC, datetime

import pytest

from munshi.errors import KeyBackupInvalidError, PassphraseWeakError
from munshi.infrastructure.security.key_backup import open_backup, seal_backup
from munshi.infrastructure.security.master_keys import new_ring

PASSPHRASE = "four clerks count rice"
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def test_a_copy_opens_with_its_passphrase_and_shows_no_key() -> None:
    ring = new_ring()

    content = seal_backup(ring, PASSPHRASE, now=NOW)

    assert open_backup(content, PASSPHRASE) == ring
    assert base64.b64encode(ring.keys[ring.active]) not in content
    assert json.loads(content)["key_ids"] == [ring.active]


def test_another_passphrase_does_not_open_it() -> None:
    content = seal_backup(new_ring(), PASSPHRASE, now=NOW)

    with pytest.raises(KeyBackupInvalidError, match="the passphrase is another one"):
        open_backup(content, PASSPHRASE + "!")


@pytest.mark.parametrize("passphrase", ["", "short", "aaaaaaaaaaaaaaaa", "abcabcabcabcabc"])
def test_a_weak_passphrase_is_refused(passphrase: str) -> None:
    with pytest.raises(PassphraseWeakError, match="at least 12"):
        seal_backup(new_ring(), passphrase, now=NOW)


@pytest.mark.parametrize("field", ["created_at", "key_ids", "nonce", "sealed", "cipher"])
def test_no_field_of_the_file_can_be_changed(field: str) -> None:
    document = json.loads(seal_backup(new_ring(), PASSPHRASE, now=NOW))
    document[field] = {
        "key_ids": ["00" * 8],
        "nonce": base64.b64encode(bytes(12)).decode(),
        "sealed": base64.b64encode(bytes(200)).decode(),
    }.get(field, "another")

    with pytest.raises(KeyBackupInvalidError):
        open_backup(json.dumps(document).encode(), PASSPHRASE)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff\xfe", b'{"sealed": "AAAA", "format": "munshi-keys"}']
)
def test_another_file_is_said_to_be_none_of_ours(content: bytes) -> None:
    with pytest.raises(KeyBackupInvalidError, match="not a copy"):
        open_backup(content, PASSPHRASE)


def test_a_file_that_asks_for_too_much_memory_is_refused_before_it_gets_it() -> None:
    document = json.loads(seal_backup(new_ring(), PASSPHRASE, now=NOW))
    document["kdf"]["memory_kib"] = 2**31

    with pytest.raises(KeyBackupInvalidError, match="not a copy"):
        open_backup(json.dumps(document).encode(), PASSPHRASE)
