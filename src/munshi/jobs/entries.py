"""From the name of a handler to the handler, and from what it returns to JSON."""

import importlib
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, cast

from munshi.errors import JobExtraMissingError, JobResultInvalidError, JobTypeUnknownError
from munshi.jobs.run import JobHandler

RESULT_BYTES = 1_000_000


def check_extra(needs: str | None) -> None:
    """Raise JobExtraMissingError when the library `needs` is not installed."""
    if needs is not None and find_spec(needs) is None:
        raise JobExtraMissingError(
            f"This job needs {needs}, which is not installed: pip install 'munshi[research]'",
        )


@lru_cache
def resolve(entry: str, *, needs: str | None = None) -> JobHandler:
    """The handler that `module:function` names.

    Raises JobTypeUnknownError when there is none, JobExtraMissingError when the library `needs`
    is not installed; what the module's own imports raise passes.
    """
    check_extra(needs)
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
    if not result:
        return {}
    try:
        text = json.dumps(dict(result), ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise JobResultInvalidError(f"The handler's result is not JSON: {error}") from error
    if size > RESULT_BYTES:
        raise JobResultInvalidError(
            f"The handler's result takes {size:,} bytes; the most is {RESULT_BYTES:,}.",
            hint="Keep large outputs with run.add_artifact and return their names.",
        )
    if "\\u0000" in text:
        raise JobResultInvalidError("The handler's result holds a NUL character.")
    return cast("Mapping[str, object]", json.loads(text))
