"""Breeze's API sessions, dead at midnight IST, and the keys of its login page."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from munshi.domain.sessions import breeze_expiry
from munshi.infrastructure.brokers.simulator.state import SimulatorState, to_micros

RSA_BITS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class BreezeSession:
    """`api_session` comes with the redirect, `session_key` signs the calls."""

    api_session: str = field(repr=False)
    user_id: str
    session_key: str = field(repr=False)
    issued_at: int
    expires_at: int
    ended_at: int | None

    @property
    def header_value(self) -> str:
        """`X-SessionToken`: base64 of `USERID:SESSIONKEY`."""
        return base64.b64encode(f"{self.user_id}:{self.session_key}".encode()).decode()

    def is_live(self, *, now: int) -> bool:
        return self.ended_at is None and now < self.expires_at


class BreezeTokens:
    """Everything ICICI hands out, by the broker's clock."""

    def __init__(self, state: SimulatorState) -> None:
        self._state = state
        self._key: rsa.RSAPrivateKey | None = None

    def open_session(self, user_id: str) -> BreezeSession:
        now = self._state.now()
        session = BreezeSession(
            api_session=str(secrets.randbelow(90_000_000) + 10_000_000),
            user_id=user_id,
            session_key=str(secrets.randbelow(90_000_000) + 10_000_000),
            issued_at=to_micros(now),
            expires_at=to_micros(breeze_expiry(now)),
            ended_at=None,
        )
        self._state.run(
            "INSERT INTO breeze_sessions VALUES (?, ?, ?, ?, ?, NULL)",
            (
                session.api_session,
                user_id,
                session.session_key,
                session.issued_at,
                session.expires_at,
            ),
        )
        return session

    def get_by_api_session(self, api_session: str) -> BreezeSession | None:
        return self._get("api_session", api_session)

    def get_by_header(self, header: str) -> BreezeSession | None:
        """The session named by an `X-SessionToken` value; None for nonsense."""
        try:
            user_id, _, key = base64.b64decode(header, validate=True).decode("ascii").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self.get_by_key(user_id, key)

    def get_by_key(self, user_id: str, key: str) -> BreezeSession | None:
        """The session of a user by the key that signs its calls."""
        session = self._get("session_key", key)
        return session if session and session.user_id == user_id else None

    def end_all(self) -> int:
        rows = self._state.run(
            "UPDATE breeze_sessions SET ended_at = ? WHERE ended_at IS NULL RETURNING api_session",
            (self._state.now_micros(),),
        )
        return len(rows)

    def page_checksum(self, app_key: str, time_stamp: str) -> str:
        """What ties the login form to the page that was asked for."""
        return hashlib.sha256(f"{app_key}{time_stamp}{self._state.identity}".encode()).hexdigest()

    def public_key_pem(self) -> str:
        return (
            self._rsa_key()
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def decrypt_password(self, encrypted: str) -> str | None:
        """PKCS#1 v1.5 under the page's key, base64; None if it was made with another key."""
        try:
            secret = base64.b64decode(encrypted, validate=True)
            return self._rsa_key().decrypt(secret, padding.PKCS1v15()).decode()
        except (ValueError, binascii.Error):
            return None

    def _get(self, column: str, value: str) -> BreezeSession | None:
        rows = self._state.run(f"SELECT * FROM breeze_sessions WHERE {column} = ?", (value,))
        return BreezeSession(**dict(rows[0])) if rows else None

    def _rsa_key(self) -> rsa.RSAPrivateKey:
        if self._key is None:
            self._key = self._stored_key() or self._new_key()
        return self._key

    def _stored_key(self) -> rsa.RSAPrivateKey | None:
        stored = self._state.get_meta("breeze_login_key")
        if stored is None:
            return None
        loaded = serialization.load_pem_private_key(stored.encode(), password=None)
        return loaded if isinstance(loaded, rsa.RSAPrivateKey) else None

    def _new_key(self) -> rsa.RSAPrivateKey:
        key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._state.set_meta("breeze_login_key", pem.decode())
        return key
