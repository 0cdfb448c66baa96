"""Where Kite Connect is: the API, the stream, and the web pages a person logs in on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True, kw_only=True)
class KiteEndpoints:
    """Addresses without a trailing slash."""

    api: str
    web: str
    stream: str

    @classmethod
    def live(cls) -> Self:
        return cls(
            api="https://api.kite.trade",
            web="https://kite.zerodha.com",
            stream="wss://ws.kite.trade",
        )

    @classmethod
    def at(cls, address: str) -> Self:
        """Everything on one host, as the simulator serves it."""
        here = address.rstrip("/")
        return cls(api=here, web=here, stream=f"ws{here.removeprefix('http')}")

    def login_url(self, api_key: str, *, redirect_params: Mapping[str, str] | None = None) -> str:
        """The page to log in on. `redirect_params` come back on the redirect (Kite docs, login).

        The redirect address itself is the one registered for the app; it cannot be given here.
        """
        query = {"v": "3", "api_key": api_key}
        if redirect_params:
            query["redirect_params"] = urlencode(redirect_params)
        return f"{self.web}/connect/login?{urlencode(query)}"
