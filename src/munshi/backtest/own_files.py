"""A file of the user's own, run as it lies there: its code and its hash are of the same bytes."""

import hashlib
from importlib.abc import SourceLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


class OwnFile(SourceLoader):
    """Keeps no bytecode: Python's is told apart by size and second, and would outlive an edit."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source = path.read_bytes()
        self.digest = hashlib.sha256(self._source).hexdigest()

    def get_filename(self, fullname: str) -> str:  # noqa: ARG002
        return str(self._path)

    def get_data(self, path: str) -> bytes:  # noqa: ARG002
        return self._source

    def module(self, name: str) -> ModuleType:
        """An empty module; `exec_module` runs the file in it."""
        spec = spec_from_file_location(name, self._path, loader=self)
        if spec is None:
            raise ImportError(f"{self._path.name} cannot be a module")
        return module_from_spec(spec)
