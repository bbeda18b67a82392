"""The exponential back-off."""

import pytest

from connector.domain.backoff import exponential_backoff


@pytest.mark.parametrize(
    ("failures", "wait"), [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, 15.0), (7, 15.0), (1_000_000, 15.0)]
)
def test_the_wait_doubles_up_to_the_longest(failures: int, wait: float) -> None:
    assert exponential_backoff(failures, 0.5, 15.0) == wait


def test_a_long_wait_is_reached_as_well() -> None:
    """A million times the first one."""
    assert exponential_backoff(20, 1.0, 1e6) == 2.0**19
    assert exponential_backoff(21, 1.0, 1e6) == 1e6
