"""`--param NAME=VALUE` as the JSON a job takes."""

from collections.abc import Sequence
from typing import get_origin, get_type_hints

from munshi.bootstrap import JOB_TYPES
from munshi.errors import JobParametersInvalidError


def read_parameters(job_type: str, given: Sequence[str]) -> dict[str, object]:
    """Text by name; what the type declares as several is split at commas.

    Raises JobParametersInvalidError. An unknown type is left for the job service to refuse.
    """
    spec = JOB_TYPES.get(job_type)
    several = {
        name
        for name, hint in (get_type_hints(spec.params).items() if spec else ())
        if get_origin(hint) is tuple
    }
    found: dict[str, object] = {}
    for text in given:
        name, is_given, value = text.partition("=")
        if not is_given or not name:
            raise JobParametersInvalidError(
                f"{text!r} is not NAME=VALUE.", hint="For example: --param broker=kite"
            )
        if name in found:
            raise JobParametersInvalidError(f"{name} is given twice.")
        found[name] = [one.strip() for one in value.split(",")] if name in several else value
    return found
