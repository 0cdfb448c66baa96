"""What the files of an older install are called, and where each of their settings belongs."""

from collections.abc import Mapping
from types import MappingProxyType

from munshi.domain.config_keys import AUTH, BROKER_KEYS, NOTIFICATIONS, TRADING
from munshi.domain.enums import Service

Name = tuple[str, str]
ENV = ".env"
SCHEDULER_FILE = "scheduler_config.json"
EXPIRY_FILE = "expiry_weekday_config.json"
FILES = (
    ENV,
    SCHEDULER_FILE,
    "config.json",
    "trading_limits.json",
    "alert_config.json",
    "exit_timing_config.json",
    EXPIRY_FILE,
)
_DIES_DAILY = "a token lives for a day at most: log in again (munshi login)"
_DATABASE = "which database it is, the process is told by MUNSHI_DATABASE_URL"
NO_CONSENT = (
    "what it meant there is no consent to keep a password here; "
    "to let Munshi log in by itself: munshi connect "
)
_RETRIES = "how often a login is tried again, the job type says"


def _env() -> dict[str, Name]:
    found: dict[str, Name] = {}
    for service in Service:
        keys, prefix = BROKER_KEYS[service], service.upper()
        found |= {
            f"{prefix}_API_KEY": (AUTH, keys.api_key),
            f"{prefix}_API_SECRET": (AUTH, keys.api_secret),
            f"{prefix}_USER_ID": (AUTH, keys.user_id),
            f"{prefix}_PASSWORD": (AUTH, keys.password),
            f"{prefix}_TOTP_SECRET": (AUTH, keys.totp_seed),
        }
    named = {
        "TELEGRAM_BOT_TOKEN": "telegram.bot_token",
        "TELEGRAM_CHAT_ID": "telegram.chat_id",
        "TELEGRAM_ENABLED": "telegram.enabled",
        "EMAIL_ENABLED": "email.enabled",
        "EMAIL_TO": "email.to",
        "EMAIL_RECIPIENT": "email.to",
        "EMAIL_FROM": "email.from",
        "EMAIL_HOST": "smtp.host",
        "EMAIL_PORT": "smtp.port",
        "EMAIL_USER": "smtp.user",
        "EMAIL_USERNAME": "smtp.user",
        "EMAIL_PASSWORD": "smtp.password",
        "SMTP_HOST": "smtp.host",
        "SMTP_SERVER": "smtp.host",
        "SMTP_PORT": "smtp.port",
        "SMTP_USER": "smtp.user",
        "SMTP_USERNAME": "smtp.user",
        "SMTP_PASSWORD": "smtp.password",
        "SMTP_USE_TLS": "smtp.use_tls",
    }
    return found | {name: (NOTIFICATIONS, key) for name, key in named.items()}


def _all(config_type: str, head: str, names: Mapping[str, str]) -> dict[str, Name]:
    return {head + name: (config_type, key) for name, key in names.items()}


_POSITIONS = {
    "default_lots": "default_lots",
    "max_lots": "max_lots",
    "hedge_offset": "hedge_offset",
    "hedge_percentage": "hedge_percentage",
}
_RISK = {
    "max_loss_per_trade": "max_loss_per_trade",
    "max_daily_loss": "max_daily_loss",
    "max_positions": "max_positions",
}
_TOLD = {
    "enabled": "enabled",
    "on_success": "on_success",
    "on_failure": "on_failure",
    "email": "email.to",
    "webhook": "webhook.url",
    "webhook_url": "webhook.url",
    "telegram_enabled": "telegram.enabled",
    "telegram_bot_token": "telegram.bot_token",
    "telegram_chat_id": "telegram.chat_id",
    "telegram.enabled": "telegram.enabled",
    "telegram.bot_token": "telegram.bot_token",
    "telegram.chat_id": "telegram.chat_id",
    "email_enabled": "email.enabled",
    "email.enabled": "email.enabled",
    "email.to": "email.to",
    "daily_summary": "daily_summary.enabled",
    "daily_summary_time": "daily_summary.time",
}
_HOURS = {
    "start": "market_hours.open",
    "open": "market_hours.open",
    "end": "market_hours.close",
    "close": "market_hours.close",
}
_EXIT = {
    "exit_time": "exit.time",
    "exit_day_offset": "exit.day_offset",
    "exit_on_expiry": "exit.on_expiry",
}

# By file, then by the path of the field within it.
FIELDS: Mapping[str, Mapping[str, Name]] = MappingProxyType(
    {
        ENV: _env(),
        SCHEDULER_FILE: {
            **_all(NOTIFICATIONS, "notifications.", _TOLD),
        },
        "config.json": {
            **_all(TRADING, "trading.", _POSITIONS),
            **_all(TRADING, "risk_management.", _RISK),
            **_all(TRADING, "market_hours.", _HOURS),
            **_all(NOTIFICATIONS, "notifications.", _TOLD),
        },
        "trading_limits.json": _all(
            TRADING, "", {**_POSITIONS, **_RISK, "max_trades_per_day": "max_trades_per_day"}
        ),
        "alert_config.json": _all(NOTIFICATIONS, "", _TOLD),
        "exit_timing_config.json": _all(TRADING, "", _EXIT),
        EXPIRY_FILE: {},
    }
)
# What is known and on purpose not taken over, and why.
LEFT: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        ENV: {
            "DB_SERVER": _DATABASE,
            "DB_NAME": _DATABASE,
            "BREEZE_API_SESSION": _DIES_DAILY,
            "KITE_ACCESS_TOKEN": _DIES_DAILY,
            "KITE_REQUEST_TOKEN": _DIES_DAILY,
        },
        SCHEDULER_FILE: {
            **{f"{service}.max_retries": _RETRIES for service in Service},
            **{f"{service}.headless": NO_CONSENT + service for service in Service},
        },
    }
)
