"""`munshi jobs`: what people do to many jobs at once, and to queues."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import Munshi
from processes import MunshiProcess, environment
from simulators import Simulator

pytestmark = pytest.mark.usefixtures("brokers")
LOGIN = ("jobs", "run", "auto_login", "--param", "service=kite", "--json")


def ask(munshi: Munshi, count: int = 1, *options: str) -> list[str]:
    return [json.loads(munshi(*LOGIN, *options).stdout)["job_id"] for _ in range(count)]


def states(munshi: Munshi) -> list[str]:
    return [job["state"] for job in json.loads(munshi("jobs", "list", "--json").stdout)["jobs"]]


def test_jobs_are_named_one_after_the_other(munshi: Munshi) -> None:
    first, second = ask(munshi, 2)

    cancelled = munshi("jobs", "cancel", first, second)
    retried = json.loads(munshi("jobs", "retry", first, "--json").stdout)
    munshi("jobs", "cancel", first)
    discarded = munshi("jobs", "discard", first, second)

    assert cancelled.stdout.count(" is cancelled.\n") == 2
    assert [job["state"] for job in retried["done"]] == ["queued"]
    assert discarded.stdout == (
        f"auto_login {first} is discarded.\nauto_login {second} is discarded.\n"
    )
    assert states(munshi) == []


def test_one_that_is_refused_does_not_keep_the_others_back(munshi: Munshi) -> None:
    (job_id,) = ask(munshi)

    result = munshi("jobs", "cancel", "17", job_id)

    assert result.exit_code == 1
    assert result.stdout == f"auto_login {job_id} is cancelled.\n"
    assert result.stderr == "munshi: There is no job 17. See: munshi jobs list\n"


def test_a_preview_only_looks(munshi: Munshi) -> None:
    asked = ask(munshi, 2)

    shown = munshi("jobs", "cancel", "--type", "auto_login", "--preview")
    document = json.loads(
        munshi("jobs", "cancel", "--state", "queued", "--preview", "--json").stdout
    )

    assert re.search(r"auto_login +queued +2", shown.stdout)
    assert all(job_id in shown.stdout for job_id in asked)
    assert document["jobs"] == 2
    assert document["counts"] == [{"job_type": "auto_login", "state": "queued", "jobs": 2}]
    assert states(munshi) == ["queued", "queued"]


def test_without_a_terminal_nothing_is_done_unless_yes_is_said(munshi: Munshi) -> None:
    ask(munshi, 2)

    refused = munshi("jobs", "cancel", "--type", "auto_login")
    done = munshi("jobs", "cancel", "--type", "auto_login", "--yes")
    nothing = munshi("jobs", "cancel", "--type", "auto_login", "--yes")

    assert refused.exit_code == 1
    assert "munshi: Cancel 2 jobs? Nothing was done, since nobody is here" in refused.stderr
    assert done.stdout.endswith("Jobs cancelled or told to stop: 2.\n")
    assert nothing.stdout == "There is nothing to cancel.\n"
    assert states(munshi) == ["cancelled", "cancelled"]


def test_many_are_tried_again_and_discarded_by_filter(munshi: Munshi) -> None:
    ask(munshi, 2)
    munshi("jobs", "cancel", "--state", "queued", "--yes")

    retried = munshi("jobs", "retry", "--state", "cancelled", "--yes", "--json")
    munshi("jobs", "cancel", "--state", "queued", "--yes")
    discarded = munshi("jobs", "discard", "--type", "auto_login", "--yes", "--json")

    assert json.loads(retried.stdout) == {"action": "retry", "done": 2, "skipped": 0}
    assert json.loads(discarded.stdout) == {"action": "discard", "done": 2, "skipped": 0}
    assert states(munshi) == []


@pytest.mark.parametrize(("answer", "state"), [("n\n", "queued"), ("y\n", "cancelled")])
def test_at_a_terminal_a_person_is_asked(
    munshi: Munshi, brokers: Simulator, tmp_path: Path, answer: str, state: str
) -> None:
    pty = pytest.importorskip("pty")
    ask(munshi)
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())

    done = subprocess.run(
        [sys.executable, "-m", "munshi", "jobs", "cancel", "--state", "queued"],
        env=environment(tmp_path, MUNSHI_SIMULATOR_URL=brokers.url),
        cwd=tmp_path,
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(ours)
    os.close(theirs)

    assert "Cancel 1 job? [y/N]" in done.stderr
    assert states(munshi) == [state]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("cancel",), "Which jobs shall I cancel?"),
        (("discard", "17", "--state", "dead"), "Either ids or a filter, not both."),
        (("cancel", "--state", "succeeded", "--yes"), "A succeeded job cannot be put to cancel"),
        (("retry", "--parent", "me", "--yes"), "There is no job me."),
        (
            ("list", "--since", "2026-11-20", "--until", "2026-11-19"),
            "The time range ends before it begins.",
        ),
        (("pause",), "Name one queue with --queue, or one job type with --type."),
        (
            ("pause", "--queue", "swift"),
            "There is no queue 'swift'; there are collection, default.",
        ),
        (("pause", "--type", "autologin"), "There is no job type 'autologin'."),
    ],
)
def test_what_is_not_clear_is_asked_back_in_one_line(
    munshi: Munshi, words: tuple[str, ...], said: str
) -> None:
    result = munshi("jobs", *words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"munshi: {said}" in result.stderr


def test_a_paused_queue_keeps_its_jobs_until_it_goes_on(munshi: Munshi) -> None:
    ask(munshi)

    paused = munshi("jobs", "pause", "--queue", "default", "--reason", "Lunch.")
    again = munshi("jobs", "pause", "--queue", "default")
    munshi("worker", "--until-idle")
    kept = states(munshi)
    shown = munshi("jobs", "queues").stdout
    resumed = munshi("jobs", "resume", "--queue", "default")
    munshi("worker", "--until-idle")

    assert paused.stdout == ("Queue default is paused: nothing more is taken, what runs goes on.\n")
    assert again.stdout == "Queue default was paused already.\n"
    assert re.search(r"default +1 +\d+ s +since .* IST by command-line: Lunch\.", shown)
    assert (kept, states(munshi)) == (["queued"], ["succeeded"])
    assert resumed.stdout == "Queue default goes on.\n"


def test_a_paused_type_is_shown_below_the_queues(munshi: Munshi) -> None:
    munshi("jobs", "pause", "--type", "auto_login")

    shown = munshi("jobs", "queues").stdout
    document = json.loads(munshi("jobs", "queues", "--json").stdout)

    assert re.search(r"Job type auto_login is paused since .* by command-line\.", shown)
    assert [pause["name"] for pause in document["paused_types"]] == ["auto_login"]


def test_a_job_is_asked_for_with_its_queue_key_and_time(munshi: Munshi) -> None:
    munshi("config", "set", "jobs", "queue.slow", '{"limit": 2, "per_key": 1}')
    options = ("--queue", "slow", "--priority", "-5", "--turn-of", "kite", "--key", "login")

    later = munshi(*LOGIN, *options, "--unique-for", "2h", "--at", "2035-01-01T09:00:00")
    (again,) = ask(munshi, 1, "--key", "login")

    job = json.loads(later.stdout)
    assert (job["queue"], job["priority"], job["concurrency_key"]) == ("slow", -5, "kite")
    assert (job["state"], job["run_at"]) == ("scheduled", "2035-01-01T03:30:00Z")
    assert again == job["job_id"]
    assert munshi(*LOGIN, "--key", "x", "--unique-for", "soon").exit_code == 1
    assert re.search(r"slow +0 +2 +1 +0", munshi("jobs", "queues").stdout)


def test_workers_are_shown_and_say_what_they_run(
    munshi: Munshi, brokers: Simulator, tmp_path: Path
) -> None:
    nobody = munshi("jobs", "workers").stdout
    env = environment(tmp_path, MUNSHI_SIMULATOR_URL=brokers.url)
    with MunshiProcess("worker", env=env, cwd=tmp_path) as working:
        worker_id = working.wait_until_said(r"Worker (\S+) waits for jobs")[1]
        for _ in range(200):
            workers = json.loads(munshi("jobs", "workers", "--json").stdout)["workers"]
            if workers:
                break
        shown = munshi("jobs", "workers").stdout

    assert "none works" in nobody
    assert [worker["worker_id"] for worker in workers] == [worker_id]
    assert workers[0]["silent"] is False
    assert re.search(rf"{worker_id} +working +\d+ s ago +0 +\d+ +0", shown)
    assert "from the queues collection, default." in working.said


def test_a_live_board_is_drawn_and_ends_quietly(
    munshi: Munshi, brokers: Simulator, tmp_path: Path
) -> None:
    pty = pytest.importorskip("pty")
    (job_id,) = ask(munshi)
    munshi("worker", "--until-idle")
    ours, theirs = pty.openpty()

    with subprocess.Popen(
        [sys.executable, "-m", "munshi", "jobs", "watch", job_id],
        env=environment(
            tmp_path, MUNSHI_SIMULATOR_URL=brokers.url, COLUMNS="120", LINES="30", TERM="xterm"
        ),
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
    ) as watching:
        code = watching.wait(60)
        drawn = os.read(ours, 100_000).decode()
        complaints = watching.stderr.read() if watching.stderr else b""
    os.close(ours)
    os.close(theirs)

    assert code == 0
    assert "0 running" in drawn
    assert job_id in drawn
    assert "100%" in drawn
    assert b"Traceback" not in complaints
