"""ICICI Breeze over HTTP: logging in, quotes, history and the security master."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx

from munshi.clock import Clock
from munshi.domain.enums import Service
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval
from munshi.errors import BrokerClockError, DateRangeInvalidError
from munshi.infrastructure.brokers.answer import Answer
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.candles import read_candles, window_text
from munshi.infrastructure.brokers.breeze.contracts import BreezeContract
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.breeze.envelope import BROKER, read_success
from munshi.infrastructure.brokers.breeze.limits import check_interval
from munshi.infrastructure.brokers.breeze.quotes import read_quote
from munshi.infrastructure.brokers.breeze.security_master import SecurityMaster
from munshi.infrastructure.brokers.http import Reply
from munshi.infrastructure.brokers.line import (
    UNPROTECTED,
    BrokerLine,
    Gate,
    Guard,
    Resilience,
)
from munshi.infrastructure.brokers.pulse import Pulse, read_pulse
from munshi.infrastructure.brokers.results import GrantedLogin, Quote

_LIMITED = "breeze.api"


class BreezeClient:
    """Breeze for one app. All reads, so each waits out a refusal for haste.

    Every call raises BrokerSessionExpiredError, BrokerThrottledError, BrokerRequestError or
    BrokerUnavailableError, by what Breeze's answer says; never by its status alone.
    """

    def __init__(
        self,
        *,
        http: httpx.Client,
        endpoints: BreezeEndpoints,
        clock: Clock,
        gate: Gate,
        guard: Guard,
        resilience: Resilience = UNPROTECTED,
    ) -> None:
        self._endpoints = endpoints
        self._clock = clock
        # How far Breeze's clock is ahead of ours, once it has refused a signed time.
        self._ahead = timedelta(0)
        self._line = BrokerLine(
            broker=BROKER, http=http, gate=gate, guard=guard, resilience=resilience
        )

    def login_url(self, app_key: str) -> str:
        return self._endpoints.login_url(app_key)

    def customer_details(self, api_session: str, *, app_key: str) -> GrantedLogin:
        """Turn the redirect's API session into the day's login; also the way to probe one.

        Raises BrokerLoginRefusedError for an unknown session or app key, and
        BrokerSessionExpiredError for a session that was good once.
        """
        body = _compact({"SessionToken": api_session, "AppKey": app_key})
        return self._line.ask_again(
            _LIMITED,
            lambda: self._line.http.build_request(
                "GET",
                f"{self._endpoints.v1}/customerdetails",
                content=body,
                headers={"Content-Type": "application/json"},
            ),
            read=lambda reply: _granted(
                read_success(reply, now=self._clock.now(), at_login=True),
                api_session=api_session,
                dated=reply.dated,
            ),
            sign_in=True,
        )

    def pulse(self) -> Pulse:
        """Whether Breeze answers; asked without key and session.

        Raises BrokerUnavailableError.
        """
        return self._line.feel(
            "breeze.pulse",
            lambda: self._line.http.build_request(
                "GET",
                f"{self._endpoints.v1}/customerdetails",
                content=_compact({}),
                headers={"Content-Type": "application/json"},
            ),
            read=read_pulse,
        )

    def quotes(self, access: BreezeAccess, *, contract: BreezeContract) -> Quote | None:
        """The contract's quote, None where Breeze has no data for it."""
        fields = {"stock_code": contract.stock_code, "exchange_code": contract.exchange_code}
        build = self._signed("quotes", access, fields | contract.terms())
        success = self._ask_signed(build)
        return read_quote(success, exchange_code=contract.exchange_code)

    def historical(
        self,
        access: BreezeAccess,
        *,
        contract: BreezeContract,
        interval: Interval,
        start: datetime,
        end: datetime,
    ) -> list[Candle]:
        """Bars opening from `start` to `end`, both included, oldest first; version 2 of the API.

        Raises IntervalUnknownError for bars that Breeze lacks, DateRangeInvalidError for a window
        that is backwards, and BrokerRequestError for one that was cut (see `max_sessions`).
        """
        check_interval(interval)
        query = {
            "interval": interval.value,
            "from_date": window_text(start),
            "to_date": window_text(end),
            "stock_code": contract.stock_code,
            "exch_code": contract.exchange_code,
        } | contract.terms()
        if end < start:
            raise DateRangeInvalidError("The history window ends before it starts.")
        success = self._line.ask_again(
            _LIMITED,
            lambda: self._line.http.build_request(
                "GET",
                f"{self._endpoints.v2}/historicalcharts",
                params=query,
                headers=access.history_headers(),
            ),
            read=self._read,
        )
        return read_candles(success, interval=interval)

    def security_master(self) -> SecurityMaster:
        """Download the day's codes and contracts; refreshed about 08:00 IST."""
        archive = self._line.ask_again(
            "breeze.master",
            lambda: self._line.http.build_request("GET", self._endpoints.security_master),
            read=self._read_archive,
        )
        return SecurityMaster(archive)

    def _signed(
        self, path: str, access: BreezeAccess, fields: Mapping[str, str]
    ) -> Callable[[], httpx.Request]:
        """A v1 read: a GET that carries a signed body."""
        body = _compact(fields)
        return lambda: self._line.http.build_request(
            "GET",
            f"{self._endpoints.v1}/{path}",
            content=body,
            headers=access.signed_headers(body, now=self._clock.now() + self._ahead),
        )

    def _ask_signed(self, build: Callable[[], httpx.Request]) -> Answer:
        """Once more, by Breeze's own clock, if it does not believe ours."""
        try:
            return self._line.ask_again(_LIMITED, build, read=self._read)
        except BrokerClockError as refusal:
            if refusal.broker_time is None:
                raise
            self._ahead = refusal.broker_time - self._clock.now()
        return self._line.ask_again(_LIMITED, build, read=self._read)

    def _read(self, reply: Reply) -> Answer:
        return read_success(reply, now=self._clock.now())

    def _read_archive(self, reply: Reply) -> bytes:
        if reply.status == HTTPStatus.OK and reply.body.startswith(b"PK"):
            return reply.body
        self._read(reply)
        raise reply.nonsense("no zip file")


def _compact(fields: Mapping[str, str]) -> str:
    return json.dumps(fields, separators=(",", ":"))


def _granted(success: Answer, *, api_session: str, dated: datetime | None) -> GrantedLogin:
    token = success["session_token"]
    try:
        decoded = base64.b64decode(token.text(), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    user_id, colon, _ = decoded.partition(":")
    if not colon or not user_id:
        raise token.unexpected("base64 of a user and a session key")
    return GrantedLogin(
        service=Service.BREEZE,
        user_id=user_id,
        user_name=success.get("idirect_user_name").text_or("") or user_id,
        access_token=api_session,
        session_token=token.text(),
        granted_at=dated,
        metadata={"last_login": success.get("idirect_lastlogin_time").text_or("")},
    )
