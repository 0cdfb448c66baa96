"""Who a token or key belongs to, the sessions people have, and ending them."""

from datetime import timedelta
from uuid import UUID

from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.people import ApiKey, SignedIn, User, UserSession, token_hash
from munshi.errors import SessionUnknownError
from munshi.infrastructure.database.caller_board import CallerBoard
from munshi.infrastructure.database.engine import Database

USE_IS_NOTED_AFTER = timedelta(minutes=1)


class SessionService:
    """Looks up each request's caller in the database itself: what was revoked ends at once.

    `is_immediate` says that a look-up takes microseconds and waits for nobody.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._board = CallerBoard(database)
        self.is_immediate = self._board.is_immediate

    def find(self, token: str) -> SignedIn | None:
        """The session of a token, if it is good now."""
        return self._board.session_of(token_hash(token), now=self._clock.now())

    def find_key(self, token: str) -> ApiKey | None:
        """The API key that was sent, if it is good now."""
        return self._board.key_of(token_hash(token), now=self._clock.now())

    def is_note_due(self, caller: SignedIn | ApiKey) -> bool:
        """Whether the use should be noted: once a minute at most."""
        last = caller.last_activity if isinstance(caller, SignedIn) else caller.last_used_at
        return last is None or self._clock.now() - last >= USE_IS_NOTED_AFTER

    def note_use(self, caller: SignedIn | ApiKey) -> None:
        """Move a session's idle end; an operational write, which is not audited."""
        now = self._clock.now()
        with self._database.operational() as tx:
            if isinstance(caller, SignedIn):
                tx.user_sessions.save_activity(caller.session_id, now=now)
            else:
                tx.api_keys.save_use(caller.key_id, now=now)

    def list_sessions(self, *, user_id: UUID | None = None) -> list[UserSession]:
        """Those that are good now, newest first; of everybody, or of one user."""
        with self._database.reading() as tx:
            return tx.user_sessions.list_sessions(user_id=user_id, now=self._clock.now())

    def revoke(self, session_id: UUID, *, user_id: UUID | None = None, actor: Actor) -> None:
        """End one session; with `user_id`, only that user's own. Raises SessionUnknownError."""
        now = self._clock.now()
        with self._database.transaction() as tx:
            known = tx.user_sessions.list_sessions(user_id=user_id, now=now)
            mine = next((each for each in known if each.session_id == session_id), None)
            if mine is None or not tx.user_sessions.revoke_session(session_id, now=now):
                raise SessionUnknownError("There is no such session, or it has ended.")
            tx.audit.log(
                "user",
                "session_revoked",
                entity_id=mine.username,
                details={"session_id": str(session_id)},
                actor=actor,
                now=now,
            )

    def revoke_all(self, *, user: User | None = None, actor: Actor) -> int:
        """End every session of one user, or of everybody; how many there were."""
        now = self._clock.now()
        with self._database.transaction() as tx:
            if user is None:
                count = tx.user_sessions.revoke_everybody(now=now)
            else:
                count = tx.user_sessions.revoke_sessions_of(user.user_id, now=now)
            tx.audit.log(
                "user",
                "all_sessions_revoked",
                entity_id=user.username if user else None,
                details={"count": count},
                actor=actor,
                now=now,
            )
        return count
