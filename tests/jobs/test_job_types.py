"""The registry that the desk runs with."""

import pytest

from munshi.bootstrap import JOB_TYPES
from munshi.domain.config_keys import SCHEDULE_PREFIX, ConfigKey, seeded_keys
from munshi.errors import JobTypeUnknownError
from munshi.jobs.entries import resolve


@pytest.mark.parametrize("job_type", JOB_TYPES)
def test_every_job_type_has_a_handler(job_type: str) -> None:
    spec = JOB_TYPES[job_type]
    assert callable(resolve(spec.entry))
    assert spec.other is None or callable(resolve(spec.other.entry))


@pytest.mark.parametrize(
    "key",
    [key for key in seeded_keys() if key.name.startswith(SCHEDULE_PREFIX)],
    ids=lambda key: key.name,
)
def test_every_schedule_of_the_desk_starts_a_job_that_there_is(key: ConfigKey) -> None:
    spec = JOB_TYPES[key.default["job_type"]]

    parameters = spec.params.from_json(key.default["parameters"])

    assert parameters.to_json() == spec.params.from_json(parameters.to_json()).to_json()


def test_a_handler_that_is_not_there_is_named() -> None:
    with pytest.raises(JobTypeUnknownError, match="runner:nothing does not exist"):
        resolve("munshi.jobs.runner:nothing")
