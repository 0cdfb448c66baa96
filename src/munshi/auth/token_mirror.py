"""Writes new tokens to `.env` for scripts that read them there; off until asked for."""

from pathlib import Path

from munshi.clock import Clock
from munshi.config.service import ConfigService
from munshi.domain.alerts import Severity
from munshi.domain.audit import MUNSHI
from munshi.domain.config_keys import AUTH, MIRROR_TOKENS_TO_ENV
from munshi.domain.enums import Service
from munshi.domain.sessions import AuthSession
from munshi.errors import AppError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.env_file import write_env_file
from munshi.settings import BrokerMode

TOKEN_NAMES = {Service.KITE: "KITE_ACCESS_TOKEN", Service.BREEZE: "BREEZE_API_SESSION"}


class TokenMirror:
    """Never writes a simulated token: a script would send it to the real broker."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        config: ConfigService,
        mode: BrokerMode,
        path: Path,
    ) -> None:
        self._database = database
        self._clock = clock
        self._config = config
        self._mode = mode
        self._path = path

    def write(self, service: Service, session: AuthSession) -> None:
        """Put the token into `.env` if the setting says so; audited as a secret that went out."""
        if self._mode is BrokerMode.SIMULATED or not self._config.value(AUTH, MIRROR_TOKENS_TO_ENV):
            return
        now = self._clock.now()
        fingerprint = f"token_mirror:{service}"
        try:
            write_env_file(self._path, {TOKEN_NAMES[service]: session.access_token})
        except (AppError, OSError) as error:
            # The login itself is stored and good; only scripts that read the file go without.
            with self._database.transaction() as tx:
                tx.alerts.raise_alert(
                    fingerprint,
                    kind="token_mirror",
                    severity=Severity.WARNING,
                    title=f"The new {service} token was not written to .env: {error}",
                    subject=service,
                    now=now,
                )
            return
        with self._database.transaction() as tx:
            tx.alerts.resolve_alert(fingerprint, now=now)
            tx.audit.log_auth_action(
                service,
                "token_mirrored",
                session_id=session.session_id,
                actor=MUNSHI,
                now=now,
            )
