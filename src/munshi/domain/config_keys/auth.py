"""Keys of type `auth`: how to sign in to the brokers, and how long people stay signed in here."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from munshi.domain.config_keys.key import AUTH, ConfigKey
from munshi.domain.config_values import Flag, Text, Whole
from munshi.domain.enums import Service

MIRROR_TOKENS_TO_ENV = "mirror_tokens_to_env"
SIMULATED_HEADLESS = "simulated_headless"
EXPIRY_WARNING_MINUTES = "expiry_warning_minutes"
SESSION_TIMEOUT_MINUTES = "session_timeout_minutes"
SESSION_IDLE_MINUTES = "session_idle_minutes"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerKeys:
    """The names under which one broker's credentials are kept in type `auth`."""

    api_key: str
    api_secret: str
    user_id: str
    password: str
    totp_seed: str
    headless: str


BROKER_KEYS: Mapping[Service, BrokerKeys] = MappingProxyType(
    {
        service: BrokerKeys(
            api_key=f"{service}.api_key",
            api_secret=f"{service}.api_secret",
            user_id=f"{service}.user_id",
            password=f"{service}.password",
            totp_seed=f"{service}.totp_seed",
            headless=f"{service}.headless",
        )
        for service in Service
    }
)


def _broker_keys(service: Service, broker: str) -> tuple[ConfigKey, ...]:
    names = BROKER_KEYS[service]

    def credential(name: str, description: str, *, is_secret: bool = False) -> ConfigKey:
        return ConfigKey(
            config_type=AUTH,
            name=name,
            shape=Text(longest=200),
            description=description,
            is_secret=is_secret,
        )

    return (
        credential(names.api_key, f"The key of your {broker} app."),
        credential(names.api_secret, f"The secret of your {broker} app.", is_secret=True),
        credential(
            names.user_id, f"Your user at {broker}; a login of anybody else is thrown away."
        ),
        credential(
            names.password,
            f"Your password at {broker}; kept only where headless login was asked for.",
            is_secret=True,
        ),
        credential(
            names.totp_seed,
            f"The seed of your one-time codes at {broker}; kept only for headless login.",
            is_secret=True,
        ),
        ConfigKey(
            config_type=AUTH,
            name=names.headless,
            shape=Flag(),
            default=False,
            description=f"Whether Munshi may log in at {broker} by itself with the stored "
            "password and seed.",
        ),
    )


KEYS: tuple[ConfigKey, ...] = (
    *_broker_keys(Service.KITE, "Kite"),
    *_broker_keys(Service.BREEZE, "Breeze"),
    ConfigKey(
        config_type=AUTH,
        name=MIRROR_TOKENS_TO_ENV,
        shape=Flag(),
        default=False,
        description="Whether new tokens are written to the .env file too, for scripts that read "
        "them there.",
    ),
    ConfigKey(
        config_type=AUTH,
        name=SIMULATED_HEADLESS,
        shape=Flag(),
        default=True,
        description="Whether the simulator's own user has opted in to headless login.",
    ),
    ConfigKey(
        config_type=AUTH,
        name=EXPIRY_WARNING_MINUTES,
        shape=Whole(smallest=0, largest=1440),
        unit="minutes",
        default=30,
        description="How many minutes before its end a login at a broker counts as expiring, and "
        "an alert says so; 0 for never.",
    ),
    ConfigKey(
        config_type=AUTH,
        name=SESSION_TIMEOUT_MINUTES,
        shape=Whole(smallest=5, largest=43_200),
        default=1440,
        needs_admin=True,
        description="After how many minutes a user has to sign in again, however busy; for "
        "sessions that begin from then on.",
    ),
    ConfigKey(
        config_type=AUTH,
        name=SESSION_IDLE_MINUTES,
        shape=Whole(smallest=2, largest=43_200),
        default=60,
        needs_admin=True,
        description="After how many minutes without a request, and with no page in view, a user "
        "has to sign in again; for sessions that begin from then on.",
    ),
)
