"""A desk's alerts on one database and one clock: rules, notices, messages, and who is told."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from clocks import FakeClock
from munshi.alerts.courier import Courier
from munshi.alerts.engine import RuleEngine
from munshi.alerts.planner import Planner
from munshi.alerts.service import AlertService, MessageStory
from munshi.clock import IST
from munshi.config.service import ConfigService
from munshi.domain.alert_delivery import Channel
from munshi.domain.alert_rules import Fact
from munshi.domain.alerts import Alert, Severity
from munshi.domain.audit import MUNSHI
from munshi.domain.config_keys import ALERTS
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

BASE = "http://desk.test"


@dataclass(kw_only=True)
class Telling:
    """`facts` are what the rules find when they look at health."""

    database: Database
    clock: FakeClock
    facts: list[Fact] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.planner = Planner(base_url=BASE, mode="simulated")
        self.courier = Courier(self.database, self.clock)
        self.service = AlertService(self.database, self.clock)
        self.engine = RuleEngine(
            self.database,
            self.clock,
            mode=BrokerMode.SIMULATED,
            sources={"health": lambda: self.facts},
            is_trading_day=_is_weekday,
        )

    def configure(self, key: str, value: object) -> None:
        ConfigService(self.database, self.clock).set(ALERTS, key, value, actor=MUNSHI)

    def add_channel(
        self, url: str, name: str = "phone", least: Severity = Severity.INFO
    ) -> Channel:
        channel = Channel(
            channel_id=uuid4(),
            name=name,
            kind=url.partition(":")[0],
            least_severity=least,
            is_active=True,
            created_by="asha",
            created_at=self.clock.now(),
        )
        with self.database.transaction() as tx:
            tx.alert_channels.add_channel(channel, url)
        return channel

    def fire(
        self,
        fingerprint: str = "login:kite",
        *,
        severity: Severity = Severity.WARNING,
        kind: str = "told_of",
        title: str = "Kite ended the login.",
    ) -> None:
        with self.database.transaction() as tx:
            tx.alerts.raise_alert(
                fingerprint, kind=kind, severity=severity, title=title, now=self.clock.now()
            )

    def end(self, fingerprint: str = "login:kite") -> None:
        with self.database.transaction() as tx:
            tx.alerts.resolve_alert(fingerprint, now=self.clock.now())

    def look(self, after: float = 0) -> dict[str, str]:
        """Let so many seconds pass, look at the rules; open alerts with their states."""
        self.clock.advance(timedelta(seconds=after))
        self.engine.look()
        return {each.fingerprint: each.state for each in self.open()}

    def open(self) -> list[Alert]:
        return self.service.list_open()

    def plan(self, after: float = 0) -> int:
        """Let so many seconds pass, and plan; how many messages were made."""
        self.clock.advance(timedelta(seconds=after))
        with self.database.transaction() as tx:
            self.planner.repeat(tx, now=self.clock.now())
            return self.planner.plan(tx, now=self.clock.now())

    def tell(self, after: float = 0) -> int:
        """Plan, and send what is due; how many tries were made."""
        self.plan(after)
        tried = 0
        while now := self.courier.deliver():
            tried += now
        return tried

    @property
    def messages(self) -> list[MessageStory]:
        """Oldest first."""
        return self.service.list_messages(100)[::-1]

    @property
    def outcomes(self) -> list[list[str]]:
        """Of each message, how its tries ended."""
        return [[str(each.outcome) for each in one.deliveries] for one in self.messages]


def _is_weekday(now: datetime) -> bool:
    return now.astimezone(IST).weekday() < 5
