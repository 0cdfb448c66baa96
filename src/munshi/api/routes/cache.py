"""How large the cache is, and how it is used."""

from typing import Any

from fastapi import APIRouter

from munshi.api.answers import Shown
from munshi.api.roles import Role, allows
from munshi.bootstrap import Services


class SizeShown(Shown):
    entries: int
    bytes: int


class UseShown(Shown):
    """First hits came from a process, second hits from the database; stale ones are among them.

    `hit_rate` is from 0 to 1.
    """

    gets: int
    hit_rate: float | None
    first_hits: int
    second_hits: int
    stale_hits: int
    misses: int
    computed: int
    compute_seconds: float
    refused: int
    damaged: int
    evicted: int


class ShelfShown(Shown):
    name: str
    stored: SizeShown
    today: UseShown


class CacheAnswer(Shown):
    """`first_level` is what the process holds that answered, by an estimate."""

    stored: SizeShown
    most_bytes: int
    first_level: SizeShown
    most_first_level_bytes: int
    shelves: list[ShelfShown]


class CacheRoutes:
    """Each call is one service call."""

    def __init__(self, services: Services) -> None:
        self._cache = services.cache_service

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["cache"]}
        router.add_api_route("/cache/stats", self.stats, **options)

    @allows(Role.VIEWER)
    def stats(self) -> CacheAnswer:
        """What the cache holds, and how often each shelf had the answer today (IST)."""
        return CacheAnswer.model_validate(self._cache.status())
