"""`munshi audit tail -f` as people use it: it follows, and Ctrl-C ends it well."""

import signal
from pathlib import Path

import pytest

from processes import MunshiProcess, environment, run_munshi


@pytest.mark.usefixtures("sqlite_url")
def test_the_tail_follows_until_it_is_interrupted(tmp_path: Path) -> None:
    env = environment(tmp_path)
    run_munshi("config", "set", "jobs", "keep_days", "10", env=env, cwd=tmp_path)

    words = ("audit", "tail", "-f", "-n", "1", "--entity-id", "jobs/keep_days")
    with MunshiProcess(*words, env=env, cwd=tmp_path) as following:
        following.wait_until_said(r"keep_days  set  10  ")
        run_munshi("config", "set", "jobs", "keep_days", "11", env=env, cwd=tmp_path)
        following.wait_until_said(r"keep_days  set  10 -> 11")
        code = following.stop(signal.SIGINT)

    assert code == 0
    assert "Traceback" not in following.said
