"""The pages and the API as one application."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.app import create_app
from munshi.bootstrap import Services
from munshi.dashboard.account_pages import AccountPages
from munshi.dashboard.alert_pages import AlertPages
from munshi.dashboard.at_work import AtWork
from munshi.dashboard.audit_pages import AuditPages
from munshi.dashboard.backtest_form import BacktestForm
from munshi.dashboard.cache_pages import CachePages
from munshi.dashboard.candle_pages import CandlePages
from munshi.dashboard.channel_pages import ChannelPages
from munshi.dashboard.collect_pages import CollectPages
from munshi.dashboard.config_pages import ConfigPages
from munshi.dashboard.config_past_pages import ConfigPastPages
from munshi.dashboard.data_pages import DataPages
from munshi.dashboard.desk_pages import DeskPages
from munshi.dashboard.first_run_pages import FirstRunPages
from munshi.dashboard.job_acts import JobActs
from munshi.dashboard.job_pace_page import JobPacePage
from munshi.dashboard.job_pages import JobPages
from munshi.dashboard.key_pages import KeyPages
from munshi.dashboard.live import LiveFeed
from munshi.dashboard.live_routes import LiveRoutes
from munshi.dashboard.look import FileRoutes, Look
from munshi.dashboard.mending_acts import MendingActs
from munshi.dashboard.queue_pages import QueuePages
from munshi.dashboard.refusals import RefusalPages
from munshi.dashboard.research_pages import ResearchPages
from munshi.dashboard.schedule_edit_pages import ScheduleEditPages
from munshi.dashboard.schedule_pages import SchedulePages
from munshi.dashboard.second_factor_pages import SecondFactorPages
from munshi.dashboard.silence_pages import SilencePages
from munshi.dashboard.today_page import TodayPages
from munshi.dashboard.trial_pages import TrialPages
from munshi.dashboard.user_pages import UserPages
from munshi.errors import AppError


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """`app` serves; whoever opened it closes it."""

    app: FastAPI
    feed: LiveFeed
    services: Services

    def end_streams(self) -> None:
        """Tell every open page that nothing more comes; never waits."""
        self.feed.end()
        self.services.end_streams()

    def close(self) -> None:
        self.feed.close()


class Dashboard:
    """Every page, behind the gate of the API."""

    def __init__(self, services: Services, feed: LiveFeed, *, url: str) -> None:
        look = Look(services.settings, services.clock)
        self._refusals = RefusalPages(look)
        today = TodayPages(services, look, url=url)
        jobs, queues = JobPages(services, look), QueuePages(services, look)
        schedules, edit = SchedulePages(services, look), ScheduleEditPages(services, look)
        alerts = AlertPages(services, look)
        live = LiveRoutes(
            feed,
            today=today,
            jobs=jobs,
            queues=queues,
            schedules=schedules,
            alerts=alerts,
            at_work=AtWork(services, look),
        )
        acts, desk = JobActs(services, look), DeskPages(services, look)
        pictures = (
            JobPacePage(services, look),
            DataPages(services, look),
            CandlePages(services, look),
            CollectPages(services, look),
            MendingActs(services, look),
            BacktestForm(services, look),
            ResearchPages(services, look),
            TrialPages(services, look),
        )
        first = FirstRunPages(services, look)
        # Fixed paths before those with parameters.
        of_the_desk = (
            *(ConfigPastPages, ConfigPages, AuditPages, SilencePages, ChannelPages),
            *(UserPages, KeyPages, AccountPages, SecondFactorPages, CachePages),
        )
        own = (today, first, acts, jobs, queues, edit, schedules, desk)
        asked = (pages(services, look) for pages in of_the_desk)
        self._groups = (FileRoutes(), live, *own, *pictures, *asked, alerts)

    def add_to(self, router: APIRouter) -> None:
        for group in self._groups:
            group.add_to(router)

    def refusal(self, error: AppError, request: Request) -> Response:
        return self._refusals.refusal(error, request)


def create_site(services: Services, *, listening: Iterable[tuple[str, int]] | None = None) -> Site:
    """`listening` is every address it is served on, as the settings have it."""
    addresses = list(listening or [(services.settings.host, services.settings.port)])
    feed = LiveFeed(services.clock, services.job_watch.signs)
    url = escape(f"http://localhost:{addresses[0][1]}")
    app = create_app(services, listening=addresses, pages=Dashboard(services, feed, url=url))
    return Site(app=app, feed=feed, services=services)
