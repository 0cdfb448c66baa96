"""The search for secrets finds what is planted, and the demo leaves nothing for it to find."""

import json
import signal
from pathlib import Path

import httpx
import psutil
import structlog

from asgi import Caller
from desks import TESTER, Desk
from leak_watch import LeakWatch, secrets_of
from munshi.api.app import create_app
from munshi.bootstrap import open_services
from munshi.domain.config_keys import AUTH, BROKER_KEYS
from munshi.domain.enums import Service
from munshi.settings import load_settings
from processes import MunshiProcess, environment

SERVING = r"Serving http://localhost:(\d+)"
PATHS = (
    *("/auth/db/status", "/metrics", "/health", "/jobs/recent", "/audit/recent", "/config/all"),
    *("/alerts", "/schedules", "/data/coverage", "/openapi.json", "/docs", "/nowhere"),
)
SECRET = "c4nary&api/secret+1="


def test_a_planted_secret_is_found_in_an_answer_the_log_a_file_and_the_database(
    desk: Desk,
) -> None:
    services, watch = desk.services, LeakWatch()
    key = BROKER_KEYS[Service.KITE].api_secret
    services.config.set(AUTH, key, SECRET, actor=TESTER)

    with watch.listening():
        Caller(create_app(services)).get(f"/data/{SECRET.replace('/', '%2F')}")
        structlog.get_logger().debug("planted", text=SECRET.encode().hex())
    (services.settings.home / "left.txt").write_text(json.dumps(SECRET))
    with services.database.transaction() as tx:
        tx.audit.log("test", SECRET[:20], actor=TESTER, now=desk.clock.now())
    found = {hit.partition(":")[0] for hit in watch.find(services)}

    assert {"log", "left.txt"} <= found
    assert {"munshi.db", "munshi.db-wal"} & found
    assert not found & {"simulator.db"}


def test_the_demo_at_debug_leaves_no_secret_in_its_words_answers_files_or_arguments(
    tmp_path: Path,
) -> None:
    home, watch = tmp_path / "home", LeakWatch()
    env = environment(home, MUNSHI_LOG_LEVEL="DEBUG")
    words = ("demo", "--home", str(home), "--port", "0")

    with MunshiProcess(*words, env=env, cwd=tmp_path) as demo:
        port = demo.wait_until_said(SERVING)[1]
        for path in PATHS:
            answer = httpx.get(f"http://localhost:{port}{path}")
            watch.places[path] = str(answer.headers).encode() + answer.content
        arguments = arguments_below(demo.process.pid)
        demo.stop(signal.SIGINT)
    watch.places["words"] = demo.said.encode()
    watch.places["arguments"] = "\n".join(arguments).encode()
    settings = load_settings(_env_file=None, home=home, env_file=tmp_path / ".env")
    with open_services(settings) as services:
        secrets, found = secrets_of(services), watch.find(services)

    assert len(secrets) >= 8  # of the two users, and what their logins brought
    assert demo.said.count("GET") >= len(PATHS)
    assert any("simulator" in each for each in arguments)
    assert found == []


def arguments_below(pid: int) -> list[str]:
    """The command lines of a process and all that it started."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return [" ".join(each.cmdline()) for each in family]
