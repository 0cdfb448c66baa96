"""Takes over the configuration table of an old install: whole or not at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from munshi.config.legacy_settings import LegacyReading, LegacySetting, read_settings
from munshi.config.old_claims import Conflict, NotTaken, settle
from munshi.config.service import ConfigService
from munshi.config.transfer import ConfigTransfer, Takeover
from munshi.domain.audit import Actor
from munshi.domain.config import is_same
from munshi.domain.config_keys import find_key
from munshi.errors import ConfigConflictUnsettledError, ConfigFileInvalidError


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyConfig:
    """What taking the old table over would change. `taken` and `left` are the keys of its rows.

    `notes` say what was corrected on the way.
    """

    source: Path
    takeover: Takeover
    notes: tuple[str, ...]
    not_taken: tuple[NotTaken, ...]
    taken: frozenset[str]
    left: frozenset[str]


class LegacyConfigImport:
    """Plans and does it; what was set here by a person is never overwritten in silence."""

    def __init__(self, config: ConfigService, transfer: ConfigTransfer) -> None:
        self._config = config
        self._transfer = transfer

    def plan(
        self,
        settings: Iterable[LegacySetting],
        *,
        source: Path,
        leave: frozenset[str] = frozenset(),
        replace: frozenset[str] = frozenset(),
    ) -> LegacyConfig:
        """`leave` and `replace` name settings as TYPE/KEY, as there or as here.

        Raises ConfigFileInvalidError, which names each bad value, and
        ConfigConflictUnsettledError where rows disagree, or a row with what was set here.
        """
        reading = read_settings(
            settings, source=source, leave=leave, consented=self._config.consented
        )
        refuse_unsound(reading)
        values, _ = settle(reading.found.claims)
        for name in [name for name in values if "/".join(name).lower() in leave]:
            del values[name]
            reading.left |= {row for row, names in reading.taken.items() if name in names}
        takeover = self._transfer.plan(values)
        self._refuse_overwriting(takeover, replace)
        return LegacyConfig(
            source=source,
            takeover=takeover,
            notes=tuple(reading.found.notes),
            not_taken=tuple(reading.found.not_taken),
            taken=frozenset(row for row, names in reading.taken.items() if names & values.keys())
            - reading.left,
            left=frozenset(reading.left),
        )

    def take_over(self, planned: LegacyConfig, *, actor: Actor) -> int | None:
        """Store it under one revision; None if there is nothing to change.

        Raises ConfigVersionConflictError if anything was changed since the plan was made.
        """
        return self._transfer.take_over(planned.takeover, files=[str(planned.source)], actor=actor)

    def _refuse_overwriting(self, takeover: Takeover, replace: frozenset[str]) -> None:
        found = []
        for change in takeover.changes:
            name = f"{change.config_type}/{change.config_key}"
            view = self._config.view(change.config_type, change.config_key)
            key = find_key(change.config_type, change.config_key)
            is_chosen = view.is_set and (key.is_secret or not is_same(view.value, key.default))
            if is_chosen and name.lower() not in replace:
                found.append(name)
        if found:
            raise ConfigConflictUnsettledError(
                f"Nothing was imported: other values were set here for {', '.join(found)}.",
                hint="Say for each whether it stays as it is here, --leave TYPE/KEY, or becomes "
                "what it was there, --replace TYPE/KEY.",
            )


def refuse_unsound(reading: LegacyReading) -> None:
    """Raise ConfigFileInvalidError or ConfigConflictUnsettledError unless it can be taken over."""
    hint = "Mend those rows, or leave them out with --leave TYPE/KEY."
    if reading.found.problems:
        problems = " ".join(reading.found.problems)
        raise ConfigFileInvalidError(f"Nothing was imported. {problems}", hint=hint)
    _, conflicts = settle(reading.found.claims)
    if conflicts:
        said = "; ".join(_spelt(each) for each in conflicts)
        raise ConfigConflictUnsettledError(
            f"Nothing was imported: rows of {reading.source} disagree about {said}.", hint=hint
        )


def _spelt(conflict: Conflict) -> str:
    places = " and ".join(claim.where for claim in conflict.claims)
    return f"{conflict.config_type}/{conflict.config_key} ({places})"
