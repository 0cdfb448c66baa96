"""What the units say, to the letter, and that systemd reads them so."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from munshi.api import server
from munshi.errors import ServicePlanInvalidError
from munshi.jobs import child, worker
from munshi.settings import Settings, load_settings
from munshi.systemd.plan import ServicePlan, plan_service
from munshi.systemd.units import STOP_SECONDS, started_units, write_units

GOLDEN = """\
[Unit]
Description=Munshi: API, jobs, schedules
Wants=network-online.target
After=network-online.target postgresql.service
# A database that is away for an hour must not end it for good.
StartLimitIntervalSec=0

[Service]
Type=exec
User=clerk
ExecStart=/usr/bin/python3 -P -m munshi serve
# Secrets stand in /srv/munshi/.env, which is read from here.
WorkingDirectory=/srv/munshi
Environment="MUNSHI_HOME=/srv/munshi"
Environment="MUNSHI_PORT=8123"
# Also after exit code 75: too many jobs ignored that they were told to stop.
Restart=always
RestartSec=5
# The main process lets jobs finish, or hands them back, and ends its children itself.
KillMode=mixed
KillSignal=SIGTERM
TimeoutStopSec=60
LimitNOFILE=65536
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectControlGroups=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ReadWritePaths="/srv/munshi"

[Install]
WantedBy=multi-user.target
"""


def settings_for(home: Path, **given: object) -> Settings:
    return load_settings(_env_file=None, home=home, **given)


def plan_for(settings: Settings, *, runs_as: str | None = None, workers: int = 0) -> ServicePlan:
    return plan_service(
        settings, name="munshi", workers=workers, runs_as=runs_as, sandbox=runs_as is not None
    )


def test_a_service_of_the_machine_is_walled_in() -> None:
    plan = ServicePlan(
        name="munshi",
        program=("/usr/bin/python3", "-P", "-m", "munshi"),
        home=Path("/srv/munshi"),
        workers=0,
        runs_as="clerk",
        sandbox=True,
        beside_postgresql=True,
        environment={"MUNSHI_PORT": "8123", "MUNSHI_HOME": "/srv/munshi"},
        writable=(Path("/srv/munshi"),),
    )

    assert write_units(plan) == {"munshi.service": GOLDEN}


def test_a_service_of_a_user_asks_for_nothing_that_only_root_has(tmp_path: Path) -> None:
    text = write_units(plan_for(settings_for(tmp_path)))["munshi.service"]

    for word in ("User=", "ProtectSystem", "PrivateTmp", "network-online", "ReadWritePaths"):
        assert word not in text
    assert "NoNewPrivileges=yes" in text
    assert "WantedBy=default.target" in text


def test_workers_of_their_own_leave_the_server_without(tmp_path: Path) -> None:
    plan = plan_for(settings_for(tmp_path), workers=2)
    units = write_units(plan)

    assert "-m munshi serve --no-worker\n" in units["munshi.service"]
    assert "-m munshi worker\n" in units["munshi-worker@.service"]
    assert started_units(plan) == (
        "munshi.service",
        "munshi-worker@1.service",
        "munshi-worker@2.service",
    )


def test_no_secret_is_in_a_unit_and_each_is_named(tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path,
        database_url="postgresql://munshi:hunter2@localhost/munshi",
        master_key="aaaaaaaaaaaaaaaa:c2VjcmV0c2VjcmV0",
        port=8123,
    )

    plan = plan_for(settings)
    text = "".join(write_units(plan).values())

    assert plan.left_out == ("MUNSHI_DATABASE_URL", "MUNSHI_MASTER_KEY")
    assert "hunter2" not in text
    assert "c2VjcmV0" not in text
    assert 'Environment="MUNSHI_PORT=8123"' in text


def test_what_the_env_file_of_the_home_says_stays_its_own(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "MUNSHI_DATABASE_URL=postgresql://munshi:hunter2@localhost/munshi\nMUNSHI_PORT=8123\n"
    )
    settings = load_settings(_env_file=tmp_path / ".env", home=tmp_path, log_level="ERROR")

    plan = plan_for(settings, runs_as="clerk")

    assert settings.port == 8123
    assert plan.left_out == ()
    assert plan.environment == {"MUNSHI_HOME": str(tmp_path), "MUNSHI_LOG_LEVEL": "ERROR"}
    assert plan.beside_postgresql


def test_a_database_address_without_a_password_goes_along(tmp_path: Path) -> None:
    at = "postgresql:///munshi"

    plan = plan_for(settings_for(tmp_path, database_url=at), runs_as="clerk")

    assert (plan.left_out, plan.environment["MUNSHI_DATABASE_URL"]) == ((), at)
    assert plan.beside_postgresql


def test_a_database_and_an_env_file_elsewhere_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / ".env").touch()
    settings = settings_for(
        tmp_path / "home",
        database_url=f"sqlite:///{tmp_path}/db/desk.db",
        env_file=tmp_path / "old" / ".env",
    )

    plan = plan_for(settings, runs_as="clerk")

    assert plan.writable == (tmp_path / "home", tmp_path / "old", tmp_path / "db")
    assert plan.environment["MUNSHI_ENV_FILE"] == str(tmp_path / "old" / ".env")


@pytest.mark.parametrize("name", ["", "a b", "desk.service", "../desk", "tisch-ü"])
def test_a_name_that_systemd_does_not_take_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ServicePlanInvalidError):
        plan_service(settings_for(tmp_path), name=name, workers=0, runs_as=None, sandbox=False)


def test_a_line_break_cannot_bring_in_a_line_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ServicePlanInvalidError):
        plan_for(settings_for(tmp_path, public_url="https://a\nExecStartPre=/bin/true"))


def test_stopping_takes_no_longer_than_systemd_waits() -> None:
    longest = server.GRACE_SECONDS + worker.GRACE_SECONDS + child.GRACE_SECONDS

    assert longest * 2 <= STOP_SECONDS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
@pytest.mark.parametrize("runs_as", [None, "daemon"])
def test_systemd_reads_the_units_without_a_word(tmp_path: Path, runs_as: str | None) -> None:
    home = tmp_path / 'a "home" 100% of $HOME'
    home.mkdir()
    settings = settings_for(home, allowed_hosts=["desk.lan"], public_url="https://desk.lan/%7e")
    for name, text in write_units(plan_for(settings, runs_as=runs_as, workers=1)).items():
        (tmp_path / name.replace("@.", "@1.")).write_text(text)

    scope = ["--user"] if runs_as is None else []
    checked = subprocess.run(
        [
            "systemd-analyze",
            *scope,
            "verify",
            *(str(path) for path in sorted(tmp_path.glob("*.service"))),
        ],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (checked.returncode, checked.stderr) == (0, "")
