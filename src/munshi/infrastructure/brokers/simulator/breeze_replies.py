"""Breeze's envelope: `{"Success": …, "Status": int, "Error": text}`, whatever the HTTP status."""

from starlette.requests import Request
from starlette.responses import JSONResponse

INVALID_SESSION = "Invalid session."
UNKNOWN_KEY = "Public Key does not exist."
EXPIRED_SESSION = "Resource not available."
WRONG_CHECKSUM = "Authentication Fail :: Invalid Checksum."
WRONG_TIMESTAMP = "Authentication Fail :: Invalid Timestamp."
MINUTE_LIMIT = "Limit exceed: API call per minute:Try after some time"
DAY_LIMIT = "Limit exceed: API call per day: "
NO_DATA = "No Data Found"


class BreezeRefusedError(Exception):
    """The call ends with an error text. `http` is what the transport says, often 200."""

    def __init__(self, status: int, text: str, *, http: int = 200) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.http = http

    def reply(self) -> JSONResponse:
        return JSONResponse(
            {"Success": None, "Status": self.status, "Error": self.text}, status_code=self.http
        )


def success(data: object) -> JSONResponse:
    return JSONResponse({"Success": data, "Status": 200, "Error": None})


def expired_session() -> BreezeRefusedError:
    return BreezeRefusedError(500, EXPIRED_SESSION)


def minute_limit() -> BreezeRefusedError:
    """Seen with HTTP 401, so that 401 alone must not be read as an expired session."""
    return BreezeRefusedError(5, MINUTE_LIMIT, http=401)


def day_limit() -> BreezeRefusedError:
    return BreezeRefusedError(5, DAY_LIMIT, http=401)


async def answer_refusal(_: Request, refusal: Exception) -> JSONResponse:
    if not isinstance(refusal, BreezeRefusedError):
        raise refusal
    return refusal.reply()
