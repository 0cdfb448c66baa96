"""From the name of a handler to the handler, and from what it returns to JSON."""

import importlib
import json
from collections.abc import Mapping
from typing import Any, cast

from munshi.errors import JobResultInvalidError, JobTypeUnknownError
from munshi.jobs.run import JobHandler

RESULT_BYTES = 1_000_000


def resolve(entry: str) -> JobHandler:
    """The handler that `module:function` names.

    Raises JobTypeUnknownError when there is none; what the module's own imports raise passes.
    """
    module_name, _, function = entry.partition(":")
    module = importlib.import_module(module_name)
    handler = getattr(module, function, None)
    if not callable(handler):
        raise JobTypeUnknownError(f"The handler {entry} does not exist.")
    return cast("JobHandler", handler)


def checked_result(result: Any) -> Mapping[str, object]:  # noqa: ANN401
    """`result` as JSON gives it back.

    Raises JobResultInvalidError when it is not a JSON object or larger than `RESULT_BYTES`.
    """
    if not isinstance(result, Mapping):
        raise JobResultInvalidError(
            f"The handler returned {type(result).__name__}, not a JSON object."
        )
    try:
        text = json.dumps(dict(result), ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise JobResultInvalidError(f"The handler's result is not JSON: {error}") from error
    if size > RESULT_BYTES:
        raise JobResultInvalidError(
            f"The handler's result takes {size:,} bytes; the most is {RESULT_BYTES:,}.",
            hint="Write large outputs to a file and return its name.",
        )
    if "\\u0000" in text:
        raise JobResultInvalidError("The handler's result holds a NUL character.")
    return cast("Mapping[str, object]", json.loads(text))
