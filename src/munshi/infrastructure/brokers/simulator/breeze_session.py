"""Who may call Breeze: customer details for a fresh session, signed headers for the rest."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from munshi.clock import IST
from munshi.infrastructure.brokers.simulator.breeze_replies import (
    INVALID_SESSION,
    UNKNOWN_KEY,
    WRONG_CHECKSUM,
    WRONG_TIMESTAMP,
    BreezeRefusedError,
    expired_session,
    success,
)
from munshi.infrastructure.brokers.simulator.breeze_tokens import BreezeSession
from munshi.infrastructure.brokers.simulator.parts import Parts
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER

SKEW_SECONDS = 60
TIMESTAMP_FORM = "%Y-%m-%dT%H:%M:%S.000Z"


class BreezeAccess:
    """Checks app key, timestamp, checksum and session, in this order."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def signed_body(self, request: Request) -> dict[str, Any]:
        """The body of a v1 call whose signature holds."""
        body = await request.body()
        headers = request.headers
        if headers.get("X-AppKey") != BREEZE_USER.app_key:
            raise BreezeRefusedError(500, UNKNOWN_KEY)
        stamp = headers.get("X-Timestamp", "")
        self._check_timestamp(stamp)
        signed = stamp.encode() + body + BREEZE_USER.app_secret.encode()
        expected = f"token {hashlib.sha256(signed).hexdigest()}"
        if not hmac.compare_digest(expected.encode(), headers.get("X-Checksum", "").encode()):
            raise BreezeRefusedError(5, WRONG_CHECKSUM, http=401)
        self.check_session(headers.get("X-SessionToken", ""))
        return json_object(body)

    def check_session(self, header: str) -> None:
        """Raises one of the two texts that tell a wrong session from a dead one."""
        self._require_live(self._parts.breeze.get_by_header(header))

    def customer_session(self, api_session: str) -> BreezeSession:
        return self._require_live(self._parts.breeze.get_by_api_session(api_session))

    def _require_live(self, session: BreezeSession | None) -> BreezeSession:
        if session is None:
            raise BreezeRefusedError(500, INVALID_SESSION)
        if not session.is_live(now=self._parts.state.now_micros()):
            raise expired_session()
        return session

    def _check_timestamp(self, stamp: str) -> None:
        try:
            sent = datetime.strptime(stamp, TIMESTAMP_FORM).replace(tzinfo=UTC)
        except ValueError:
            raise BreezeRefusedError(5, WRONG_TIMESTAMP, http=401) from None
        if abs((self._parts.state.now() - sent).total_seconds()) > SKEW_SECONDS:
            raise BreezeRefusedError(5, WRONG_TIMESTAMP, http=401)


class BreezeSessions:
    """`customerdetails`: a GET with a JSON body and no signature."""

    def __init__(self, parts: Parts, access: BreezeAccess) -> None:
        self._parts = parts
        self._access = access

    def routes(self) -> list[Route]:
        return [Route("/breezeapi/api/v1/customerdetails", self.details, methods=["GET"])]

    async def details(self, request: Request) -> JSONResponse:
        asked = json_object(await request.body())
        if asked.get("AppKey") != BREEZE_USER.app_key:
            raise BreezeRefusedError(500, UNKNOWN_KEY)
        session = self._access.customer_session(str(asked.get("SessionToken", "")))
        now = self._parts.state.now().astimezone(IST)
        day = now.strftime("%d-%b-%Y")
        return success(
            {
                "exg_trade_date": dict.fromkeys(("NSE", "BSE", "FNO", "NDX"), day),
                "exg_status": {"NSE": "O", "BSE": "O", "FNO": "Y", "NDX": "X"},
                "segments_allowed": {
                    "Trading": "Y",
                    "Equity": "Y",
                    "Derivatives": "Y",
                    "Currency": "Z",
                },
                "idirect_userid": session.user_id,
                "session_token": session.header_value,
                "idirect_user_name": BREEZE_USER.user_name,
                "idirect_ORD_TYP": "N",
                "idirect_lastlogin_time": now.strftime("%d-%b-%Y %H:%M:%S"),
                "mf_holding_mode_popup_flg": "N",
                "commodity_exchange_status": "Y",
                "commodity_trade_date": day,
                "commodity_allowed": "O",
            }
        )


def json_object(body: bytes) -> dict[str, Any]:
    """The parsed body, `{}` if it is empty."""
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        raise BreezeRefusedError(400, "Invalid JSON.", http=400) from None
    if not isinstance(parsed, dict):
        raise BreezeRefusedError(400, "Invalid JSON.", http=400)
    return parsed
