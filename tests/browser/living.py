"""A desk with something on every page: logins, jobs of every kind, schedules, a paused queue."""

from collections.abc import Mapping
from datetime import UTC, datetime

from browser.site import Site
from desks import TESTER
from jobs.stories import Storyteller
from munshi.domain.jobs import PauseKind

MORNING = datetime(2026, 11, 20, 3, 20, tzinfo=UTC)  # Friday 08:50 IST


def fill(site: Site) -> Mapping[str, str]:
    """Ids of jobs, by what became of them."""
    services, clock = site.desk.services, site.desk.clock
    clock.set(MORNING)
    services.config.seed(actor=TESTER)
    site.desk.log_in_everywhere()
    stories = Storyteller(database=services.database, clock=clock, home=services.settings.home)
    told, failed = stories.told("tell", "4"), stories.told("refuse", "that")
    stories.told("share", "ab")
    services.jobs.enqueue("health_sweep", {}, actor=TESTER)
    services.worker().run_until_idle()
    stories.ask("act", "4")
    scheduler = services.scheduler()
    scheduler.tick()
    services.queues.pause(PauseKind.QUEUE, "default", reason="A look at it.", actor=TESTER)
    return {"told": str(told), "failed": str(failed)}
