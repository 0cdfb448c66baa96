"""Where ICICI Breeze is: two API hosts, the login pages, the security master and live prices."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import quote_plus


@dataclass(frozen=True, slots=True, kw_only=True)
class BreezeEndpoints:
    """Addresses without a trailing slash. `v1` is signed, `v2` serves history only."""

    v1: str
    v2: str
    web: str
    security_master: str
    stream: str

    @classmethod
    def live(cls) -> Self:
        return cls(
            v1="https://api.icicidirect.com/breezeapi/api/v1",
            v2="https://breezeapi.icicidirect.com/api/v2",
            web="https://api.icicidirect.com/apiuser",
            security_master=(
                "https://directlink.icicidirect.com/MotherAppMaster/SecurityMaster.zip"
            ),
            stream="wss://livestream.icicidirect.com",
        )

    @classmethod
    def at(cls, address: str) -> Self:
        """Everything on one host, as the simulator serves it."""
        root = address.rstrip("/")
        return cls(
            v1=f"{root}/breezeapi/api/v1",
            v2=f"{root}/api/v2",
            web=f"{root}/apiuser",
            security_master=f"{root}/MotherAppMaster/SecurityMaster.zip",
            stream=f"ws{root.removeprefix('http')}",
        )

    def login_url(self, app_key: str) -> str:
        """The page to log in on. App keys hold special characters and must be quoted."""
        return f"{self.web}/login?api_key={quote_plus(app_key)}"
