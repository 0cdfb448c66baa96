"""Kite Connect v3 over HTTP: logging in, instruments, quotes and history."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import httpx

from munshi.domain.enums import Service
from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import Instrument
from munshi.domain.market.intervals import Interval
from munshi.errors import BrokerRequestError, DateRangeInvalidError
from munshi.infrastructure.brokers.answer import Answer
from munshi.infrastructure.brokers.http import Reply
from munshi.infrastructure.brokers.kite.access import KiteAccess, session_checksum
from munshi.infrastructure.brokers.kite.candles import read_candles, window_text
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.kite.envelope import BROKER, read_csv, read_data, read_login
from munshi.infrastructure.brokers.kite.instruments import read_instruments
from munshi.infrastructure.brokers.kite.limits import (
    INTERVAL_NAMES,
    MAX_LAST_PRICES,
    MAX_QUOTES,
    max_span,
)
from munshi.infrastructure.brokers.kite.quotes import read_last_prices, read_ohlc, read_quotes
from munshi.infrastructure.brokers.line import (
    UNPROTECTED,
    BrokerLine,
    Gate,
    Guard,
    Resilience,
)
from munshi.infrastructure.brokers.pulse import Pulse, read_pulse
from munshi.infrastructure.brokers.results import (
    GrantedLogin,
    OhlcQuote,
    Profile,
    Quote,
    SegmentMargin,
)

_VERSION = {"X-Kite-Version": "3"}
Query = Mapping[str, str | Sequence[str]]
Q = TypeVar("Q")


class KiteClient:
    """Kite for one app. Reads wait out a 429; what changes something is sent once.

    Every call raises BrokerSessionExpiredError, BrokerThrottledError, BrokerRequestError or
    BrokerUnavailableError, by what Kite's answer says; never by its status alone.
    """

    def __init__(
        self,
        *,
        http: httpx.Client,
        endpoints: KiteEndpoints,
        gate: Gate,
        guard: Guard,
        resilience: Resilience = UNPROTECTED,
    ) -> None:
        self._endpoints = endpoints
        self._line = BrokerLine(
            broker=BROKER, http=http, gate=gate, guard=guard, resilience=resilience
        )

    def login_url(self, api_key: str, *, redirect_params: Mapping[str, str] | None = None) -> str:
        return self._endpoints.login_url(api_key, redirect_params=redirect_params)

    def exchange_request_token(
        self, request_token: str, *, api_key: str, api_secret: str
    ) -> GrantedLogin:
        """Turn the redirect's token, good once and for a few minutes, into the day's login.

        Raises BrokerLoginRefusedError when the token is spent or too old or the secret is wrong.
        """
        form = {
            "api_key": api_key,
            "request_token": request_token,
            "checksum": session_checksum(
                api_key=api_key, request_token=request_token, api_secret=api_secret
            ),
        }
        build = self._form("/session/token", form)
        return self._line.ask("kite.other", build, read=_read_grant, sign_in=True)

    def invalidate(self, access: KiteAccess) -> None:
        """End the login at Kite."""
        query = {"api_key": access.api_key, "access_token": access.access_token}
        build = self._build("DELETE", "/session/token", access, query)
        self._line.ask("kite.other", build, read=read_data)

    def pulse(self) -> Pulse:
        """Whether Kite answers; asked without key and token. Raises BrokerUnavailableError."""
        return self._line.feel(
            "kite.pulse",
            lambda: self._line.http.build_request(
                "GET", f"{self._endpoints.api}/user/profile", headers=_VERSION
            ),
            read=read_pulse,
        )

    def profile(self, access: KiteAccess) -> Profile:
        data = self._read("/user/profile", access)
        return Profile(
            user_id=data["user_id"].text(),
            user_name=data["user_name"].text(),
            user_type=data["user_type"].text(),
            email=data.get("email").text_or(""),
            broker=data["broker"].text(),
            exchanges=data["exchanges"].texts(),
            products=data["products"].texts(),
            order_types=data["order_types"].texts(),
        )

    def margins(self, access: KiteAccess) -> dict[str, SegmentMargin]:
        """By segment: equity, commodity."""
        data = self._read("/user/margins", access)
        return {segment: _margin(segment, row) for segment, row in data.items()}

    def instruments(
        self, access: KiteAccess, *, exchange: str | None = None
    ) -> Iterator[Instrument]:
        """The day's instruments, of one exchange or all; about 120,000 rows, read as they are used.

        The download is over when this returns. Kite asks that it be done once a day.
        """
        path = f"/instruments/{exchange}" if exchange else "/instruments"
        dump = self._line.ask_again("kite.other", self._build("GET", path, access), read=read_csv)
        return read_instruments(dump, exchange=exchange)

    def quotes(self, access: KiteAccess, *, instruments: Sequence[str]) -> dict[str, Quote]:
        """Full quotes by name (`NSE:NIFTY 50`), at most 500; unknown instruments are left out."""
        return self._quoted("/quote", access, instruments, most=MAX_QUOTES, parse=read_quotes)

    def ohlc(self, access: KiteAccess, *, instruments: Sequence[str]) -> dict[str, OhlcQuote]:
        """The day's range by name, at most 1000; unknown instruments are left out."""
        return self._quoted(
            "/quote/ohlc", access, instruments, most=MAX_LAST_PRICES, parse=read_ohlc
        )

    def ltp(self, access: KiteAccess, *, instruments: Sequence[str]) -> dict[str, Decimal]:
        """Last prices in rupees by name, at most 1000; unknown instruments are left out."""
        return self._quoted(
            "/quote/ltp", access, instruments, most=MAX_LAST_PRICES, parse=read_last_prices
        )

    def historical(
        self,
        access: KiteAccess,
        *,
        token: int,
        interval: Interval,
        start: datetime,
        end: datetime,
        oi: bool = False,
        continuous: bool = False,
    ) -> list[Candle]:
        """Bars opening from `start` to `end`, both included, oldest first.

        The last bar may still be forming. Raises DateRangeInvalidError, without asking Kite, for
        a window that is backwards or longer than `max_span(interval)`.
        """
        query = {
            "from": window_text(start),
            "to": window_text(end),
            "continuous": str(int(continuous)),
            "oi": str(int(oi)),
        }
        _check_window(interval, start=start, end=end)
        path = f"/instruments/historical/{token}/{INTERVAL_NAMES[interval]}"
        return read_candles(self._read(path, access, query, endpoint_class="kite.historical"))

    def _quoted(
        self,
        path: str,
        access: KiteAccess,
        instruments: Sequence[str],
        *,
        most: int,
        parse: Callable[[Answer], dict[str, Q]],
    ) -> dict[str, Q]:
        if not 0 < len(instruments) <= most:
            raise BrokerRequestError(
                f"Kite quotes 1 to {most} instruments at a time, not {len(instruments)}."
            )
        return parse(self._read(path, access, {"i": instruments}, endpoint_class="kite.quote"))

    def _read(
        self,
        path: str,
        access: KiteAccess,
        query: Query | None = None,
        *,
        endpoint_class: str = "kite.other",
    ) -> Answer:
        build = self._build("GET", path, access, query)
        return self._line.ask_again(endpoint_class, build, read=read_data)

    def _build(
        self, method: str, path: str, access: KiteAccess, query: Query | None = None
    ) -> Callable[[], httpx.Request]:
        return lambda: self._line.http.build_request(
            method,
            self._endpoints.api + path,
            params=query,
            headers=_VERSION | access.headers(),
        )

    def _form(self, path: str, form: Mapping[str, str]) -> Callable[[], httpx.Request]:
        return lambda: self._line.http.build_request(
            "POST", self._endpoints.api + path, data=form, headers=_VERSION
        )


def _check_window(interval: Interval, *, start: datetime, end: datetime) -> None:
    if end < start:
        raise DateRangeInvalidError("The history window ends before it starts.")
    if end - start > max_span(interval):
        raise DateRangeInvalidError(
            f"Kite gives at most {max_span(interval).days} days of {interval} bars at a time."
        )


def _read_grant(reply: Reply) -> GrantedLogin:
    data = read_login(reply)
    return GrantedLogin(
        service=Service.KITE,
        user_id=data["user_id"].text(),
        user_name=data["user_name"].text(),
        access_token=data["access_token"].text(),
        granted_at=reply.dated,
        metadata={
            "broker": data.get("broker").text_or(""),
            "login_time": data.get("login_time").text_or(""),
        },
    )


def _margin(segment: str, row: Answer) -> SegmentMargin:
    return SegmentMargin(
        segment=segment,
        enabled=row["enabled"].value is True,
        net=row["net"].decimal(),
        cash=row["available"]["cash"].decimal(),
        collateral=row["available"]["collateral"].decimal(),
        debits=row["utilised"]["debits"].decimal(),
    )
