"""A whole desk out of a backup: checked, put in place, opened, and its audit trail verified."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from munshi.audit.findings import Report
from munshi.bootstrap import key_sources, open_keys, open_services
from munshi.domain.audit import Actor
from munshi.domain.backups import Manifest
from munshi.infrastructure.backup_file import open_backup_file
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrations import HEAD
from munshi.infrastructure.database.revision import current_revision
from munshi.infrastructure.database.url import parse_database_url
from munshi.keeping.backup_check import Progress
from munshi.keeping.backup_restore import Restoration, note_restored
from munshi.keeping.restore_marker import remove_marker
from munshi.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredDesk:
    """What was restored. `resumed` says that an earlier restore of it had been cut short."""

    manifest: Manifest
    resumed: bool
    upgraded: bool
    key_place: str
    report: Report


def restore_backup(
    settings: Settings,
    path: Path,
    passphrase: str,
    *,
    upgrade: Callable[[Database], None],
    told: Progress,
    actor: Actor,
) -> RestoredDesk:
    """Fill the home and the database of `settings`, which must be empty, from the backup at `path`.

    `upgrade` brings an older database to the revision this version needs. Raises what
    `Restoration.check` raises before anything was touched; after that, what putting in place and
    opening raise, and then it can be called again.
    """
    with open_backup_file(path) as backup:
        manifest = backup.manifest
        with _database(settings) as database:
            restoration = Restoration(
                backup, home=settings.home, database=database, sources=key_sources(settings)
            )
            resumed = restoration.check(passphrase, told=told)
            restoration.restore(told=told)
            upgraded = current_revision(database) != HEAD
            if upgraded:
                told("upgrade", 0, 0)
                upgrade(database)
        told("keys", 0, 0)
        with open_keys(settings, restoring=True) as keys:
            placed = keys.put_back(restoration.keys(passphrase), passphrase)
    told("audit trail", 0, 0)
    with open_services(settings, restoring=True) as services:
        # Before anything is written: on another server every later row begins a new count.
        report = services.ledger.verify(told=lambda done, of: told("audit trail", done, of))
        note_restored(services.database, services.clock, manifest, actor=actor)
        if report.is_sound:
            services.ledger.seal()
    told("done", 0, 0)
    remove_marker(settings.home)
    return RestoredDesk(
        manifest=manifest,
        resumed=resumed,
        upgraded=upgraded,
        key_place=placed.place,
        report=report,
    )


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    """As `open_database`, but makes no folder: what is refused must find all as it was."""
    url = parse_database_url(settings.database_url.get_secret_value(), home=settings.home)
    with closing(Database(url, pool_size=settings.database_pool_size)) as database:
        yield database
