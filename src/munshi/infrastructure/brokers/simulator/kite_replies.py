"""Kite's envelope: `{"status": "success", "data": …}`, or an error named by `error_type`."""

from starlette.requests import Request
from starlette.responses import JSONResponse

WRONG_TOKEN = "Incorrect `api_key` or `access_token`."  # noqa: S105
MALFORMED_TOKEN = "Invalid `api_key` or `access_token`."  # noqa: S105
STALE_REQUEST_TOKEN = "Token is invalid or has expired."  # noqa: S105


class KiteRefusedError(Exception):
    """The call ends with Kite's error envelope."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message

    def reply(self) -> JSONResponse:
        return JSONResponse(
            {
                "status": "error",
                "message": self.message,
                "error_type": self.error_type,
                "data": None,
            },
            status_code=self.status,
        )


def input_refused(message: str) -> KiteRefusedError:
    return KiteRefusedError(400, "InputException", message)


def token_refused(message: str = WRONG_TOKEN) -> KiteRefusedError:
    return KiteRefusedError(403, "TokenException", message)


def success(data: object) -> JSONResponse:
    return JSONResponse({"status": "success", "data": data})


async def answer_refusal(_: Request, refusal: Exception) -> JSONResponse:
    if not isinstance(refusal, KiteRefusedError):
        raise refusal
    return refusal.reply()
