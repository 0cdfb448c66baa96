"""`munshi jobs`: what people see of jobs that have run, and run now."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import Munshi
from databases import open_database
from jobs.stories import PAGE, Storyteller
from munshi.clock import SystemClock

pytestmark = pytest.mark.usefixtures("brokers")


@pytest.fixture
def stories(sqlite_url: str, tmp_path: Path) -> Iterator[Storyteller]:
    """On the database and in the home of the command."""
    database = open_database(sqlite_url)
    yield Storyteller(database=database, clock=SystemClock(), home=tmp_path)
    database.close()


def listed(munshi: Munshi, *options: str) -> list[str]:
    found = json.loads(munshi("jobs", "list", *options, "--json").stdout)["jobs"]
    return [job["job_id"] for job in found]


def test_jobs_are_found_by_each_of_the_filters(munshi: Munshi, stories: Storyteller) -> None:
    parent = str(stories.told("share", "ab"))
    failed = str(stories.told("refuse", "magic"))
    parts = listed(munshi, "--parent", parent)

    assert len(parts) == 2
    assert listed(munshi, "--type", "refuse") == [failed]
    assert listed(munshi, "--state", "failed", "--state", "dead") == [failed]
    assert listed(munshi, "--said", "magic") == [failed]
    assert listed(munshi, "--since", "2020-01-01") == [failed, *parts, parent]
    assert listed(munshi, "--until", "2020-01-01") == []
    assert listed(munshi, "--queue", "slow") == listed(munshi, "--schedule", "daily") == []


def test_a_long_list_goes_on_where_the_page_ended(munshi: Munshi, stories: Storyteller) -> None:
    asked = [str(stories.ask("tell")) for _ in range(3)]

    first = munshi("jobs", "list", "--limit", "2")
    cursor = re.findall(r"--cursor (\S+)", first.stderr)[0]

    assert listed(munshi, "--limit", "2", "--cursor", cursor) == [asked[0]]


def test_a_job_is_shown_with_all_that_belongs_to_it(munshi: Munshi, stories: Storyteller) -> None:
    told = stories.told("tell", "1")
    failed = stories.told("refuse", "magic")
    parent = stories.told("share", "ab")

    shown = munshi("jobs", "show", str(told)).stdout
    refused = munshi("jobs", "show", str(failed)).stdout
    family = munshi("jobs", "show", str(parent)).stdout

    assert re.search(r"queue +default", shown)
    assert re.search(r"report\.html +23 +text/html +1", shown)
    assert re.search(r"1 +\S+:\d+:\w+ +.* IST +.* IST +error +Nobody can do magic\.", refused)
    assert len(re.findall(r"\S+ +echo +succeeded", family)) == 2
    document = json.loads(munshi("jobs", "show", str(parent), "--json").stdout)
    assert [child["state"] for child in document["children"]] == ["succeeded"] * 2
    assert document["attempts"][0]["outcome"] == "waiting"


def test_a_running_job_shows_its_progress_its_pace_and_its_last_line(
    munshi: Munshi, stories: Storyteller
) -> None:
    job_id = stories.ask("act", "2")
    with stories.working():
        stories.cue.go.release()
        for _ in range(2000):
            if listed(munshi, "--state", "running", "--said", "Turn 1"):
                break
        shown = munshi("jobs", "show", str(job_id)).stdout
        in_list = munshi("jobs", "list").stdout
        stories.cue.go.release()

    assert re.search(r"progress +50%", shown)
    assert "running 50%" in in_list


def test_a_log_is_printed_whole_or_its_end(munshi: Munshi, stories: Storyteller) -> None:
    job_id = str(stories.told("tell", "3"))

    whole = munshi("jobs", "logs", job_id).stdout
    end = json.loads(munshi("jobs", "logs", job_id, "--tail", "2", "--json").stdout)

    assert re.fullmatch(
        r"(\d\d \w+ \d\d:\d\d:\d\d IST  info     Line \d\.  number=\d\n){3}"
        r".* IST  warning  Nearly through\.\n",
        whole,
    )
    assert [line["event"] for line in end["lines"]] == ["Line 3.", "Nearly through."]
    assert munshi("jobs", "logs", str(stories.ask("tell"))).stdout == "No lines.\n"


def test_a_log_is_followed_until_the_job_has_ended(munshi: Munshi, stories: Storyteller) -> None:
    job_id = str(stories.ask("act", "2"))
    going_on = threading.Timer(0.7, stories.cue.go.release)
    with stories.working():
        stories.cue.go.release()
        going_on.start()
        followed = munshi("jobs", "logs", job_id, "--follow", "--json")
        going_on.join()

    lines = [json.loads(line) for line in followed.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["Turn 1.", "Turn 2."]
    assert followed.exit_code == 0


def test_a_line_cannot_steer_the_terminal(munshi: Munshi, stories: Storyteller) -> None:
    job_id = str(stories.told("refuse", "\x1b[2Jmagic"))

    shown = munshi("jobs", "show", job_id).stdout + munshi("jobs", "list").stdout

    assert "\x1b" not in shown
    assert "·[2Jmagic" in shown


def test_a_file_is_listed_and_saved_as_it_was_kept(
    munshi: Munshi, stories: Storyteller, tmp_path: Path
) -> None:
    job_id = str(stories.told("tell", "1"))
    save = ("jobs", "artifact", job_id, "report.html", "--to", str(tmp_path / "out.html"))

    names = json.loads(munshi("jobs", "artifacts", job_id, "--json").stdout)["artifacts"]
    first = munshi(*save)
    again = munshi(*save)
    forced = json.loads(munshi(*save, "--force", "--json").stdout)

    assert [one["name"] for one in names] == ["odd.bin", "report.html"]
    assert (first.exit_code, (tmp_path / "out.html").read_bytes()) == (0, PAGE)
    assert (again.exit_code, "--force" in again.stderr) == (1, True)
    assert forced["path"] == str(tmp_path / "out.html")


def test_a_file_that_was_changed_is_not_saved(
    munshi: Munshi, stories: Storyteller, tmp_path: Path
) -> None:
    job_id = str(stories.told("tell", "1"))
    (kept,) = (tmp_path / "artifacts" / job_id).glob("*-report.html")
    kept.write_bytes(b"something else")

    result = munshi("jobs", "artifact", job_id, "report.html", "--to", str(tmp_path / "out"))

    assert result.exit_code == 1
    assert "is not what was stored" in result.stderr
    assert not (tmp_path / "out").exists()


def test_jobs_are_watched_until_they_have_ended(munshi: Munshi, stories: Storyteller) -> None:
    first, second = str(stories.ask("act", "1")), str(stories.ask("refuse", "magic"))
    going_on = threading.Timer(0.7, stories.cue.go.release)
    with stories.working():
        going_on.start()
        watched = munshi("jobs", "watch", first, second, "--json")
        going_on.join()

    boards = [json.loads(line) for line in watched.stdout.splitlines()]
    assert watched.exit_code == 1
    assert [job["state"] for job in boards[-1]["jobs"]] == ["succeeded", "failed"]
    assert boards[-1]["jobs"][0]["said"] == "Turn 1."
    assert len(boards) == len({json.dumps(board) for board in boards})
    assert munshi("jobs", "watch", first).exit_code == 0


def test_watching_without_a_terminal_prints_a_line_for_each_change(
    munshi: Munshi, stories: Storyteller
) -> None:
    job_id = str(stories.told("tell", "1"))

    watched = munshi("jobs", "watch", job_id)

    assert "0 running, 0 queued" in watched.stdout
    assert re.search(rf"{job_id}  tell  succeeded  100%", watched.stdout)


@pytest.mark.parametrize("command", ["show", "logs", "artifacts", "watch"])
def test_a_job_that_there_is_not_is_one_line(munshi: Munshi, command: str) -> None:
    result = munshi("jobs", command, "17")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "munshi: There is no job 17. See: munshi jobs list\n" in result.stderr
