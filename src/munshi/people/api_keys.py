"""API keys: what programs call with. A key is shown once, and only its hash is kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.people import API_KEY_PREFIX, ApiKey, new_token, read_key_name, token_hash
from munshi.domain.roles import Role
from munshi.errors import ApiKeyInvalidError, ApiKeyUnknownError, UserUnknownError
from munshi.infrastructure.database.engine import Database

DAYS, MOST_DAYS, MOST_GROUPS = 90, 3650, 20
_HINT = 8
_GROUP = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key with its text, which is nowhere else."""

    key: ApiKey
    text: str = field(repr=False)


class ApiKeyService:
    """Keys belong to a user and open no more than their owner may."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list_keys(self, *, user_id: UUID | None = None) -> list[ApiKey]:
        """Of everybody by owner, or of one user; newest first, ended ones included."""
        with self._database.reading() as tx:
            return tx.api_keys.list_keys(user_id=user_id)

    def create(
        self,
        username: str,
        name: str,
        *,
        role: Role | None = None,
        read_only: bool = False,
        groups: Sequence[str] | None = None,
        days: int = DAYS,
        actor: Actor,
    ) -> NewKey:
        """A key for `days`, with the owner's role unless a lesser one is asked for.

        `groups` are first parts of paths it may call, such as `jobs`; None is all. Raises
        UserUnknownError, UserNameInvalidError, ApiKeyInvalidError.
        """
        called, now = read_key_name(name), self._clock.now()
        chosen = _read_groups(groups)
        if not 1 <= days <= MOST_DAYS:
            raise ApiKeyInvalidError(f"A key is good for 1 to {MOST_DAYS} days, not {days}.")
        text = API_KEY_PREFIX + new_token()
        with self._database.transaction() as tx:
            owner = tx.users.get_user(username.strip().lower())
            if owner is None:
                raise UserUnknownError(
                    f"There is no user {username.strip()[:50]!r}.", hint="See: munshi users list"
                )
            given = owner.role if role is None else role
            if given > owner.role:
                raise ApiKeyInvalidError(
                    f"{owner.username} is {owner.role.word}, so no key of theirs can be "
                    f"{given.word}."
                )
            key = tx.api_keys.save_key(
                owner,
                name=called,
                key_hash=token_hash(text),
                hint=text[:_HINT],
                role=given,
                read_only=read_only,
                groups=chosen,
                expires_at=now + timedelta(days=days),
                now=now,
            )
            tx.audit.log(
                "api_key",
                "created",
                entity_id=str(key.key_id),
                new_value=_shown(key),
                actor=actor,
                now=now,
            )
        return NewKey(key=key, text=text)

    def revoke(self, key_id: UUID, *, user_id: UUID | None = None, actor: Actor) -> ApiKey:
        """End a key at once; with `user_id`, only that user's own. Raises ApiKeyUnknownError."""
        now = self._clock.now()
        with self._database.transaction() as tx:
            key = tx.api_keys.get_key(key_id)
            others = key is not None and user_id is not None and key.user_id != user_id
            if key is None or others or not tx.api_keys.revoke_key(key_id, now=now):
                raise ApiKeyUnknownError(
                    "There is no such API key, or it was revoked.", hint="See: munshi apikeys list"
                )
            tx.audit.log(
                "api_key",
                "revoked",
                entity_id=str(key_id),
                old_value=_shown(key),
                actor=actor,
                now=now,
            )
            ended = tx.api_keys.get_key(key_id)
        return ended or key


def _read_groups(groups: Sequence[str] | None) -> list[str] | None:
    if groups is None:
        return None
    chosen = sorted({group.strip().strip("/").lower() for group in groups})
    if not chosen or len(chosen) > MOST_GROUPS or not all(map(_GROUP.fullmatch, chosen)):
        raise ApiKeyInvalidError(
            "The groups of a key are first parts of paths, one at least.",
            hint="For example: jobs, data, audit.",
        )
    return chosen


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "owner": key.username,
        "name": key.name,
        "role": key.role.word,
        "read_only": key.read_only,
        "groups": list(key.groups) if key.groups is not None else None,
        "expires_at": key.expires_at,
    }
