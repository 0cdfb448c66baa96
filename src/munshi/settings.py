"""What this process was told from outside: environment and `.env`, typed, with defaults."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from munshi.errors import SettingsInvalidError


class BrokerMode(StrEnum):
    """Whether Munshi talks to the simulator or to the brokers themselves."""

    SIMULATED = "simulated"
    LIVE = "live"


class LocalTrust(StrEnum):
    """What a plain request from this machine may do."""

    OPERATOR = "operator"
    VIEWER = "viewer"
    OFF = "off"


class KeySource(StrEnum):
    """Where the master key is kept; `auto` finds where it was left."""

    AUTO = "auto"
    KEYRING = "keyring"
    FILE = "file"
    ENVIRONMENT = "environment"


class Settings(BaseSettings):
    """Every `MUNSHI_*` variable, each with one line that the docs repeat."""

    model_config = SettingsConfigDict(
        env_prefix="MUNSHI_",
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
    )

    home: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("munshi", appauthor=False)),
        description="Folder for the database, candles, key file and simulator state.",
    )
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="Database address; empty means SQLite in the home folder.",
    )
    database_pool_size: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Connections a process keeps open to a server database.",
    )
    brokers: BrokerMode = Field(
        default=BrokerMode.SIMULATED, description="`simulated` or `live` brokers."
    )
    env_file: Path = Field(
        default=Path(".env"),
        description="Old-style file with broker credentials, read as a fallback.",
    )
    host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port the API listens on.")
    public_url: str = Field(
        default="", description="Address people reach Munshi by from outside; ends local trust."
    )
    trusted_proxy: str = Field(
        default="", description="Proxy whose forwarding is expected; ends local trust."
    )
    allowed_hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Extra Host names to answer to (JSON list); ends local trust.",
    )
    local_trust: LocalTrust = Field(
        default=LocalTrust.OPERATOR,
        description="What a plain request from this machine may do: `operator`, `viewer` or `off`.",
    )
    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="Lowest level of log events written to stderr.",
    )
    worker_threads: int = Field(
        default=4, ge=1, le=64, description="Jobs one worker process runs at a time."
    )
    worker_processes: int = Field(
        default=1, ge=0, le=64, description="CPU jobs one worker process runs beside, at a time."
    )
    lease_seconds: float = Field(
        default=30.0,
        ge=1,
        le=3600,
        description="How long a worker may be silent before its job is taken over.",
    )
    simulator_url: str = Field(
        default="",
        description="Address of a simulator already running; empty means Munshi starts its own.",
    )
    master_key: SecretStr = Field(
        default=SecretStr(""),
        description="Master key as `KEYID:BASE64`; several parted by commas, the newest first.",
    )

    key_source: KeySource = Field(
        default=KeySource.AUTO,
        description="Where the master key is: `auto`, `keyring`, `file` or `environment`.",
    )

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _read_list(cls, value: object) -> object:
        """Here and not by the library, whose complaint would name no variable."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError('a JSON list is expected, such as ["desk.lan"]') from None

    @property
    def base_url(self) -> str:
        """Where a person's browser finds us."""
        return self.public_url.rstrip("/") or f"http://localhost:{self.port}"


def load_settings(**overrides: object) -> Settings:
    """Read the environment.

    Raises SettingsInvalidError naming the variable, never its value.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise _complaints(error)[0] from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(error) from error


def load_settings_anyway(**overrides: object) -> tuple[Settings, list[SettingsInvalidError]]:
    """`load_settings` for who looks for what is wrong: the default stands in for what is not good.

    Raises nothing; all that `load_settings` would have complained of stands beside the settings.
    """
    complaints: list[SettingsInvalidError] = []
    try:
        return Settings(**overrides), complaints  # type: ignore[arg-type]
    except ValidationError as error:
        complaints += _complaints(error)
        stand_ins = _defaults(error)
    except (OSError, UnicodeDecodeError) as error:
        complaints.append(_unreadable(error))
        stand_ins = {"_env_file": None}
    settings, more = load_settings_anyway(**{**overrides, **stand_ins})
    return settings, complaints + more


def _defaults(error: ValidationError) -> dict[str, object]:
    names = {str(each["loc"][0]) for each in error.errors(include_input=False, include_url=False)}
    fields = Settings.model_fields
    return {name: fields[name].get_default(call_default_factory=True) for name in sorted(names)}


def _complaints(error: ValidationError) -> list[SettingsInvalidError]:
    found: list[SettingsInvalidError] = []
    for each in error.errors(include_input=False, include_url=False):
        name = "MUNSHI_" + "_".join(str(part) for part in each["loc"]).upper()
        found.append(
            SettingsInvalidError(f"{name}: {each['msg']}.", hint=f"Set {name} or unset it.")
        )
    return found


def _unreadable(error: OSError | UnicodeDecodeError) -> SettingsInvalidError:
    why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
    return SettingsInvalidError(
        f"The .env file of the working folder cannot be read: {why}.",
        hint="Mend or remove it: it stands in the folder that munshi is started in.",
    )
