"""Code of the user's own is that of the file as it lies there now."""

import os
from pathlib import Path

from munshi.backtest.own_files import OwnFile


def test_an_edit_of_the_same_size_in_the_same_second_counts(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    found = []
    for value in (40, 50):
        path.write_text(f"value = {value}\nplace = __file__\n")
        os.utime(path, (1_700_000_000, 1_700_000_000))
        own = OwnFile(path)
        module = own.module("mine")
        own.exec_module(module)
        found.append((module.value, module.place, own.digest[:4]))

    assert [value for value, _, _ in found] == [40, 50]
    assert {place for _, place, _ in found} == {str(path)}
    assert found[0][2] != found[1][2]
    assert list(tmp_path.iterdir()) == [path]
