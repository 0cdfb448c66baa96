"""Examples of what is done on the pages of settings, audit, alerts, people, research and cache."""

from asgi import Answer
from audit.alert_examples import NOWHERE, add_silence, open_alert, open_channel
from audit.people_examples import Guest, GuestCall
from crowd import OTHER_PASSWORD, PASSWORD
from desks import TESTER
from made_backtests import made_run

_KEEP_DAYS = "/ui/configuration/jobs/keep_days"


def _version(on: Guest) -> str:
    return str(on.desk.services.config.view("jobs", "keep_days").version)


def _set(on: Guest) -> Answer:
    return on.send_form(_KEEP_DAYS, version=_version(on), value="9")


def _default(on: Guest) -> Answer:
    _set(on)
    return on.send_form(f"{_KEEP_DAYS}/default", version=_version(on))


def _go_back(on: Guest) -> Answer:
    revision = on.desk.services.config.revision()
    on.send_form(_KEEP_DAYS, version=_version(on), value="11")
    current = on.desk.services.config.revision()
    return on.send_form(f"/ui/configuration/revisions/{revision}", current=str(current))


def _audit_a_run(on: Guest) -> Answer:
    desk, run = on.desk, made_run()
    with desk.services.database.transaction() as tx:
        tx.backtests.save_run(run, ())
        tx.audit.log("backtest", "made up", actor=TESTER, now=desk.clock.now())
    return on.send_form(f"/ui/research/runs/{run.run_id}/audit")


ROUTES_OF_DESK_PAGES: dict[tuple[str, str], GuestCall] = {
    ("POST", "/ui/configuration/{config_type}/{config_key}"): _set,
    ("POST", "/ui/configuration/{config_type}/{config_key}/default"): _default,
    ("POST", "/ui/configuration/revisions/{revision}"): _go_back,
    ("POST", "/ui/research/runs/{run_id}/audit"): _audit_a_run,
    ("POST", "/ui/audit/verify"): lambda on: on.send_form("/ui/audit/verify"),
    ("POST", "/ui/alerts/{alert}/{act}"): lambda on: on.send_form(
        f"/ui/alerts/{open_alert(on.desk)}/resolve"
    ),
    ("POST", "/ui/alerts/silences/new"): lambda on: on.send_form(
        "/ui/alerts/silences/new", pattern="login:*", reason="We know.", hours="1"
    ),
    ("POST", "/ui/alerts/silences/{silence}/end"): lambda on: on.send_form(
        f"/ui/alerts/silences/{add_silence(on).json()['silence_id']}/end"
    ),
    ("POST", "/ui/alerts/channels/new"): lambda on: on.send_form(
        "/ui/alerts/channels/new", name=f"at-{on.name}", url=NOWHERE, least_severity="critical"
    ),
    ("POST", "/ui/alerts/channels/{name}/test"): lambda on: on.send_form(
        f"/ui/alerts/channels/{open_channel(on.desk)}/test"
    ),
    ("POST", "/ui/alerts/channels/{name}/remove"): lambda on: on.send_form(
        f"/ui/alerts/channels/{open_channel(on.desk)}/remove"
    ),
    ("POST", "/ui/users/new"): lambda on: on.send_form(
        "/ui/users/new", username=f"new-{on.name}", role="viewer"
    ),
    ("POST", "/ui/users/{username}/role"): lambda on: on.send_form(
        f"/ui/users/{on.user()}/role", role="operator"
    ),
    ("POST", "/ui/users/{username}/{act}"): lambda on: on.send_form(
        f"/ui/users/{on.user()}/disable"
    ),
    ("POST", "/ui/keys/new"): lambda on: on.send_form(
        "/ui/keys/new", name="script", role="viewer", days="9"
    ),
    ("POST", "/ui/keys/{key_id}/revoke"): lambda on: on.send_form(f"/ui/keys/{on.key()}/revoke"),
    ("POST", "/ui/sessions/{session}/end"): lambda on: on.send_form(
        f"/ui/sessions/{on.session()}/end"
    ),
    ("POST", "/ui/password"): lambda on: on.send_form(
        "/ui/password", old=PASSWORD, new=OTHER_PASSWORD, again=OTHER_PASSWORD
    ),
    ("POST", "/ui/second-factor/{act}"): lambda on: on.send_form("/ui/second-factor/set-up"),
    ("POST", "/ui/second-factor/code"): lambda on: on.send_form(
        "/ui/second-factor/code", **on.offered_code()
    ),
    ("POST", "/ui/confirm"): lambda on: on.send_form("/ui/confirm", password=PASSWORD),
    ("POST", "/ui/cache/{shelf}/clear"): lambda on: on.send_form("/ui/cache/all/clear"),
}
