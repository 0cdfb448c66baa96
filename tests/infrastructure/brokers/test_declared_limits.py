"""The limits that configuration may change are the ones the pacer keeps."""

from munshi.domain.config_keys import LIMITED
from munshi.infrastructure.brokers.pacing import DOCUMENTED_LIMITS


def test_every_limit_that_can_be_configured_is_one_that_is_kept() -> None:
    assert set(LIMITED) == set(DOCUMENTED_LIMITS)
