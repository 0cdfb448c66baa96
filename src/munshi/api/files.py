"""Files that come with the package, served by name from a fixed list."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from munshi.errors import PathUnknownError

_KEEP = "public, max-age=86400"


@dataclass(frozen=True, slots=True)
class PackagedFile:
    content: bytes
    media_type: str
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedFiles:
    """The files of one folder below `static/` of a package, by name, with their media types."""

    folder: str
    media_types: dict[str, str]
    package: str = "munshi.api"

    def answer(self, name: str, request: Request) -> Response:
        """The file, or 304 for who has it. Raises PathUnknownError."""
        media_type = self.media_types.get(name)
        if media_type is None:
            raise PathUnknownError(f"There is no file {name!r} here.")
        found = self._load(name, media_type)
        headers = {"ETag": found.etag, "Cache-Control": _KEEP}
        if request.headers.get("if-none-match") == found.etag:
            return Response(status_code=304, headers=headers)
        return Response(found.content, headers=headers, media_type=found.media_type)

    def mark(self, name: str) -> str:
        """What changes with the file's content; for addresses that browsers keep."""
        return self._load(name, self.media_types[name]).etag.strip('"')[:8]

    def _load(self, name: str, media_type: str) -> PackagedFile:
        return _load(self.package, self.folder, name, media_type)


@cache
def _load(package: str, folder: str, name: str, media_type: str) -> PackagedFile:
    content = files(package).joinpath("static", *folder.split("/"), name).read_bytes()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return PackagedFile(content, media_type, etag)
