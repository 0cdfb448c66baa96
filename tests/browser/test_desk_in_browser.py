"""A person changes a setting and goes back, verifies the audit trail, and deals with an alert."""

from datetime import timedelta

from playwright.sync_api import Page, expect

from browser.chromium import PHONE, Watch
from browser.people import sign_in
from browser.site import Site
from crowd import PASSWORD
from munshi.domain.alerts import Severity
from munshi.domain.roles import Role

OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SCRIPT = "<script>window.stolen = 1</script>"


def test_a_setting_is_edited_and_rolled_back(tab: Page, site: Site) -> None:
    sign_in(tab, site, Role.OPERATOR)
    tab.get_by_text("Desk", exact=True).click()
    tab.get_by_role("link", name="Configuration").click()
    tab.locator("#type-jobs > summary").click()
    tab.get_by_role("link", name="keep_days", exact=True).first.click()

    for days in ("45", "46"):
        tab.get_by_label("Value (days)").fill(days)
        tab.get_by_role("button", name="Store").click()
        expect(tab.locator("#now")).to_have_text(days)
    tab.get_by_role("link", name="back to this").click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text("Back to revision")
    tab.get_by_role("button", name="Yes, go back").click()

    expect(tab.locator("#now")).to_have_text("45")
    expect(tab.get_by_role("status").first).to_contain_text("It is as it was")
    tab.set_viewport_size(PHONE)
    assert tab.evaluate(OVERHANG) == 0


def test_the_audit_trail_is_verified(tab: Page, site: Site) -> None:
    site.desk.services.ledger.seal()
    sign_in(tab, site, Role.OPERATOR, at="/ui/audit/seal")
    tab.get_by_role("button", name="Verify now").click()
    tab.get_by_role("button", name="Yes, verify it now").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("audit_verification")

    worker = site.desk.services.worker()
    worker.run_until_idle()
    expect(tab.locator("main")).to_contain_text("is_sound")

    tab.goto(f"{site.url}/ui/audit/seal")
    expect(tab.locator("main")).to_contain_text("all is as it was sealed")


def test_an_alert_is_acknowledged_and_silenced_and_its_script_is_text(
    tab: Page, site: Site
) -> None:
    with site.desk.services.database.transaction() as tx:
        tx.alerts.raise_alert(
            "job_dead:swing",
            kind="job_dead",
            severity=Severity.CRITICAL,
            title=f"Swing died {SCRIPT}",
            now=site.desk.clock.now(),
        )
    sign_in(tab, site, Role.OPERATOR, at="/ui/alerts")
    expect(tab.locator("main")).to_contain_text(SCRIPT)

    tab.get_by_role("button", name="Acknowledge").click()
    tab.get_by_role("button", name="Yes, acknowledge it").click()
    expect(tab.locator("main")).to_contain_text("by omar")
    tab.get_by_role("button", name="Silence").click()
    tab.get_by_label("Why").fill(f"known {SCRIPT}")
    tab.get_by_role("button", name="Silence them").click()
    expect(tab.locator("main")).to_contain_text(f"known {SCRIPT}")
    tab.get_by_role("link", name="End it").click()
    tab.get_by_role("button", name="Yes, end it").click()

    expect(tab.locator("main")).to_contain_text("None is in force")
    assert tab.evaluate("window.stolen") is None
    assert site.desk.services.alerts.list_silences() == []


def test_an_administrator_adds_a_user_after_giving_the_password_again(
    tab: Page, site: Site
) -> None:
    sign_in(tab, site, Role.ADMIN, at="/ui/users")
    site.desk.clock.advance(timedelta(minutes=20))
    tab.get_by_role("button", name="Add a user").click()
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Go on").click()
    tab.get_by_label("Name").fill("nina")
    tab.get_by_role("button", name="Add, and make a one-time link").click()

    expect(tab.locator("#once")).to_contain_text("/ui/setup?token=")
    tab.get_by_role("button", name="I have it").click()
    expect(tab.get_by_role("link", name="nina")).to_be_visible()


def test_each_role_meets_its_limits(tab: Page, site: Site, watch: Watch) -> None:
    setting, trust = "/ui/configuration/jobs/keep_days", "/ui/configuration/people/confirm_minutes"
    for role, may_change in ((Role.ADMIN, True), (Role.OPERATOR, False)):
        sign_in(tab, site, role, at=trust)
        expect(tab.get_by_role("button", name="Store")).to_have_count(int(may_change))
        tab.goto(f"{site.url}{setting}")
        expect(tab.get_by_role("button", name="Store")).to_have_count(1)
        tab.goto(f"{site.url}/ui/users")
        expect(tab.get_by_role("heading", level=1)).to_have_text(
            "Users" if may_change else "This caller may not do that"
        )
        tab.get_by_role("button", name="Sign out").click()
    watch.wait("403")
    sign_in(tab, site, Role.VIEWER)
    tab.get_by_text("Desk", exact=True).click()
    expect(tab.get_by_role("link", name="Users")).to_have_count(0)

    for path in (setting, "/ui/audit/seal", "/ui/alerts", "/ui/cache"):
        tab.goto(f"{site.url}{path}")
        expect(tab.locator("main form")).to_have_count(0)
        expect(tab.locator("main [role=button]")).to_have_count(0)
