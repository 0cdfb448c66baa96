"""Every group of endpoints, in the order their paths are tried."""

from munshi.api.request_counts import RequestCounts
from munshi.api.roles import Routes
from munshi.api.routes.alert_channels import AlertChannelRoutes
from munshi.api.routes.alerts import AlertRoutes
from munshi.api.routes.api_keys import ApiKeyRoutes
from munshi.api.routes.audit import AuditRoutes
from munshi.api.routes.audit_archives import AuditArchiveRoutes
from munshi.api.routes.auth import AuthRoutes
from munshi.api.routes.backtests import BacktestRoutes
from munshi.api.routes.cache import CacheRoutes
from munshi.api.routes.callbacks import CallbackRoutes
from munshi.api.routes.collections import CollectionRoutes
from munshi.api.routes.config import ConfigRoutes
from munshi.api.routes.config_past import ConfigPastRoutes
from munshi.api.routes.data import DataRoutes
from munshi.api.routes.data_quality import DataQualityRoutes
from munshi.api.routes.health import HealthRoutes
from munshi.api.routes.instruments import InstrumentRoutes
from munshi.api.routes.job_bulk import JobBulkRoutes
from munshi.api.routes.job_events import JobEventRoutes
from munshi.api.routes.job_parts import JobPartRoutes
from munshi.api.routes.job_queues import JobQueueRoutes
from munshi.api.routes.jobs import JobRoutes
from munshi.api.routes.limits import LimitRoutes
from munshi.api.routes.metrics import MetricsRoutes
from munshi.api.routes.people import PeopleRoutes
from munshi.api.routes.quotes import QuoteRoutes
from munshi.api.routes.schedules import ScheduleRoutes
from munshi.api.routes.second_factor import SecondFactorRoutes
from munshi.api.routes.signals import SignalRoutes
from munshi.api.routes.users import UserRoutes
from munshi.api.routes.validations import ValidationRoutes
from munshi.bootstrap import Services


def all_routes(services: Services, counts: RequestCounts) -> list[Routes]:
    return [
        AuthRoutes(services),
        CallbackRoutes(services),
        JobBulkRoutes(services),
        JobQueueRoutes(services),
        JobRoutes(services),
        JobPartRoutes(services),
        JobEventRoutes(services),
        ScheduleRoutes(services),
        ConfigPastRoutes(services),
        ConfigRoutes(services),
        AuditRoutes(services),
        AuditArchiveRoutes(services),
        DataRoutes(services),
        CollectionRoutes(services),
        DataQualityRoutes(services),
        InstrumentRoutes(services),
        QuoteRoutes(services),
        BacktestRoutes(services),
        ValidationRoutes(services),
        SignalRoutes(services),
        HealthRoutes(services),
        LimitRoutes(services),
        AlertChannelRoutes(services),
        AlertRoutes(services),
        CacheRoutes(services),
        MetricsRoutes(services, counts),
        PeopleRoutes(services),
        SecondFactorRoutes(services),
        UserRoutes(services),
        ApiKeyRoutes(services),
    ]
