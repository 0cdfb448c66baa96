"""The text of systemd units: restart, stop and sandbox as Munshi's processes need them."""

from collections.abc import Iterator, Mapping

from munshi.systemd.plan import ServicePlan

# The API's open answers, a worker's running jobs, then its child processes: each gets its time.
STOP_SECONDS = 60
_RESTART_SECONDS = 5

# These need no rights of the manager's, so that a user's own services have them everywhere.
_HARDENING = (
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "SystemCallArchitectures=native",
)
# These need namespaces, which some systems keep from users; a service would then not start.
_SANDBOX = (
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "ProtectControlGroups=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
)


def write_units(plan: ServicePlan) -> Mapping[str, str]:
    """Each unit's text by its file name. Nothing in them is secret."""
    if plan.workers == 0:
        return {f"{plan.name}.service": _unit(plan, "Munshi: API, jobs, schedules", "serve")}
    return {
        f"{plan.name}.service": _unit(plan, "Munshi: API and schedules", "serve", "--no-worker"),
        f"{plan.name}-worker@.service": _unit(
            plan, "Munshi: jobs and schedules, worker %i", "worker"
        ),
    }


def started_units(plan: ServicePlan) -> tuple[str, ...]:
    """What is enabled and started: the server, and each worker by its number."""
    numbers = range(1, plan.workers + 1)
    workers = (f"{plan.name}-worker@{number}.service" for number in numbers)
    return (f"{plan.name}.service", *workers)


def _unit(plan: ServicePlan, description: str, *words: str) -> str:
    return "\n".join(_lines(plan, description, words)) + "\n"


def _lines(plan: ServicePlan, description: str, words: tuple[str, ...]) -> Iterator[str]:
    yield "[Unit]"
    yield f"Description={description}"
    if plan.is_system:
        after = "network-online.target" + (" postgresql.service" if plan.beside_postgresql else "")
        yield "Wants=network-online.target"
        yield f"After={after}"
    yield "# A database that is away for an hour must not end it for good."
    yield "StartLimitIntervalSec=0"
    yield ""
    yield "[Service]"
    yield "Type=exec"
    if plan.runs_as is not None:
        yield f"User={plan.runs_as}"
    yield f"ExecStart={' '.join(_word(each) for each in (*plan.program, *words))}"
    yield f"# Secrets stand in {_percents(str(plan.home))}/.env, which is read from here."
    yield f"WorkingDirectory={_percents(str(plan.home))}"
    for name, value in sorted(plan.environment.items()):
        yield f"Environment={_quoted(f'{name}={value}')}"
    yield "# Also after exit code 75: too many jobs ignored that they were told to stop."
    yield "Restart=always"
    yield f"RestartSec={_RESTART_SECONDS}"
    yield "# The main process lets jobs finish, or hands them back, and ends its children itself."
    yield "KillMode=mixed"
    yield "KillSignal=SIGTERM"
    yield f"TimeoutStopSec={STOP_SECONDS}"
    yield "LimitNOFILE=65536"
    yield "UMask=0077"
    yield from _HARDENING
    if plan.sandbox:
        yield from _SANDBOX
        yield f"ReadWritePaths={' '.join(_quoted(str(each)) for each in plan.writable)}"
    yield ""
    yield "[Install]"
    yield f"WantedBy={'multi-user' if plan.is_system else 'default'}.target"


def _percents(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    """As systemd.syntax(7) reads it: percent signs are its own."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_percents(escaped)}"'


def _word(text: str) -> str:
    """A word of a command line, where dollar signs would name variables too."""
    if text.replace("/", "").replace("-", "").replace(".", "").replace("_", "").isalnum():
        return text
    return _quoted(text).replace("$", "$$")
