"""Where master keys are kept: what others cannot read, what is damaged, what is not there."""

import base64
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from munshi.errors import VaultKeyInvalidError
from munshi.infrastructure.security.key_places import KeyFile
from munshi.infrastructure.security.master_keys import ring_from_text

KEY_ID = "0123456789abcdef"
CREATE = """
import sys, time
from pathlib import Path
from munshi.infrastructure.security.key_places import KeyFile

ready, go = Path(sys.argv[2]), Path(sys.argv[3])
ready.touch()
while not go.exists():
    time.sleep(0.001)
print(KeyFile(Path(sys.argv[1])).create().active)
"""


def test_a_home_without_a_key_file_has_no_ring(tmp_path: Path) -> None:
    assert KeyFile(tmp_path).read() is None


def test_a_new_key_file_is_private_and_read_again(tmp_path: Path) -> None:
    created = KeyFile(tmp_path).create()

    again = KeyFile(tmp_path).read()

    assert stat.S_IMODE((tmp_path / "vault.key").stat().st_mode) == 0o600
    assert again == created
    assert KeyFile(tmp_path).create() == created


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644, 0o777])
def test_a_key_file_that_others_may_touch_is_refused_with_the_command(
    tmp_path: Path, mode: int
) -> None:
    KeyFile(tmp_path).create()
    (tmp_path / "vault.key").chmod(mode)

    with pytest.raises(VaultKeyInvalidError, match="chmod 600"):
        KeyFile(tmp_path).read()
    with pytest.raises(VaultKeyInvalidError, match="chmod 600"):
        KeyFile(tmp_path).create()


KEY_TEXT = base64.b64encode(bytes(32)).decode()
DAMAGED = {
    "empty": "",
    "cut": '{"active": "0123',
    "a list": "[]",
    "no keys": json.dumps({"active": KEY_ID, "keys": {}}),
    "no active": json.dumps({"keys": {KEY_ID: KEY_TEXT}}),
    "another active": json.dumps({"active": "ff" * 8, "keys": {KEY_ID: KEY_TEXT}}),
    "short key": json.dumps({"active": KEY_ID, "keys": {KEY_ID: "AAAA"}}),
    "short id": json.dumps({"active": "01", "keys": {"01": KEY_TEXT}}),
    "not base64": json.dumps({"active": KEY_ID, "keys": {KEY_ID: "!" * 44}}),
    "keys of another kind": json.dumps({"active": KEY_ID, "keys": [KEY_TEXT]}),
    "key of another kind": json.dumps({"active": KEY_ID, "keys": {KEY_ID: 7}}),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_key_file_is_one_sentence_and_is_not_replaced(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "vault.key"
    path.write_text(content)
    path.chmod(0o600)

    for ask in (KeyFile(tmp_path).read, KeyFile(tmp_path).create):
        with pytest.raises(VaultKeyInvalidError, match="is damaged"):
            ask()

    assert path.read_text() == content


def test_a_key_file_that_is_no_text_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    path.write_bytes(b"\xff\xfe\x00")
    path.chmod(0o600)

    with pytest.raises(VaultKeyInvalidError, match="is damaged"):
        KeyFile(tmp_path).read()


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    go = tmp_path / "go"
    home = tmp_path / "home"
    ready = [tmp_path / f"ready{number}" for number in range(3)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CREATE, home, each, go], stdout=subprocess.PIPE, text=True
        )
        for each in ready
    ]
    while not all(each.exists() for each in ready):
        assert all(process.poll() is None for process in started)
    go.touch()

    keys = {process.communicate(timeout=60)[0].strip() for process in started}

    assert len(keys) == 1
    assert keys == {KeyFile(home).create().active}


@pytest.mark.parametrize("prefix", ["", f"{KEY_ID}:", f"  {KEY_ID}:"])
def test_a_key_from_the_environment_is_read(prefix: str) -> None:
    ring = ring_from_text(prefix + base64.b64encode(bytes(range(32))).decode() + "\n")

    assert ring.keys[ring.active] == bytes(range(32))
    assert ring.active == (KEY_ID if prefix else "00" * 8)


@pytest.mark.parametrize(
    "text", ["", "hush", "hush-hush" * 5, f"xyz:{KEY_TEXT}", f"01:{KEY_TEXT}", f"{KEY_ID}:hush"]
)
def test_a_wrong_key_from_the_environment_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(VaultKeyInvalidError, match="MUNSHI_MASTER_KEY") as refusal:
        ring_from_text(text)

    assert "hush" not in str(refusal.value)


def test_several_keys_in_the_environment_are_read_and_the_first_is_the_new_one() -> None:
    other = "fedcba9876543210"

    ring = ring_from_text(f"{other}:{KEY_TEXT}, {KEY_ID}:{KEY_TEXT}")

    assert ring.active == other
    assert set(ring.keys) == {other, KEY_ID}
