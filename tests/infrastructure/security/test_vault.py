"""The vault: ciphertext bound to its place, keys that others cannot read, wrong keys noticed."""

import base64
import json
import stat
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from munshi.errors import SecretUnreadableError, VaultKeyInvalidError
from munshi.infrastructure.security.vault import (
    KeyFile,
    KeyRing,
    Sealed,
    Vault,
    new_ring,
    ring_from_text,
)

KEY_ID = "0123456789abcdef"
RING = KeyRing(active=KEY_ID, keys={KEY_ID: bytes(range(32))})
ROW = UUID("11111111-2222-3333-4444-555555555555")
GOLDEN = (
    "010123456789abcdefcfbcc92ab4f9cda65b0a7f89975efd4b3b767d0fed"
    "945904a03192b9ca69ca08a34d342e6c291e4844d97e"
)
CREATE = """
import sys, time
from pathlib import Path
from munshi.infrastructure.security.vault import KeyFile

ready, go = Path(sys.argv[2]), Path(sys.argv[3])
ready.touch()
while not go.exists():
    time.sleep(0.001)
print(KeyFile(Path(sys.argv[1])).create().active)
"""


@pytest.fixture
def vault() -> Vault:
    return Vault(RING)


def seal(vault: Vault, value: str = "token") -> Sealed:
    return vault.seal(value, table="AuthSessions", column="access_token", row_id=ROW)


def test_the_stored_form_is_version_key_id_nonce_ciphertext(vault: Vault) -> None:
    sealed = seal(vault)

    version, key_id, nonce, body = sealed[0], sealed[1:9], sealed[9:21], sealed[21:]
    parts = [b"1", b"AuthSessions", b"access_token", str(ROW).encode(), KEY_ID.encode()]
    bound_to = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    clear = AESGCM(bytes(range(32))).decrypt(nonce, body, bound_to)
    assert (version, key_id.hex(), clear) == (1, KEY_ID, b"token")
    assert len(sealed) == 1 + 8 + 12 + len("token") + 16


def test_a_secret_stored_by_an_earlier_version_still_opens(vault: Vault) -> None:
    golden = bytes.fromhex(GOLDEN)

    opened = vault.unseal(golden, table="AuthSessions", column="access_token", row_id=ROW)

    assert opened == "a token of 2026"


@given(value=st.text(max_size=200))
def test_what_was_sealed_is_what_is_opened(value: str) -> None:
    vault = Vault(RING)

    opened = vault.unseal(
        seal(vault, value), table="AuthSessions", column="access_token", row_id=ROW
    )

    assert opened == value


def test_the_same_value_is_never_sealed_the_same_way_twice(vault: Vault) -> None:
    assert len({bytes(seal(vault)) for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("table", "column", "row_id"),
    [
        ("SystemConfigurations", "access_token", ROW),
        ("AuthSessions", "session_token", ROW),
        ("AuthSessions", "access_token", UUID(int=7)),
        # the same letters, cut elsewhere
        ("AuthSessionsaccess", "_token", ROW),
    ],
)
def test_a_ciphertext_that_was_moved_does_not_open(
    vault: Vault, table: str, column: str, row_id: UUID
) -> None:
    sealed = seal(vault)

    with pytest.raises(SecretUnreadableError, match="changed or moved"):
        vault.unseal(sealed, table=table, column=column, row_id=row_id)


def test_no_byte_can_be_changed_or_cut(vault: Vault) -> None:
    sealed = seal(vault)
    changed = [
        sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))
    ]
    cut = [sealed[:length] for length in range(len(sealed))]

    for forged in [*changed, *cut]:
        with pytest.raises(SecretUnreadableError):
            vault.unseal(forged, table="AuthSessions", column="access_token", row_id=ROW)


def test_a_key_that_is_not_here_is_named(vault: Vault) -> None:
    sealed = seal(vault)
    other = Vault(new_ring())

    with pytest.raises(SecretUnreadableError, match=f"sealed with key {KEY_ID}, which is not here"):
        other.unseal(sealed, table="AuthSessions", column="access_token", row_id=ROW)


def test_an_old_key_in_the_ring_still_opens_and_the_active_one_seals(vault: Vault) -> None:
    sealed = seal(vault)
    new = new_ring()
    both = Vault(KeyRing(active=new.active, keys={**RING.keys, **new.keys}))

    opened = both.unseal(sealed, table="AuthSessions", column="access_token", row_id=ROW)

    assert opened == "token"
    assert seal(both)[1:9].hex() == new.active


def test_the_canary_tells_the_right_key_from_another_under_its_name(vault: Vault) -> None:
    canary = vault.make_canary()
    impostor = Vault(KeyRing(active=KEY_ID, keys={KEY_ID: b"x" * 32}))

    vault.check_canary(canary, key_id=KEY_ID)

    with pytest.raises(VaultKeyInvalidError, match=rf"key {KEY_ID}.*another one") as refusal:
        impostor.check_canary(canary, key_id=KEY_ID)
    assert "vault.key" in str(refusal.value)


def test_purposes_have_keys_of_their_own(vault: Vault) -> None:
    state, cursor = vault.mac(b"m", purpose="state"), vault.mac(b"m", purpose="cursor")

    assert state == vault.mac(b"m", purpose="state")
    assert state != cursor
    assert state != Vault(new_ring()).mac(b"m", purpose="state")


def test_neither_keys_nor_secrets_show_in_texts(vault: Vault) -> None:
    sealed = seal(vault, "hush-hush")

    shown = repr(sealed) + repr(RING) + repr(vault)

    assert "hush" not in shown
    assert base64.b64encode(bytes(range(32))).decode()[:8] not in shown
    assert "\\x01\\x02" not in shown


def test_a_home_without_a_key_file_has_no_ring(tmp_path: Path) -> None:
    assert KeyFile(tmp_path).read() is None


def test_a_new_key_file_is_private_and_read_again(tmp_path: Path) -> None:
    created = KeyFile(tmp_path).create()

    again = KeyFile(tmp_path).read()

    assert stat.S_IMODE((tmp_path / "vault.key").stat().st_mode) == 0o600
    assert again == created
    assert KeyFile(tmp_path).create() == created


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644, 0o777])
def test_a_key_file_that_others_may_touch_is_refused_with_the_command(
    tmp_path: Path, mode: int
) -> None:
    KeyFile(tmp_path).create()
    (tmp_path / "vault.key").chmod(mode)

    with pytest.raises(VaultKeyInvalidError, match="chmod 600"):
        KeyFile(tmp_path).read()
    with pytest.raises(VaultKeyInvalidError, match="chmod 600"):
        KeyFile(tmp_path).create()


KEY_TEXT = base64.b64encode(bytes(32)).decode()
DAMAGED = {
    "empty": "",
    "cut": '{"active": "0123',
    "a list": "[]",
    "no keys": json.dumps({"active": KEY_ID, "keys": {}}),
    "no active": json.dumps({"keys": {KEY_ID: KEY_TEXT}}),
    "another active": json.dumps({"active": "ff" * 8, "keys": {KEY_ID: KEY_TEXT}}),
    "short key": json.dumps({"active": KEY_ID, "keys": {KEY_ID: "AAAA"}}),
    "short id": json.dumps({"active": "01", "keys": {"01": KEY_TEXT}}),
    "not base64": json.dumps({"active": KEY_ID, "keys": {KEY_ID: "!" * 44}}),
    "keys of another kind": json.dumps({"active": KEY_ID, "keys": [KEY_TEXT]}),
    "key of another kind": json.dumps({"active": KEY_ID, "keys": {KEY_ID: 7}}),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_key_file_is_one_sentence_and_is_not_replaced(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "vault.key"
    path.write_text(content)
    path.chmod(0o600)

    for ask in (KeyFile(tmp_path).read, KeyFile(tmp_path).create):
        with pytest.raises(VaultKeyInvalidError, match="is damaged"):
            ask()

    assert path.read_text() == content


def test_a_key_file_that_is_no_text_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    path.write_bytes(b"\xff\xfe\x00")
    path.chmod(0o600)

    with pytest.raises(VaultKeyInvalidError, match="is damaged"):
        KeyFile(tmp_path).read()


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    go = tmp_path / "go"
    home = tmp_path / "home"
    ready = [tmp_path / f"ready{number}" for number in range(3)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CREATE, home, each, go], stdout=subprocess.PIPE, text=True
        )
        for each in ready
    ]
    while not all(each.exists() for each in ready):
        assert all(process.poll() is None for process in started)
    go.touch()

    keys = {process.communicate(timeout=60)[0].strip() for process in started}

    assert len(keys) == 1
    assert keys == {KeyFile(home).create().active}


@pytest.mark.parametrize("prefix", ["", f"{KEY_ID}:", f"  {KEY_ID}:"])
def test_a_key_from_the_environment_is_read(prefix: str) -> None:
    ring = ring_from_text(prefix + base64.b64encode(bytes(range(32))).decode() + "\n")

    assert ring.keys[ring.active] == bytes(range(32))
    assert ring.active == (KEY_ID if prefix else "00" * 8)


@pytest.mark.parametrize(
    "text", ["", "hush", "hush-hush" * 5, f"xyz:{KEY_TEXT}", f"01:{KEY_TEXT}", f"{KEY_ID}:hush"]
)
def test_a_wrong_key_from_the_environment_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(VaultKeyInvalidError, match="MUNSHI_MASTER_KEY") as refusal:
        ring_from_text(text)

    assert "hush" not in str(refusal.value)
