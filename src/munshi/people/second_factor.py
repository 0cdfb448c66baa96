"""The second factor: one-time codes of an authenticator, each good once, and recovery codes."""

import base64
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.people import Credentials, SignedIn, token_hash
from munshi.errors import SecondFactorConflictError, SignInRefusedError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction
from munshi.infrastructure.security.totp import find_step, new_seed, seed_address

RECOVERY_CODES = 10
# 120 bits each: enough that a plain SHA-256 keeps them.
_RECOVERY_BYTES = 15
_GROUP = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedSeed:
    """What an authenticator is set up with; shown once and in force when a code has proved it."""

    seed: str = field(repr=False)
    address: str = field(repr=False)


def use_second_factor(
    tx: Transaction, found: Credentials, typed: str, *, now: datetime
) -> str | None:
    """Use up the code that was typed: `totp` or `recovery-code`, `none` where none is asked for.

    None where it is wrong or was used before. Of two that use one code at the same moment, one
    gets it.
    """
    if found.totp_seed is None:
        return "none"
    user_id = found.user.user_id
    step = find_step(found.totp_seed, typed, now=now)
    if step is not None:
        return "totp" if tx.users.use_totp_step(user_id, step) else None
    code = read_recovery_code(typed)
    if code and tx.users.use_recovery_code(user_id, token_hash(code), now=now):
        return "recovery-code"
    return None


def read_recovery_code(typed: str) -> str:
    """The code without the dashes and blanks it was typed with, in capitals."""
    return "".join(typed.split()).replace("-", "").upper()


class SecondFactorService:
    """Each change needs a session whose password was given recently; the caller sees to that."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def offer(self, who: SignedIn, *, actor: Actor) -> OfferedSeed:
        """A new seed, which asks nothing yet. Raises SecondFactorConflictError if one is in force.

        Asking again replaces the seed offered before.
        """
        seed, now = new_seed(), self._clock.now()
        with self._database.transaction() as tx:
            if not tx.users.save_offered_seed(who.user_id, seed, now=now):
                raise _in_force()
            tx.audit.log("user", "totp_offered", entity_id=who.username, actor=actor, now=now)
        return OfferedSeed(seed=seed, address=seed_address(seed, username=who.username))

    def enable(self, who: SignedIn, code: str, *, actor: Actor) -> list[str]:
        """Put the offered seed in force; the recovery codes, which are shown this once.

        Other sessions end. Raises SecondFactorConflictError and SignInRefusedError.
        """
        codes, now = _new_codes(), self._clock.now()
        with self._database.transaction() as tx:
            seed = tx.users.get_offered_seed(who.user_id)
            if seed is None:
                raise SecondFactorConflictError(
                    "No seed was offered.",
                    hint="Have one made first: /ui/second-factor, or POST /people/totp/offer.",
                )
            step = find_step(seed, code, now=now)
            if step is None:
                raise SignInRefusedError(
                    "The code is not the one this seed shows now.",
                    hint="Compare the clocks of this machine and of the authenticator.",
                )
            if not tx.users.enable_totp(who.user_id, seed, step=step, now=now):
                raise _in_force()
            self._store(tx, who, codes, now=now)
            tx.user_sessions.revoke_sessions_of(who.user_id, except_for=who.session_id, now=now)
            tx.audit.log("user", "totp_enabled", entity_id=who.username, actor=actor, now=now)
        return codes

    def disable(self, who: SignedIn, *, actor: Actor) -> None:
        """With its recovery codes; other sessions end. Raises SecondFactorConflictError."""
        now = self._clock.now()
        with self._database.transaction() as tx:
            _check_in_force(tx, who)
            tx.users.disable_totp(who.user_id, now=now)
            tx.user_sessions.revoke_sessions_of(who.user_id, except_for=who.session_id, now=now)
            tx.audit.log("user", "totp_disabled", entity_id=who.username, actor=actor, now=now)

    def renew_recovery_codes(self, who: SignedIn, *, actor: Actor) -> list[str]:
        """New codes instead of all before. Raises SecondFactorConflictError without a factor."""
        codes, now = _new_codes(), self._clock.now()
        with self._database.transaction() as tx:
            _check_in_force(tx, who)
            self._store(tx, who, codes, now=now)
            tx.audit.log(
                "user", "recovery_codes_renewed", entity_id=who.username, actor=actor, now=now
            )
        return codes

    def codes_left(self, who: SignedIn) -> int:
        with self._database.reading() as tx:
            return tx.users.count_recovery_codes(who.user_id)

    def _store(self, tx: Transaction, who: SignedIn, codes: list[str], *, now: datetime) -> None:
        hashes = [token_hash(read_recovery_code(code)) for code in codes]
        tx.users.replace_recovery_codes(who.user_id, hashes, now=now)


def _new_codes() -> list[str]:
    found = []
    for _ in range(RECOVERY_CODES):
        text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()
        parts = [text[at : at + _GROUP] for at in range(0, len(text), _GROUP)]
        found.append("-".join(parts))
    return found


def _check_in_force(tx: Transaction, who: SignedIn) -> None:
    user = tx.users.get_user_by_id(who.user_id)
    if user is None or not user.has_totp:
        raise SecondFactorConflictError("No second factor is in force.")


def _in_force() -> SecondFactorConflictError:
    return SecondFactorConflictError(
        "A second factor is in force already.",
        hint="End it first: /ui/second-factor, or POST /people/totp/disable.",
    )
