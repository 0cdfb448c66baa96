"""A desk in one file, and the same desk out of it, on SQLite and PostgreSQL."""

import base64
import stat
import subprocess
import tarfile
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from chaos.ledger_writers import WRITER, Nursery
from crowd import PASSWORD, VISITOR, hash_cheaply
from desks import TESTER
from keeping.conftest import Places
from keeping.kept_desk import (
    PASSPHRASE,
    SECRETS,
    back_up,
    files,
    holdings,
    keep_artifact,
    members,
    restore,
    rewrite,
    settings_for,
    verify,
)
from leaks import find_secrets
from munshi.audit.findings import Report
from munshi.bootstrap import Services, open_services
from munshi.domain.jobs import SESSION_CLEANUP, JobState
from munshi.domain.roles import Role
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_claims import Lane
from munshi.infrastructure.database.migrations import HEAD
from munshi.infrastructure.database.postgresql_programs import find_program
from munshi.infrastructure.database.revision import current_revision
from munshi.infrastructure.database.url import parse_database_url
from munshi.infrastructure.security.key_places import KeyFile
from postgres_cluster import find_programs, running_cluster


def actions(services: Services, backup_id: str) -> list[str]:
    with services.database.reading() as tx:
        return [row.action for row in tx.audit.get_logs_by_entity("backup", backup_id)]


def rows_of(report: Report) -> int:
    """Sealed or not: a transaction of another test on the server holds the sealing back."""
    return report.rows + report.unsealed


def test_what_is_restored_is_the_desk_that_was_backed_up(
    places: Places, kept: Services, tmp_path: Path
) -> None:
    before, on_disk = holdings(kept), files(places.kept.home)

    made = back_up(kept, tmp_path / "desk.tar")
    verify(made.path)
    done = restore(places.empty, made.path)

    with open_services(places.empty) as services:
        after, report = holdings(services), services.ledger.verify()
        said = actions(services, made.manifest.backup_id)
    assert after == before
    assert len(after["candles"]) == 750
    assert set(after["secrets"].values()) == set(SECRETS.values())
    assert files(places.empty.home) == on_disk
    assert {name.split("/")[0] for name in on_disk} == {"artifacts", "audit", "candles"}
    assert KeyFile(places.empty.home).read() == KeyFile(places.kept.home).read()
    assert (done.report.findings, done.resumed, done.upgraded) == ([], False, False)
    assert report.findings == []
    assert rows_of(report) == rows_of(done.report) + 1
    assert said == ["restored"]
    assert actions(kept, made.manifest.backup_id) == ["created"]


def test_it_is_made_while_others_write_and_holds_one_moment(
    places: Places, kept: Services, tmp_path: Path
) -> None:
    sealer = kept.sealer()
    sealer.start()
    with Nursery(places.kept.database_url.get_secret_value(), tmp_path) as nursery:
        for number in range(4):
            nursery.add(WRITER, seed=number)
        until = time.monotonic() + 20
        while len(nursery.committed()) < 40:
            assert time.monotonic() < until
            time.sleep(0.05)
        before = nursery.committed()
        made = [back_up(kept, tmp_path / f"{number}.tar") for number in range(2)]
        after = nursery.committed()
        nursery.stop_writing()
    sealer.stop()

    done = restore(places.empty, made[-1].path)

    with open_services(places.empty) as services:
        restored = named(services)
    written = named(kept)
    assert before <= set(restored) <= set(written)
    assert len(after) > len(before)  # they did write meanwhile
    assert (done.report.findings, rows_of(done.report) >= len(before)) == ([], True)
    for name in restored:  # what a writer did before is there too
        writer, _, place = name.partition("/")
        earlier = f"{writer}/{int(place) - 1}"
        assert earlier in restored or earlier not in written


def named(services: Services) -> list[str]:
    """What the writers did, by its names."""
    with services.database.connected() as connection:
        rows = connection.exec_driver_sql(
            "SELECT entity_id FROM \"AuditLogs\" WHERE entity_type = 'chaos' ORDER BY id"
        )
        return [str(row[0]) for row in rows]


def test_no_secret_is_in_it(places: Places, kept: Services, tmp_path: Path) -> None:
    ring = KeyFile(places.kept.home).read()
    assert ring is not None
    keys = [base64.b64encode(key).decode().rstrip("=") for key in ring.keys.values()]

    made = back_up(kept, tmp_path / "desk.tar")

    content = made.path.read_bytes()
    if made.manifest.database.kind == "postgresql":
        # Its tables are compressed; this is what they say.
        content += _unpacked(made.path, tmp_path)
        assert b"kite.password" in content
    assert find_secrets([*SECRETS.values(), PASSPHRASE, *keys], {"backup": content}) == []
    assert find_secrets(["kite.password"], {"backup": content}) != []
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600


def _unpacked(path: Path, folder: Path) -> bytes:
    with tarfile.open(path) as tar:
        opened = tar.extractfile("database.pgdump")
        assert opened is not None
        (folder / "dump").write_bytes(opened.read())
    program, _ = find_program("pg_restore", at_least=0)
    return subprocess.run(
        [program, "--file=-", folder / "dump"], capture_output=True, check=True
    ).stdout


def test_a_file_that_goes_while_it_is_made_is_left_out_and_said(
    places: Places, kept: Services, tmp_path: Path
) -> None:
    artifact = keep_artifact(kept, "gone.txt", b"a job's words")

    def told(step: str, done: int, total: int) -> None:  # noqa: ARG001
        if step == "packing the database" and (places.kept.home / artifact.path).exists():
            with kept.database.operational() as tx:
                tx.connection.exec_driver_sql(
                    "DELETE FROM \"JobArtifacts\" WHERE name = 'gone.txt'"
                )
            (places.kept.home / artifact.path).unlink()

    made = back_up(kept, tmp_path / "desk.tar", told)
    restore(places.empty, made.path)

    (left_out,) = made.manifest.left_out
    assert (left_out.path, left_out.is_trouble) == (artifact.path, False)
    assert "removed while" in left_out.why
    assert artifact.path not in members(made.path)
    assert verify(made.path).manifest == made.manifest


def test_a_file_that_the_desk_itself_lacks_or_that_is_damaged_is_a_trouble(
    sqlite_places: Places, kept_sqlite: Services, tmp_path: Path
) -> None:
    home = sqlite_places.kept.home
    first, second = sorted(home.glob("candles/**/*.parquet"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1] + b"?")

    made = back_up(kept_sqlite, tmp_path / "desk.tar")

    lost = {name.relative_to(home).as_posix() for name in (first, second)}
    assert {each.path for each in made.troubles} == lost
    assert not lost & set(members(made.path))
    assert verify(made.path).manifest.left_out == made.manifest.left_out


def test_a_job_that_was_running_lapses_in_the_restored_desk(
    places: Places, kept: Services, tmp_path: Path
) -> None:
    job_id = kept.jobs.enqueue(SESSION_CLEANUP, {}, actor=TESTER).job_id
    with kept.database.transaction() as tx:
        (job,) = tx.attempts.claim_jobs(
            "old-host:1:aa",
            lanes=[Lane("default", SESSION_CLEANUP)],
            limit=1,
            lease=timedelta(seconds=1),
            now=kept.clock.now(),
        )
    assert job.job_id == job_id

    restore(places.empty, back_up(kept, tmp_path / "desk.tar").path)

    with open_services(places.empty) as services:
        assert services.jobs.get(job_id).state is JobState.RUNNING
        time.sleep(1.1)
        services.worker().run_until_idle()
        ended = services.jobs.get(job_id)
    assert (ended.state, ended.attempt) == (JobState.SUCCEEDED, 2)


def test_a_backup_of_an_older_version_is_upgraded(
    sqlite_places: Places, kept_sqlite: Services, tmp_path: Path
) -> None:
    made = back_up(kept_sqlite, tmp_path / "desk.tar")
    before, older = holdings(kept_sqlite), migrate.revisions()[-2]
    database = Database(parse_database_url(f"sqlite:///{tmp_path}/old.db", home=tmp_path))
    begin, size = members(made.path)["database.sqlite"]
    (tmp_path / "old.db").write_bytes(made.path.read_bytes()[begin : begin + size])
    migrate.downgrade(database, older)
    database.close()
    rewrite(
        made.path,
        tmp_path / "old.tar",
        database=tmp_path / "old.db",
        change=lambda body: body["database"].update(revision=older),
    )

    done = restore(sqlite_places.empty, tmp_path / "old.tar")

    with open_services(sqlite_places.empty) as services:
        assert current_revision(services.database) == HEAD
        assert holdings(services) == before
    assert (done.upgraded, done.report.findings) == (True, [])


def test_on_another_server_the_trail_goes_on_unbroken(
    postgresql_places: Places, tmp_path: Path
) -> None:
    with open_services(postgresql_places.kept) as services:
        services.config.seed(actor=TESTER)
        made = back_up(services, tmp_path / "desk.tar")
    with running_cluster(find_programs()) as cluster:
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
            admin.execute("CREATE DATABASE elsewhere TEMPLATE template0")
        new = settings_for(tmp_path / "new", cluster.url("elsewhere"))

        done = restore(new, made.path)

        with open_services(new) as services:
            services.config.set("jobs", "keep_days", 9, actor=TESTER)
            services.ledger.seal()
            report = services.ledger.verify()
    assert (done.report.findings, report.findings, report.unsealed) == ([], [], 0)
    held = done.report.rows + done.report.unsealed
    assert report.rows == held + 2  # that it was restored, and the change


def test_whoever_was_signed_in_signs_in_again(
    sqlite_places: Places, kept_sqlite: Services, tmp_path: Path
) -> None:
    hash_cheaply(kept_sqlite.config)
    kept_sqlite.people.users.add("vera", Role.VIEWER, password=PASSWORD, actor=TESTER)
    ways_in = kept_sqlite.people.sign_ins
    token = ways_in.sign_in("vera", PASSWORD, "", user_agent=None, actor=VISITOR).token

    restore(sqlite_places.empty, back_up(kept_sqlite, tmp_path / "desk.tar").path)

    with open_services(sqlite_places.empty) as services:
        there = services.people.sessions.find(token)
        services.people.sign_ins.sign_in("vera", PASSWORD, "", user_agent=None, actor=VISITOR)
    assert there is None
    assert kept_sqlite.people.sessions.find(token) is not None


@pytest.mark.parametrize("name", ["", "desk.tar"])
def test_it_is_named_by_the_time_in_a_folder_and_as_told_elsewhere(
    kept_sqlite: Services, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    made = back_up(kept_sqlite, folder / name)

    assert list(folder.iterdir()) == [made.path]
    assert made.path.name == name or made.path.name.startswith("munshi-20")
