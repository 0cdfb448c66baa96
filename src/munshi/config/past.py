"""The configuration's past: who changed what, how revisions differ, and the way back."""

from collections.abc import Iterator, Mapping
from itertools import groupby

from munshi.clock import Clock
from munshi.config.change_set import Wanted, check, store
from munshi.domain.audit import Actor
from munshi.domain.config import (
    ConfigChange,
    ConfigDifference,
    ConfigRevisionSummary,
    LeftAlone,
    RollbackPlan,
    is_same,
)
from munshi.domain.config_keys import ConfigKey, find_key
from munshi.errors import (
    ConfigKeyUnknownError,
    ConfigRevisionUnknownError,
    ConfigRollbackRefusedError,
    ConfigTypeUnknownError,
    ConfigValueInvalidError,
)
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction

Name = tuple[str, str]
_NOT_KEPT = "history keeps no secrets (ADR 0010): set it by hand if it was another"
_UNKNOWN = "this version of Munshi has no such key"


class ConfigPast:
    """Reads the history, and goes back by going forward: every way back is a new revision."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def history(self, config_type: str, config_key: str, limit: int = 50) -> list[ConfigChange]:
        """Changes of one value, newest first; values of secrets are not kept."""
        find_key(config_type, config_key)
        with self._database.reading() as tx:
            return tx.config.get_history(config_type, config_key, limit=limit)

    def revisions(
        self, *, before: int | None = None, limit: int = 50
    ) -> list[ConfigRevisionSummary]:
        """The newest revisions, those below `before` where it is given."""
        with self._database.reading() as tx:
            if before is None:
                changes = tx.config_history.list_changes(limit=limit)
            else:
                changes = tx.config_history.list_changes(before=before, limit=limit)
        return [
            _summary(revision, list(members))
            for revision, members in groupby(changes, key=lambda change: change.revision)
        ]

    def diff(self, from_revision: int, to_revision: int | None = None) -> list[ConfigDifference]:
        """What differs between two revisions; `to_revision` None is the present.

        Revision 0 is a desk where nothing was ever set. Raises ConfigRevisionUnknownError.
        """
        with self._database.reading() as tx:
            newest = tx.config.get_revision()
            until = newest if to_revision is None else to_revision
            _check_revision(from_revision, newest)
            _check_revision(until, newest)
            before, after = _values_at(tx, from_revision), _values_at(tx, until)
        return list(_differences(before, after))

    def plan_rollback(self, revision: int, *, only: Name | None = None) -> RollbackPlan:
        """What `rollback` would do, without doing it.

        Raises ConfigRevisionUnknownError, and for `only` what `find_key` raises.
        """
        if only is not None:
            find_key(*only)
        with self._database.reading() as tx:
            current = tx.config.get_revision()
            _check_revision(revision, current)
            now, then = _values_at(tx, current), _values_at(tx, revision)
        differing = [
            each
            for each in _differences(now, then)
            if only is None or only == (each.config_type, each.config_key)
        ]
        return _planned(differing, revision=revision, current=current)

    def rollback(
        self,
        revision: int,
        *,
        only: Name | None = None,
        expected_revision: int | None = None,
        actor: Actor,
    ) -> RollbackPlan:
        """Bring back what stood at `revision`, of every key or of one, as a new revision.

        Secrets and keys that are no more are left as they are. Nothing to change makes no
        revision. Raises ConfigRollbackRefusedError, which names every value that is not allowed
        today, and ConfigVersionConflictError if anything changed since `expected_revision` or
        meanwhile.
        """
        plan = self.plan_rollback(revision, only=only)
        if plan.refused:
            named = "; ".join(
                f"{each.config_type}/{each.config_key} ({each.reason})" for each in plan.refused
            )
            raise ConfigRollbackRefusedError(
                f"Nothing was changed, because what stood at revision {revision} is not allowed "
                f"today: {named}",
                hint="Go back key by key, leaving these out.",
            )
        changes = [
            Wanted(config_type=each.config_type, config_key=each.config_key, value=each.after)
            for each in plan.changes
        ]
        check(changes)
        seen = plan.current if expected_revision is None else expected_revision
        if changes:
            with self._database.transaction() as tx:
                now = self._clock.now()
                store(tx, changes, expected_revision=seen, actor=actor, now=now)
                tx.audit.log(
                    "config",
                    "rollback",
                    entity_id=None if only is None else "/".join(only),
                    details={"to_revision": revision, "revision": seen + 1},
                    actor=actor,
                    now=now,
                )
        return plan


def _summary(revision: int, changes: list[ConfigChange]) -> ConfigRevisionSummary:
    return ConfigRevisionSummary(
        revision=revision,
        updated_by=changes[0].updated_by,
        updated_at=changes[0].updated_at,
        keys=tuple(f"{each.config_type}/{each.config_key}" for each in changes),
    )


def _check_revision(revision: int, newest: int) -> None:
    if not 0 <= revision <= newest:
        raise ConfigRevisionUnknownError(
            f"There is no revision {revision}; the newest is {newest}.",
            hint="munshi config revisions",
        )


def _values_at(tx: Transaction, revision: int) -> Mapping[Name, ConfigChange]:
    changes = tx.config_history.list_values_at(revision)
    return {(change.config_type, change.config_key): change for change in changes}


def _differences(
    before: Mapping[Name, ConfigChange], after: Mapping[Name, ConfigChange]
) -> Iterator[ConfigDifference]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        is_secret = any(each is not None and each.is_secret for each in (old, new))
        if is_secret:
            differs = (old and old.version) != (new and new.version)
        else:
            differs = not is_same(_value(old), _value(new))
        if differs:
            yield ConfigDifference(
                config_type=name[0],
                config_key=name[1],
                before=_value(old),
                after=_value(new),
                is_secret=is_secret,
            )


def _value(change: ConfigChange | None) -> object:
    return change.value if change is not None and change.is_active else None


def _planned(differing: list[ConfigDifference], *, revision: int, current: int) -> RollbackPlan:
    changes: list[ConfigDifference] = []
    left: list[LeftAlone] = []
    refused: list[LeftAlone] = []
    for each in differing:
        key = _declared(each)
        if key is None:
            left.append(_left(each, _UNKNOWN))
        elif each.is_secret or key.is_secret:
            left.append(_left(each, _NOT_KEPT))
        elif problem := _problem(key, each):
            refused.append(_left(each, problem))
        else:
            changes.append(each)
    return RollbackPlan(
        revision=revision,
        current=current,
        changes=tuple(changes),
        left=tuple(left),
        refused=tuple(refused),
    )


def _declared(difference: ConfigDifference) -> ConfigKey | None:
    try:
        return find_key(difference.config_type, difference.config_key)
    except (ConfigTypeUnknownError, ConfigKeyUnknownError):
        return None


def _problem(key: ConfigKey, difference: ConfigDifference) -> str | None:
    if difference.after is None:
        return None
    try:
        key.check(difference.config_key, difference.after)
    except ConfigValueInvalidError as error:
        return error.detail
    return None


def _left(difference: ConfigDifference, reason: str) -> LeftAlone:
    return LeftAlone(
        config_type=difference.config_type, config_key=difference.config_key, reason=reason
    )
