"""Takes over an old install's tables, some hundreds of rows at a time, each row once."""

from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from munshi.adoption.old_audit import ENTITY
from munshi.adoption.redaction import KnownSecrets
from munshi.adoption.survey import CONFIG, TablePlan, known_secrets, old_settings, survey
from munshi.adoption.table_import import (
    CHUNK,
    TABLE_IMPORTED,
    Progress,
    TableImport,
    TableOutcome,
)
from munshi.clock import IST, Clock
from munshi.config.legacy_import import LegacyConfig, LegacyConfigImport
from munshi.domain.audit import Actor
from munshi.domain.legacy import RowFate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.legacy_tables import LegacyTable

_TABLES_DROPPED = "legacy.drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person says. Settings are named TYPE/KEY, in lower case.

    `naive` is the zone of the old times that name none.
    """

    leave: frozenset[str] = frozenset()
    replace: frozenset[str] = frozenset()
    naive: tzinfo = IST


@dataclass(slots=True, kw_only=True)
class Adopted:
    """All that a run did; `config` is None where there was no table of configuration."""

    config: LegacyConfig | None = None
    config_revision: int | None = None
    tables: list[TableOutcome] = field(default_factory=list)


class AdoptionService:
    """No row is taken over twice, and a run that was killed goes on where it was."""

    def __init__(self, database: Database, clock: Clock, *, config: LegacyConfigImport) -> None:
        self._database = database
        self._clock = clock
        self._config = config

    def handled(self, plan: TablePlan) -> int:
        """How many rows of a table were dealt with before."""
        with self._database.reading() as tx:
            return tx.legacy.count_handled(plan.table.kept_as)

    def plan_config(self, choices: Choices) -> LegacyConfig | None:
        """What the old configuration would change; rows dealt with before are not asked again.

        Raises ConfigFileInvalidError, ConfigConflictUnsettledError.
        """
        for plan in survey(self._database):
            if plan.table.stands_for == CONFIG and plan.becomes:
                return self._plan_config(plan.table, choices)
        return None

    def _plan_config(self, table: LegacyTable, choices: Choices) -> LegacyConfig:
        settings = old_settings(self._database, table)
        handled: set[str] = set()
        with self._database.reading() as tx:
            for start in range(0, len(settings), CHUNK):
                keys = [each.row_key for each in settings[start : start + CHUNK]]
                handled |= tx.legacy.list_handled(table.kept_as, keys)
        return self._config.plan(
            [each for each in settings if each.row_key not in handled],
            source=Path(table.kept_as),
            leave=choices.leave,
            replace=choices.replace,
        )

    def run(
        self,
        choices: Choices,
        *,
        actor: Actor,
        progress: Progress = lambda what, done, total: None,  # noqa: ARG005
    ) -> Adopted:
        """Take over all there is; the configuration first, because it may be refused.

        Raises ConfigFileInvalidError, ConfigConflictUnsettledError, both before anything is
        stored, and ConfigVersionConflictError.
        """
        adopted = Adopted()
        plans = survey(self._database)
        known = KnownSecrets(known_secrets(self._database, plans))
        adopted.config = self.plan_config(choices)
        if adopted.config is not None:
            adopted.config_revision = self._config.take_over(adopted.config, actor=actor)
            self._note_settings(adopted.config, actor=actor)
        work = TableImport(
            self._database, self._clock, known=known, naive=choices.naive, actor=actor
        )
        adopted.tables = [
            work.run(plan, progress=progress)
            for plan in plans
            if plan.becomes and plan.table.stands_for != CONFIG
        ]
        return adopted

    def _note_settings(self, planned: LegacyConfig, *, actor: Actor) -> None:
        if not planned.taken and not planned.left:
            return
        source = str(planned.source)
        with self._database.transaction() as tx:
            now = self._clock.now()
            tx.legacy.save_handled(source, planned.taken, fate=RowFate.IMPORTED, now=now)
            tx.legacy.save_handled(source, planned.left, fate=RowFate.LEFT, now=now)
            details = {
                "imported": len(planned.taken),
                "left": len(planned.left),
                "without_a_place": len(planned.not_taken),
            }
            tx.audit.log(
                ENTITY, TABLE_IMPORTED, entity_id=source, details=details, actor=actor, now=now
            )

    def note_drop(self, tables: list[LegacyTable], *, actor: Actor) -> None:
        """Write down that these tables are about to be dropped; who drops them asks first."""
        with self._database.transaction() as tx:
            tx.audit.log(
                ENTITY,
                _TABLES_DROPPED,
                details={"rows": {table.name: table.rows for table in tables}},
                actor=actor,
                now=self._clock.now(),
            )
