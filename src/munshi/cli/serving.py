"""Serving the API on a socket that is already taken, until the process is told to stop."""

import socket
from functools import partial

import typer

from munshi.api.security import is_loopback
from munshi.api.server import address_of, build_server
from munshi.bootstrap import Services
from munshi.cli.output import print_mode
from munshi.cli.running import EXHAUSTED, WHY_EXHAUSTED
from munshi.clock import show_ist
from munshi.dashboard.site import create_site
from munshi.domain.audit import MUNSHI
from munshi.infrastructure.platform import stop_on_signals
from munshi.jobs.output import route_output
from munshi.settings import LocalTrust

_say = partial(typer.echo, err=True)


def announce(services: Services, listener: socket.socket, *, is_new: bool) -> None:
    """Say what is served, to whom, and who is logged in."""
    host, port = address_of(listener)
    mode = services.settings.brokers.value
    print_mode(mode)
    if is_new:
        _say(f"This is a new desk; all it keeps is in {services.settings.home}")
    for status in services.logins.status():
        if status.authenticated and status.expires_at:
            _say(f"{status.service}: logged in until {show_ist(status.expires_at)}")
        else:
            _say(f"{status.service}: not logged in; munshi login {status.service}")
    token = services.people.passwords.first_link(actor=MUNSHI)
    if token is not None:
        base = services.settings.public_url.rstrip("/") or f"http://localhost:{port}"
        _say("Nobody can sign in yet. This link makes the first administrator, once:")
        _say(f"  {base}/ui/setup?token={token}")
    if not is_loopback(host):
        _say(
            "This address is reached from elsewhere, and nothing here encrypts: put a TLS proxy\n"
            "before it."
        )
    _say(f"Serving http://localhost:{port} (docs at /docs) on {host}; Ctrl-C stops.")
    if services.settings.local_trust is not LocalTrust.OFF:
        _say(
            "Every account and process on this machine, and anything that forwards a port\n"
            f"here, is the local {services.settings.local_trust}. MUNSHI_LOCAL_TRUST=off ends that."
        )


def serve_until_stopped(
    services: Services,
    listener: socket.socket,
    *,
    with_worker: bool = True,
    with_scheduler: bool = True,
    is_new: bool = False,
) -> None:
    """Run until Ctrl-C or a termination signal, then let running jobs finish or hand them back.

    The scheduler does not need the worker: what it starts, any worker of the database runs.
    `is_new` says that the database was just made. Leaves with exit code 75 when the worker gave up.
    """
    site = create_site(services, listening=[address_of(listener)])
    server = build_server(site.app, on_stop=site.end_streams)
    end = partial(setattr, server, "should_exit", True)
    worker = services.worker(given_up=end) if with_worker else None
    scheduler = services.scheduler() if with_scheduler else None
    sealer = services.sealer()
    sealer.start()
    alerts = services.alert_keeper()
    alerts.start()
    if worker:
        worker.start()
    if scheduler:
        scheduler.start()
    try:
        with route_output(), stop_on_signals(end):
            announce(services, listener, is_new=is_new)
            server.run(sockets=[listener])
    finally:
        site.close()
        if scheduler:
            scheduler.stop()
        if worker:
            worker.stop()
        alerts.stop()
        sealer.stop()  # after all that still writes
    if worker and worker.is_exhausted:
        _say(WHY_EXHAUSTED)
        raise typer.Exit(EXHAUSTED)
    _say("Stopped.")
