"""One HTTP exchange with a broker: explicit time limits, and failures that carry no secret."""

import json
import logging
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import NoReturn

import httpx

from munshi.errors import BrokerUnavailableError

HttpClient = httpx.Client
HttpTimeout = httpx.Timeout
TIMEOUT = httpx.Timeout(connect=5.0, read=15.0, write=10.0, pool=10.0)
# What is simulated is plain http on this machine; reading all authorities for it takes a while.
_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
MAX_BODY_BYTES = 256 * 1024 * 1024


def open_http(*, through_proxy: bool, timeout: httpx.Timeout = TIMEOUT) -> httpx.Client:
    """A client that never follows a redirect by itself.

    The environment's proxy is used only with `through_proxy`: what is simulated stays on this
    machine. The libraries' own request logging is turned down, because it writes full addresses
    at INFO and headers at DEBUG, tokens included.
    """
    for library in ("httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)
    return httpx.Client(
        timeout=timeout,
        follow_redirects=False,
        trust_env=through_proxy,
        verify=True if through_proxy else _NOBODY,
        headers={"User-Agent": "munshi/0.1"},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, whole. `address` is the one asked, which may hold a token.

    `dated` is the sender's clock, to the second.
    """

    broker: str
    status: int
    content_type: str
    retry_after: float | None = None
    dated: datetime | None = None
    location: str | None = field(default=None, repr=False)
    body: bytes = field(repr=False)
    address: httpx.URL | None = field(default=None, repr=False)

    @property
    def is_redirect(self) -> bool:
        return HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST

    def json(self) -> object:
        """The body as JSON, numbers with a point as Decimal; raises BrokerUnavailableError."""
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            pass
        raise self.nonsense("broken JSON")

    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")

    def nonsense(self, what: str) -> BrokerUnavailableError:
        kind = self.content_type or "no content type"
        return BrokerUnavailableError(
            f"{self.broker} answered {what} (HTTP {self.status}, {kind}).",
            hint="Try again in a few minutes.",
        )


def exchange(http: httpx.Client, request: httpx.Request, *, broker: str) -> Reply:
    """Send `request` and read the whole reply.

    Raises BrokerUnavailableError, which names what failed and never the address or the headers.
    """
    failure = "could not be reached"
    try:
        response = http.send(request, stream=True, follow_redirects=False)
        try:
            return _read(response, broker=broker)
        finally:
            response.close()
    except httpx.TimeoutException:
        failure = "did not answer in time"
    except httpx.ConnectError:
        pass
    except httpx.NetworkError:
        failure = "closed the connection before answering"
    except httpx.DecodingError:
        failure = "sent a reply that cannot be unpacked"
    except httpx.RemoteProtocolError:
        failure = "broke off its reply"
    except httpx.TransportError as error:
        failure = f"could not be asked ({type(error).__name__})"
    raise BrokerUnavailableError(f"{broker} {failure}.", hint="Try again in a few minutes.")


def _read(response: httpx.Response, *, broker: str) -> Reply:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BrokerUnavailableError(f"{broker} sent an endless reply.")
    headers = response.headers
    return Reply(
        broker=broker,
        status=response.status_code,
        content_type=headers.get("content-type", "").partition(";")[0].strip().lower(),
        retry_after=_seconds(headers.get("retry-after", "")),
        dated=_instant(headers.get("date", "")),
        location=headers.get("location"),
        body=bytes(body),
        address=response.request.url,
    )


def _seconds(header: str) -> float | None:
    """Retry-After in seconds; its date form is not worth trusting the broker's clock for."""
    return float(header) if header.isascii() and header.isdigit() else None


def _instant(header: str) -> datetime | None:
    """A Date header as aware UTC; None for one that is not there or not a date."""
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
