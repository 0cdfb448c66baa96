"""Kite's logins and tokens: request tokens live once, one access token lives per api key."""

import secrets
import string
from dataclasses import dataclass, field

from munshi.domain.sessions import kite_expiry
from munshi.infrastructure.brokers.simulator.state import SimulatorState, to_micros

REQUEST_TOKEN_SECONDS = 300
LOGIN_SECONDS = 86_400
ALPHABET = string.ascii_letters + string.digits


def random_token(length: int = 32) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebLogin:
    """The cookies of a signed-in browser."""

    kf_session: str = field(repr=False)
    user_id: str
    public_token: str = field(repr=False)
    enctoken: str = field(repr=False)
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLogin:
    """A visit to the login page, kept until the redirect."""

    sess_id: str
    api_key: str
    redirect_params: str


class KiteTokens:
    """Everything Kite hands out, by the broker's clock."""

    def __init__(self, state: SimulatorState) -> None:
        self._state = state

    def begin_login(self, api_key: str, *, redirect_params: str) -> str:
        sess_id = random_token()
        self._forget_old_logins()
        self._state.run(
            "INSERT INTO kite_logins VALUES (?, ?, ?, ?)",
            (sess_id, api_key, redirect_params, self._state.now_micros()),
        )
        return sess_id

    def _forget_old_logins(self) -> None:
        a_day_ago = self._state.now_micros() - LOGIN_SECONDS * 1_000_000
        self._state.run("DELETE FROM kite_logins WHERE begun_at < ?", (a_day_ago,))
        self._state.run("DELETE FROM kite_passwords WHERE given_at < ?", (a_day_ago,))

    def get_login(self, sess_id: str) -> PendingLogin | None:
        rows = self._state.run(
            "SELECT sess_id, api_key, redirect_params FROM kite_logins WHERE sess_id = ?",
            (sess_id,),
        )
        return PendingLogin(**dict(rows[0])) if rows else None

    def password_given(self, user_id: str) -> str:
        """Returns the `request_id` that the second factor must name."""
        request_id = random_token(64)
        self._state.run(
            "INSERT INTO kite_passwords VALUES (?, ?, ?)",
            (request_id, user_id, self._state.now_micros()),
        )
        return request_id

    def knows_password(self, request_id: str, *, user_id: str) -> bool:
        return bool(
            self._state.run(
                "SELECT 1 FROM kite_passwords WHERE request_id = ? AND user_id = ?",
                (request_id, user_id),
            )
        )

    def open_web_login(self, user_id: str) -> WebLogin:
        login = WebLogin(
            kf_session=random_token(),
            user_id=user_id,
            public_token=random_token(),
            enctoken=random_token(88),
            expires_at=to_micros(kite_expiry(self._state.now())),
        )
        self._state.run(
            "INSERT INTO kite_web_sessions VALUES (?, ?, ?, ?, ?)",
            (login.kf_session, user_id, login.public_token, login.enctoken, login.expires_at),
        )
        return login

    def get_web_login(self, kf_session: str) -> WebLogin | None:
        rows = self._state.run(
            "SELECT * FROM kite_web_sessions WHERE kf_session = ? AND expires_at > ?",
            (kf_session, self._state.now_micros()),
        )
        return WebLogin(**dict(rows[0])) if rows else None

    def authorise(self, api_key: str) -> None:
        """The user's consent to the app, asked once."""
        self._state.run("INSERT INTO kite_consents VALUES (?) ON CONFLICT DO NOTHING", (api_key,))

    def is_authorised(self, api_key: str) -> bool:
        return bool(self._state.run("SELECT 1 FROM kite_consents WHERE api_key = ?", (api_key,)))

    def issue_request_token(self, api_key: str, *, user_id: str) -> str:
        token = random_token()
        self._state.run(
            "INSERT INTO kite_request_tokens VALUES (?, ?, ?, ?, NULL)",
            (token, api_key, user_id, self._state.now_micros()),
        )
        return token

    def spend_request_token(self, token: str, *, api_key: str) -> bool:
        """False for a token that is unknown, spent, another app's or five minutes old."""
        now = self._state.now_micros()
        return bool(
            self._state.run(
                "UPDATE kite_request_tokens SET spent_at = ? WHERE token = ? AND api_key = ?"
                " AND spent_at IS NULL AND issued_at > ? RETURNING token",
                (now, token, api_key, now - REQUEST_TOKEN_SECONDS * 1_000_000),
            )
        )

    def issue_access_token(self, api_key: str, *, user_id: str) -> str:
        """A new token ends the one before it."""
        self.end_access(api_key)
        token = random_token()
        now = self._state.now()
        self._state.run(
            "INSERT INTO kite_access_tokens VALUES (?, ?, ?, ?, ?, NULL)",
            (token, api_key, user_id, to_micros(now), to_micros(kite_expiry(now))),
        )
        return token

    def accepts(self, token: str, *, api_key: str) -> bool:
        return bool(
            self._state.run(
                "SELECT 1 FROM kite_access_tokens WHERE token = ? AND api_key = ?"
                " AND ended_at IS NULL AND expires_at > ?",
                (token, api_key, self._state.now_micros()),
            )
        )

    def end_access(self, api_key: str, *, token: str | None = None) -> int:
        """End the app's live token, or only `token`. Returns how many ended."""
        rows = self._state.run(
            "UPDATE kite_access_tokens SET ended_at = ? WHERE api_key = ? AND ended_at IS NULL"
            " AND (? IS NULL OR token = ?) RETURNING token",
            (self._state.now_micros(), api_key, token, token),
        )
        return len(rows)
