"""`.env` files: single values change, everything else stays byte for byte."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from munshi.errors import EnvFileInvalidError
from munshi.infrastructure.env_file import read_env_file, write_env_file

OLD_STYLE = """\
# Breeze, see the wiki
BREEZE_API_KEY=abc$def  # from the portal
export KITE_ACCESS_TOKEN='old token'

  KITE_API_KEY = "k e y" # spaced
this line is not an assignment
EMPTY=
DB_SERVER=(localdb)\\mssqllocaldb
"""
WRITE_MANY = """
import sys
from pathlib import Path
from munshi.infrastructure.env_file import write_env_file

for number in range(20):
    write_env_file(Path(sys.argv[1]), {sys.argv[2]: str(number)})
"""


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text(OLD_STYLE)
    return path


def test_values_are_read_as_they_stand(env_file: Path) -> None:
    assert read_env_file(env_file) == {
        "BREEZE_API_KEY": "abc$def",
        "KITE_ACCESS_TOKEN": "old token",
        "KITE_API_KEY": "k e y",
        "EMPTY": "",
        "DB_SERVER": "(localdb)\\mssqllocaldb",
    }


def test_no_file_holds_no_values(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / "missing") == {}


def test_only_the_named_value_changes(env_file: Path) -> None:
    write_env_file(env_file, {"KITE_ACCESS_TOKEN": "new"})

    assert env_file.read_text() == OLD_STYLE.replace("'old token'", "new")


def test_a_comment_behind_the_value_stays(env_file: Path) -> None:
    write_env_file(env_file, {"BREEZE_API_KEY": "x y", "KITE_API_KEY": "z", "EMPTY": "full"})

    expected = OLD_STYLE.replace("abc$def", "'x y'").replace('"k e y"', "z")
    assert env_file.read_text() == expected.replace("EMPTY=", "EMPTY=full")


def test_a_new_name_is_put_at_the_end_on_a_line_of_its_own(env_file: Path) -> None:
    env_file.write_text("A=1")

    write_env_file(env_file, {"B": "2"})

    assert env_file.read_text() == "A=1\nB=2\n"


def test_windows_line_ends_and_the_mark_before_them_stay(env_file: Path) -> None:
    env_file.write_bytes(b"\xef\xbb\xbfA=1\r\nB=2\r\n")

    write_env_file(env_file, {"A": "9", "C": "3"})

    assert env_file.read_bytes() == b"\xef\xbb\xbfA=9\r\nB=2\r\nC=3\r\n"
    assert read_env_file(env_file)["A"] == "9"


def test_the_mode_stays_and_a_new_file_is_private(env_file: Path, tmp_path: Path) -> None:
    env_file.chmod(0o640)

    write_env_file(env_file, {"A": "1"})
    write_env_file(tmp_path / "new", {"A": "1"})

    assert stat.S_IMODE(env_file.stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_a_link_stays_a_link(env_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(env_file)

    write_env_file(link, {"EMPTY": "1"})

    assert link.is_symlink()
    assert read_env_file(env_file)["EMPTY"] == "1"


def test_nothing_but_the_file_and_its_lock_is_left_behind(env_file: Path, tmp_path: Path) -> None:
    write_env_file(env_file, {"EMPTY": "1"})

    assert {path.name for path in tmp_path.iterdir()} <= {".env", ".env.lock"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(value=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_every_value_is_read_as_it_was_written(env_file: Path, value: str) -> None:
    env_file.write_text(OLD_STYLE)

    write_env_file(env_file, {"KITE_ACCESS_TOKEN": value, "NEW": value})

    found = read_env_file(env_file)
    assert (found["KITE_ACCESS_TOKEN"], found["NEW"]) == (value, value)
    assert found["KITE_API_KEY"] == "k e y"


def test_two_processes_lose_no_change_of_each_other(env_file: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE_MANY, env_file, name]) for name in "AB"
    ]

    ended = [writer.wait(60) for writer in writers]

    assert ended == [0, 0]
    found = read_env_file(env_file)
    assert (found["A"], found["B"]) == ("19", "19")


def test_a_file_that_is_not_text_is_one_clear_message(env_file: Path) -> None:
    env_file.write_bytes(b"A=\xff\xfe")

    with pytest.raises(EnvFileInvalidError, match="not UTF-8"):
        read_env_file(env_file)


def test_a_folder_that_is_missing_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(EnvFileInvalidError, match="cannot be written"):
        write_env_file(tmp_path / "missing" / ".env", {"A": "1"})
