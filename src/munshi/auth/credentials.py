"""A broker's app and user: from the database, else from `.env`, else the simulator's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from munshi.config.service import ConfigService
from munshi.domain.audit import Actor
from munshi.domain.config_keys import AUTH, BROKER_KEYS, SIMULATED_HEADLESS
from munshi.domain.enums import Service
from munshi.errors import CredentialsMissingError
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER, KITE_USER
from munshi.infrastructure.brokers.web_session import WebCredentials
from munshi.settings import BrokerMode

_SIMULATED = {Service.KITE: KITE_USER, Service.BREEZE: BREEZE_USER}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerCredentials:
    """What is known of one broker's app and user. `headless` means the user opted in."""

    api_key: str
    api_secret: str = field(repr=False)
    user_id: str | None
    password: str | None = field(repr=False)
    totp_seed: str | None = field(repr=False)
    headless: bool
    origin: str

    def for_web(self) -> WebCredentials | None:
        """What a headless login needs; None unless all is there and the user opted in."""
        if not (self.headless and self.user_id and self.password and self.totp_seed):
            return None
        return WebCredentials(
            app_key=self.api_key,
            user_id=self.user_id,
            password=self.password,
            totp_seed=self.totp_seed,
        )


class CredentialStore:
    """Where credentials are looked up, each time anew, so that a change is seen at once."""

    def __init__(
        self,
        config: ConfigService,
        *,
        mode: BrokerMode,
        read_env: Callable[[], Mapping[str, str]],
    ) -> None:
        self._config = config
        self._mode = mode
        self._read_env = read_env

    def get(self, service: Service) -> BrokerCredentials:
        """The broker's credentials.

        In simulated mode always the simulator's own, so that a real key never reaches it. Raises
        CredentialsMissingError.
        """
        if self._mode is BrokerMode.SIMULATED:
            return self._simulated(service)
        return self._stored(service) or self._from_env(service)

    def _simulated(self, service: Service) -> BrokerCredentials:
        user = _SIMULATED[service]
        return BrokerCredentials(
            api_key=user.app_key,
            api_secret=user.app_secret,
            user_id=user.user_id,
            password=user.password,
            totp_seed=user.totp_seed,
            headless=bool(self._config.value(AUTH, SIMULATED_HEADLESS)),
            origin="simulator",
        )

    def _stored(self, service: Service) -> BrokerCredentials | None:
        keys = BROKER_KEYS[service]
        api_key = self._config.value(AUTH, keys.api_key)
        api_secret = self._config.secret(AUTH, keys.api_secret)
        if not api_key or not api_secret:
            return None
        return BrokerCredentials(
            api_key=api_key,
            api_secret=api_secret,
            user_id=self._config.value(AUTH, keys.user_id) or None,
            password=self._config.secret(AUTH, keys.password),
            totp_seed=self._config.secret(AUTH, keys.totp_seed),
            headless=bool(self._config.value(AUTH, keys.headless)),
            origin="database",
        )

    def _from_env(self, service: Service) -> BrokerCredentials:
        found = env_credentials(service, self._read_env())
        if found is None:
            prefix = service.upper()
            raise CredentialsMissingError(
                f"No API key and secret are stored for {service}, and .env has no "
                f"{prefix}_API_KEY and {prefix}_API_SECRET.",
                hint=f"munshi connect {service}",
            )
        return found


def save_credentials(
    config: ConfigService, service: Service, credentials: BrokerCredentials, *, actor: Actor
) -> list[str]:
    """Put these in the place of what was stored before; the names of what is set now."""
    keys = BROKER_KEYS[service]
    wanted: dict[str, object] = {
        keys.api_key: credentials.api_key,
        keys.api_secret: credentials.api_secret,
        keys.user_id: credentials.user_id,
        keys.password: credentials.password,
        keys.totp_seed: credentials.totp_seed,
        keys.headless: credentials.headless or None,
    }
    before = {one.config_key for one in config.list_type(AUTH) if one.is_set}
    changes = {name: new for name, new in wanted.items() if new is not None or name in before}
    config.set_several(AUTH, changes, actor=actor)
    return [name for name, new in changes.items() if new is not None]


def env_credentials(service: Service, env: Mapping[str, str]) -> BrokerCredentials | None:
    """What an old-style `.env` says of `service`; None unless key and secret are both there.

    Opting in to headless login is a decision of its own, so `.env` alone never does.
    """
    prefix = service.upper()
    api_key, api_secret = env.get(f"{prefix}_API_KEY"), env.get(f"{prefix}_API_SECRET")
    if not api_key or not api_secret:
        return None
    return BrokerCredentials(
        api_key=api_key,
        api_secret=api_secret,
        user_id=env.get(f"{prefix}_USER_ID") or None,
        password=env.get(f"{prefix}_PASSWORD") or None,
        totp_seed=env.get(f"{prefix}_TOTP_SECRET") or None,
        headless=False,
        origin=".env",
    )
