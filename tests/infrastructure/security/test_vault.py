"""The vault: ciphertext bound to its place and purpose, and data keys bound to their master."""

import base64
import dataclasses
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from databases import lone_vault
from munshi.errors import SecretUnreadableError, VaultKeyInvalidError
from munshi.infrastructure.security.master_keys import (
    KeyRing,
    make_canary,
    new_ring,
    opens_canary,
    unwrap_key,
)
from munshi.infrastructure.security.purposes import Purpose
from munshi.infrastructure.security.vault import Sealed, Vault, WrappedKey

MASTER_ID = "0123456789abcdef"
MASTER = bytes(range(32))
RING = KeyRing(active=MASTER_ID, keys={MASTER_ID: MASTER})
ROW = UUID("11111111-2222-3333-4444-555555555555")
GOLDEN = (
    "010123456789abcdefcfbcc92ab4f9cda65b0a7f89975efd4b3b767d0fed"
    "945904a03192b9ca69ca08a34d342e6c291e4844d97e"
)
OTHER_PLACES = [
    ("SystemConfigurations", "access_token", ROW),
    ("AuthSessions", "session_token", ROW),
    ("AuthSessions", "access_token", UUID(int=7)),
]


@pytest.fixture
def vault() -> Vault:
    return lone_vault(RING)


def seal(vault: Vault, value: str = "token") -> Sealed:
    return vault.seal(value, table="AuthSessions", column="access_token", row_id=ROW)


def unseal(vault: Vault, sealed: bytes) -> str:
    return vault.unseal(sealed, table="AuthSessions", column="access_token", row_id=ROW)


def test_the_stored_form_is_version_key_id_nonce_ciphertext() -> None:
    vault = Vault(RING)
    key = vault.make_key(Purpose.BROKER_SESSIONS)
    vault.learn([key])

    sealed = seal(vault)

    version, key_id, nonce, body = sealed[0], sealed[1:9], sealed[9:21], sealed[21:]
    parts = [b"2", b"AuthSessions", b"access_token", str(ROW).encode(), key.key_id.encode()]
    bound_to = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    data_key = unwrap_key(
        key.wrapped, purpose=key.purpose, key_id=key.key_id, master_id=MASTER_ID, master=MASTER
    )
    clear = AESGCM(data_key).decrypt(nonce, body, bound_to)
    assert (version, key_id.hex(), clear) == (2, key.key_id, b"token")
    assert sealed.key_id == key.key_id
    assert len(sealed) == 1 + 8 + 12 + len("token") + 16


def test_what_a_master_key_sealed_itself_still_opens() -> None:
    vault = Vault(RING)
    vault.learn([vault.wrap(MASTER, MASTER_ID, Purpose.FORMAT_1, is_active=False)])

    assert unseal(vault, bytes.fromhex(GOLDEN)) == "a token of 2026"


@given(value=st.text(max_size=200))
def test_what_was_sealed_is_what_is_opened(value: str) -> None:
    vault = lone_vault(RING)

    assert unseal(vault, seal(vault, value)) == value


def test_the_same_value_is_never_sealed_the_same_way_twice(vault: Vault) -> None:
    assert len({bytes(seal(vault)) for _ in range(50)}) == 50


@pytest.mark.parametrize(("table", "column", "row_id"), OTHER_PLACES)
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
            unseal(vault, forged)


def test_a_key_of_another_purpose_opens_nothing_even_with_the_right_bytes() -> None:
    one, other = Vault(RING), Vault(RING)
    secret = b"d" * 32
    one.learn([one.wrap(secret, "ab" * 8, Purpose.BROKER_SESSIONS, is_active=True)])
    other.learn([other.wrap(secret, "ab" * 8, Purpose.CONFIGURATION, is_active=True)])

    with pytest.raises(SecretUnreadableError, match="changed or moved"):
        unseal(other, seal(one))


def test_each_purpose_seals_with_a_key_of_its_own(vault: Vault) -> None:
    token = seal(vault)
    password = vault.seal("p", table="SystemConfigurations", column="secret_value", row_id=ROW)

    assert token.key_id != password.key_id


def test_a_table_that_no_purpose_is_named_for_is_not_sealed(vault: Vault) -> None:
    with pytest.raises(LookupError, match="which key seals Alerts"):
        vault.seal("v", table="Alerts", column="title", row_id=ROW)


def test_a_key_that_is_not_here_is_named(vault: Vault) -> None:
    sealed = seal(vault)

    with pytest.raises(SecretUnreadableError, match=f"key {sealed.key_id}, which is not here"):
        unseal(lone_vault(), sealed)


def test_a_retired_key_still_opens_and_the_new_one_seals(vault: Vault) -> None:
    sealed = seal(vault)
    new = vault.make_key(Purpose.BROKER_SESSIONS)

    vault.learn([new])

    assert unseal(vault, sealed) == "token"
    assert seal(vault).key_id == new.key_id


@pytest.mark.parametrize("field", ["key_id", "purpose", "master_key_id", "wrapped"])
def test_a_wrapped_key_that_was_changed_or_moved_is_refused(vault: Vault, field: str) -> None:
    key = vault.make_key(Purpose.PEOPLE)
    vault.admit(KeyRing("ff" * 8, {"ff" * 8: MASTER}))
    forged: dict[str, WrappedKey] = {
        "key_id": dataclasses.replace(key, key_id="00" * 8),
        "purpose": dataclasses.replace(key, purpose=Purpose.LEDGER),
        "master_key_id": dataclasses.replace(key, master_key_id="ff" * 8),
        "wrapped": dataclasses.replace(key, wrapped=key.wrapped[:-1] + b"\0"),
    }

    with pytest.raises(VaultKeyInvalidError, match="was changed since"):
        vault.learn([forged[field]])


def test_a_key_under_a_later_master_key_is_learnt_by_reading_the_place_again() -> None:
    later = new_ring()
    vault = Vault(RING, reread=lambda: later)
    key = Vault(later).make_key(Purpose.BROKER_SESSIONS)

    vault.learn([key])

    assert seal(vault).key_id == key.key_id


def test_a_key_under_a_master_key_that_is_nowhere_names_it() -> None:
    later = new_ring()
    key = Vault(later).make_key(Purpose.BROKER_SESSIONS)

    with pytest.raises(VaultKeyInvalidError, match=f"was changed to {later.active}"):
        Vault(RING).learn([key])


def test_the_canary_tells_the_right_key_from_another_under_its_name() -> None:
    canary = make_canary(RING, MASTER_ID)
    impostor = KeyRing(active=MASTER_ID, keys={MASTER_ID: b"x" * 32})

    assert opens_canary(RING, canary, key_id=MASTER_ID)
    assert not opens_canary(impostor, canary, key_id=MASTER_ID)
    assert not opens_canary(new_ring(), canary, key_id=MASTER_ID)


def test_macs_of_one_purpose_say_nothing_for_another(vault: Vault) -> None:
    state, cursor = vault.mac(b"m", purpose="state"), vault.mac(b"m", purpose="cursor")

    assert state != cursor
    assert vault.check_mac(b"m", state, purpose="state")
    assert vault.check_mac(b"m", state[:16], purpose="state")
    assert not vault.check_mac(b"m", state, purpose="cursor")
    assert not vault.check_mac(b"m", state[:15], purpose="state")
    assert not lone_vault().check_mac(b"m", state, purpose="state")


def test_a_mac_of_a_retired_key_still_counts(vault: Vault) -> None:
    mac = vault.mac(b"m", purpose="state")

    vault.learn([vault.make_key(Purpose.TICKETS)])

    assert vault.mac(b"m", purpose="state") != mac
    assert vault.check_mac(b"m", mac, purpose="state")


def test_neither_keys_nor_secrets_show_in_texts(vault: Vault) -> None:
    sealed = seal(vault, "hush-hush")

    shown = repr(sealed) + repr(RING) + repr(vault) + repr(vault.make_key(Purpose.PEOPLE))

    assert "hush" not in shown
    assert base64.b64encode(MASTER).decode()[:8] not in shown
    assert "\\x" not in shown
