"""An error that a task group wraps is reported like a plain one."""

import pytest

from connector.cli.ending import _single
from connector.domain.errors import ConfigError

MISTAKE, FAULT = ConfigError("do", "this", "because"), ValueError("a fault")


@pytest.mark.parametrize("error", [MISTAKE, FAULT])
def test_one_error_comes_out_of_its_groups(error: Exception) -> None:
    assert _single(error) is error
    assert _single(ExceptionGroup("tasks", [ExceptionGroup("tasks", [error])])) is error


def test_several_errors_stay_a_group() -> None:
    """None of them is more important than the others."""
    group = ExceptionGroup("tasks", [MISTAKE, FAULT])

    assert _single(ExceptionGroup("outer", [group])) is group
