"""Every refusal as RFC 9457 problem+json, with the request id and never a traceback."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.roles import REQUEST
from munshi.errors import (
    AppError,
    AuthenticationNeededError,
    BodyMalformedError,
    BodyTimeoutError,
    MethodUnsupportedError,
    PathUnknownError,
    RequestInvalidError,
    UnexpectedError,
)

MEDIA_TYPE = "application/problem+json"
_BODY_IS_NOT_JSON = frozenset({"model_attributes_type", "dict_type", "model_type"})
_JSON_HINT = "Send a JSON object, with the header Content-Type: application/json."


AsPage = Callable[[AppError, Request], Response]


class Refusals:
    """How a request that failed is answered: by a problem, or, on pages for people, by a page."""

    def __init__(self, as_page: AsPage | None = None) -> None:
        self._as_page = as_page

    def install(self, app: FastAPI) -> None:
        """Answer every known way a request can fail; the gate answers the unknown ones."""
        app.add_exception_handler(AppError, self._answer_known)
        app.add_exception_handler(RequestValidationError, self._answer_invalid)
        app.add_exception_handler(HTTPException, self._answer_http)

    def answer(self, error: AppError, request: Request) -> Response:
        if self._as_page is not None and _is_for_people(request):
            return self._as_page(error, request)
        return problem(error, request_id=_request_id(request))

    async def _answer_known(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, AppError):
            raise error
        if error.status >= 500:  # noqa: PLR2004
            structlog.get_logger().warning(
                "request refused", problem=error.slug(), detail=error.detail
            )
        return self.answer(error, request)

    async def _answer_invalid(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        return self.answer(_invalid(error.errors()), request)

    async def _answer_http(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        if isinstance(error.__cause__, AppError):  # what the body's reader met
            return self.answer(error.__cause__, request)
        return self.answer(_from_http(request, error), request)


def _is_for_people(request: Request) -> bool:
    """Whether a page of ours was asked for by what shows pages."""
    path = request.url.path
    is_page = path.startswith("/ui/") and not path.startswith("/ui/live/")
    return is_page and "text/html" in request.headers.get("accept", "")


def problem(error: AppError, *, request_id: str | None) -> Response:
    """The answer for `error`."""
    document: dict[str, Any] = {
        "type": f"/problems/{error.slug()}",
        "title": error.title(),
        "status": error.status,
        "detail": error.detail,
        "hint": error.hint,
        "retryable": error.retryable,
        "request_id": request_id,
    }
    document |= {name: value for name, value in error.extra.items() if value is not None}
    body = json.dumps(document, ensure_ascii=False, default=str, separators=(",", ":")) + "\n"
    return Response(
        body.encode(), status_code=error.status, headers=_headers(error), media_type=MEDIA_TYPE
    )


def unexpected() -> UnexpectedError:
    return UnexpectedError(
        "Something failed inside Munshi; nothing more is said here.",
        hint="Look for the request id in Munshi's log.",
    )


def _headers(error: AppError) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    wait = error.extra.get("retry_after")
    if isinstance(wait, int | float):
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    if isinstance(error, AuthenticationNeededError):
        headers["WWW-Authenticate"] = "Munshi"
    if isinstance(error, MethodUnsupportedError):
        headers["Allow"] = str(error.extra.get("allow", ""))
    if isinstance(error, BodyTimeoutError):  # what comes late would be taken for the next request
        headers["Connection"] = "close"
    return headers


def _request_id(request: Request) -> str | None:
    facts = request.scope.get(REQUEST)
    return None if facts is None else facts.request_id


def _invalid(errors: Any) -> AppError:  # noqa: ANN401
    """The first thing wrong as one sentence. What was sent is not repeated: it may be a secret."""
    first = errors[0]
    if first["type"] == "json_invalid":
        place = first["loc"][-1]
        reason = first.get("ctx", {}).get("error", "cannot be read")
        return BodyMalformedError(
            f"The body is not JSON: {reason} at character {place}.", hint=_JSON_HINT
        )
    where = [str(part) for part in first["loc"]]
    message = str(first["msg"]).removeprefix("Value error, ")
    if where == ["body"] and first["type"] in _BODY_IS_NOT_JSON:
        return RequestInvalidError("The body is not a JSON object.", hint=_JSON_HINT)
    name = ".".join(where[1:]) or where[0]
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return RequestInvalidError(f"{name}: {message}{more}.", hint=f"Mend {name} and ask again.")


def _from_http(request: Request, error: HTTPException) -> AppError:
    path = request.url.path
    if error.status_code == 404:  # noqa: PLR2004
        return PathUnknownError(
            f"There is nothing at {path}.", hint="GET /docs lists what there is."
        )
    if error.status_code == 405:  # noqa: PLR2004
        allowed = (error.headers or {}).get("Allow", "")
        return MethodUnsupportedError(
            f"{path} does not take {request.method}.", hint=f"Use {allowed}.", allow=allowed
        )
    return BodyMalformedError("The request cannot be read.", hint=_JSON_HINT)
