"""The cache on pages: what it holds, how it is used, and emptying it."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.bootstrap import Services
from munshi.dashboard.asking import ask
from munshi.dashboard.look import Look
from munshi.errors import CacheShelfUnknownError

ALL = "all"
_Shelf = Annotated[str, Path(max_length=100)]


class CachePages:
    """Emptying asks first; what went is looked up anew."""

    def __init__(self, services: Services, look: Look) -> None:
        self._cache = services.cache_service
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/cache", self.cache, include_in_schema=False)
        path = "/ui/cache/{shelf}/clear"
        router.add_api_route(path, self.ask_clear, include_in_schema=False)
        router.add_api_route(path, self.clear, methods=["POST"], include_in_schema=False)

    @allows(Role.VIEWER)
    def cache(self, request: Request) -> Response:
        status = self._cache.status()
        return self._look.page(request, "cache.html", title="Cache", status=200, cache=status)

    @allows(Role.OPERATOR)
    def ask_clear(self, shelf: _Shelf, request: Request) -> Response:
        if shelf != ALL and shelf not in {each.name for each in self._cache.status().shelves}:
            raise CacheShelfUnknownError(f"The cache has no shelf {shelf!r}.")
        return ask(
            self._look,
            request,
            title="Clear the cache?",
            about="All of it" if shelf == ALL else shelf,
            means="No process uses it any more; it is looked up anew, which takes a while longer.",
            yes="Yes, clear it",
            back="/ui/cache",
        )

    @allows(Role.OPERATOR)
    def clear(self, shelf: _Shelf, request: Request) -> Response:
        self._cache.clear(None if shelf == ALL else shelf, actor=actor_of(request))
        return RedirectResponse("/ui/cache?done=cleared", status_code=303)
