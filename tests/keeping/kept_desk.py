"""A desk worth keeping: secrets, candles, a job's file and an audit archive, on either database."""

import json
import tarfile
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from time import sleep
from typing import Any

from desks import TESTER
from made_candles import ist, minutes
from munshi.bootstrap import Services
from munshi.bootstrap.restoring import RestoredDesk, restore_backup
from munshi.domain.config_keys import AUTH, BROKER_KEYS
from munshi.domain.enums import Service
from munshi.domain.jobs import HEALTH_SWEEP, JobArtifact
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.backup_file import open_backup_file
from munshi.infrastructure.database import migrate
from munshi.jobs.service import JobRequest
from munshi.keeping.backup import CreatedBackup
from munshi.keeping.backup_check import CheckedBackup, check_backup
from munshi.settings import BrokerMode, Settings, load_settings

PASSPHRASE = "four clerks count rice"
SECRETS = {
    BROKER_KEYS[Service.KITE].api_secret: 'c4nary&api/secret+"1"=',
    BROKER_KEYS[Service.KITE].password: "c4nary p@ss/word%&é",
    BROKER_KEYS[Service.BREEZE].totp_seed: "MNQW4YLSPFZWKZLE",
}
SERIES = CandleKey(
    mode=BrokerMode.SIMULATED,
    source="kite",
    exchange="NSE",
    instrument="NIFTY 50",
    interval=Interval.ONE_MINUTE,
)
Told = Callable[[str, int, int], None]
REPORT = b"<h1>What a job found</h1>" * 40_000


def quiet(step: str, done: int, total: int) -> None:
    """Nobody watches."""


def settings_for(home: Path, url: str) -> Settings:
    return load_settings(
        _env_file=None, home=home, database_url=url, env_file=home.parent / "none.env"
    )


def fill(services: Services) -> None:
    """Give the desk something of everything that a backup holds."""
    services.config.set_several(AUTH, SECRETS, actor=TESTER)
    for month in ("2026-10-30", "2026-11-20"):
        services.candles.save(SERIES, minutes(f"{month} 09:15", count=375), label="a test's")
    keep_artifact(services, "report.html", REPORT)
    archive_everything(services)
    seal_everything(services)


def keep_artifact(services: Services, name: str, content: bytes) -> JobArtifact:
    """A file of a job of tomorrow."""
    tomorrow = services.clock.now() + timedelta(days=1)
    job = services.jobs.enqueue(HEALTH_SWEEP, {}, actor=TESTER, request=JobRequest(run_at=tomorrow))
    digest = sha256(content).digest()
    path = f"artifacts/{job.job_id}/1-{digest.hex()[:12]}-{name}"
    artifact = JobArtifact(
        job_id=job.job_id,
        attempt=1,
        name=name,
        path=path,
        sha256=digest,
        size=len(content),
        media_type="text/html",
        created_at=services.clock.now(),
    )
    file = services.settings.home / path
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with services.database.transaction() as tx:
        tx.job_logs.save_artifact(artifact)
    return artifact


def seal_everything(services: Services) -> None:
    """A transaction open anywhere on the server, another test's too, holds sealing back."""
    for _ in range(100):
        services.ledger.seal()
        if not services.ledger.state().unsealed_rows:
            return
        sleep(0.1)
    raise AssertionError("audit rows are still not sealed")


def archive_everything(services: Services) -> None:
    """All that was done so far goes into a file."""
    seal_everything(services)
    later = services.clock.now() + timedelta(days=1)
    assert services.archives.archive(before=later, actor=TESTER)


def holdings(services: Services) -> dict[str, Any]:
    """What the desk holds, in clear: the same of two desks if one was made of the other."""
    start, end = ist("2026-10-01 00:00"), ist("2026-12-01 00:00")
    return {
        "secrets": {key: services.config.secret(AUTH, key) for key in SECRETS},
        "candles": services.candles.read(SERIES, start=start, end=end).rows(),
        "jobs": [job.job_id for job in services.jobs.recent().jobs],
        "settings": services.config.revision(),
    }


def files(home: Path) -> dict[str, bytes]:
    """The files of the home that a backup has too."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for folder in ("candles", "artifacts", "audit")
        for path in sorted((home / folder).rglob("*"))
        if path.is_file()
    }


def back_up(
    services: Services, to: Path, told: Callable[[str, int, int], None] = quiet
) -> CreatedBackup:
    return services.backups.create(to, PASSPHRASE, told=told, actor=TESTER)


def verify(path: Path, passphrase: str | None = PASSPHRASE) -> CheckedBackup:
    with open_backup_file(path) as backup:
        return check_backup(backup, passphrase, told=quiet)


def restore(settings: Settings, path: Path, passphrase: str = PASSPHRASE) -> RestoredDesk:
    return restore_backup(
        settings, path, passphrase, upgrade=migrate.upgrade, told=quiet, actor=TESTER
    )


def restore_telling(settings: Settings, path: Path, told: Told) -> RestoredDesk:
    return restore_backup(
        settings, path, PASSPHRASE, upgrade=migrate.upgrade, told=told, actor=TESTER
    )


def members(path: Path) -> dict[str, tuple[int, int]]:
    """Where each file of a backup begins, and how long it is."""
    with tarfile.open(path, "r:") as tar:
        return {each.name: (each.offset_data, each.size) for each in tar}


def rewrite(
    path: Path,
    to: Path,
    *,
    change: Callable[[dict[str, Any]], None] = lambda _: None,
    database: Path | None = None,
) -> None:
    """The same backup with another manifest, whose own hash is right, or another database."""
    with tarfile.open(path, "r:") as old, tarfile.open(to, "w:") as new:
        for entry in old:
            opened = old.extractfile(entry)
            assert opened is not None
            content = opened.read()
            if entry.name == "database.sqlite" and database is not None:
                content = database.read_bytes()
            if entry.name == "manifest.json":
                body = json.loads(content)["manifest"]
                if database is not None:
                    _describe(body, "database.sqlite", database.read_bytes())
                change(body)
                spelt = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
                digest = sha256(spelt).hexdigest()
                content = json.dumps({"manifest": body, "sha256": digest}).encode()
            entry.size = len(content)
            new.addfile(entry, BytesIO(content))


def _describe(body: dict[str, Any], name: str, content: bytes) -> None:
    for each in body["files"]:
        if each["path"] == name:
            each.update(size=len(content), sha256=sha256(content).hexdigest())
