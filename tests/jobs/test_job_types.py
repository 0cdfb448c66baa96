"""The registry that the desk runs with."""

import pytest

from munshi.bootstrap import JOB_TYPES
from munshi.errors import JobTypeUnknownError
from munshi.jobs.entries import resolve


@pytest.mark.parametrize("job_type", JOB_TYPES)
def test_every_job_type_has_a_handler(job_type: str) -> None:
    assert callable(resolve(JOB_TYPES[job_type].entry))


def test_a_handler_that_is_not_there_is_named() -> None:
    with pytest.raises(JobTypeUnknownError, match="runner:nothing does not exist"):
        resolve("munshi.jobs.runner:nothing")
