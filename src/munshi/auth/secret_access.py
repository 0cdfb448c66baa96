"""The sanctioned ways a token leaves: to the user's own script, or printed. Both are audited."""

from munshi.auth.breeze_db_service import BreezeDBService
from munshi.auth.kite_db_service import KiteDBService
from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.sessions import AuthSession
from munshi.errors import CredentialsMissingError
from munshi.infrastructure.database.engine import Database


class SecretAccess:
    """Reads secrets in clear for their owner, and writes down that it did."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        kite: KiteDBService,
        breeze: BreezeDBService,
    ) -> None:
        self._database = database
        self._clock = clock
        self._kite = kite
        self._breeze = breeze

    def environment(self, *, purpose: str, actor: Actor) -> dict[str, str]:
        """What a script of the user's finds in its environment, of every broker logged in.

        KITE_API_KEY, KITE_API_SECRET, KITE_ACCESS_TOKEN, KITE_USER_ID; BREEZE_API_KEY,
        BREEZE_API_SECRET, BREEZE_API_SESSION, BREEZE_SESSION_TOKEN, BREEZE_USER_ID.
        """
        found: dict[str, str] = {}
        for broker in (self._kite, self._breeze):
            session = broker.restore()
            if session is None:
                continue
            found |= self._variables(broker, session)
            self._record(broker.service, session, purpose=purpose, actor=actor)
        return found

    def token(self, broker: KiteDBService | BreezeDBService, *, actor: Actor) -> str:
        """The broker's token of the day. Raises LoginNeededError."""
        session = broker.book.active()
        self._record(broker.service, session, purpose="printed", actor=actor)
        return session.access_token

    def _variables(
        self, broker: KiteDBService | BreezeDBService, session: AuthSession
    ) -> dict[str, str]:
        prefix = broker.service.upper()
        values: dict[str, str | None] = {
            f"{prefix}_API_KEY": session.metadata.get("api_key"),
            f"{prefix}_API_SECRET": _secret_of(broker),
            f"{prefix}_USER_ID": session.user_id,
        }
        if broker.service is Service.KITE:
            values["KITE_ACCESS_TOKEN"] = session.access_token
        else:
            values["BREEZE_API_SESSION"] = session.access_token
            values["BREEZE_SESSION_TOKEN"] = session.session_token
        return {name: value for name, value in values.items() if value}

    def _record(
        self, service: Service, session: AuthSession, *, purpose: str, actor: Actor
    ) -> None:
        with self._database.transaction() as tx:
            tx.audit.log_auth_action(
                service,
                "secret_read",
                session_id=session.session_id,
                details={"purpose": purpose},
                actor=actor,
                now=self._clock.now(),
            )


def _secret_of(broker: KiteDBService | BreezeDBService) -> str | None:
    try:
        return broker.credentials().api_secret
    except CredentialsMissingError:
        return None
