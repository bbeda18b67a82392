"""The named fields are compared, and an unknown name is an error."""

from typing import Any

import pytest

from tests.builders import attempt
from tests.comparing import differences


@pytest.mark.parametrize("found", [attempt(attempts=2, since=1.0), {"attempts": 2, "since": 1.0, "due": 0.0}])
def test_only_the_named_fields_that_differ_are_shown(found: Any) -> None:
    assert differences(found, attempts=2, since=1.0) == {}
    assert differences(found, attempts=3, since=1.0) == {"attempts": 2}
    assert differences(found, attempts=3, since=9.0) == {"attempts": 2, "since": 1.0}


def test_a_field_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(AttributeError):
        differences(attempt(), unheard_of=1)
    with pytest.raises(KeyError):
        differences({"attempts": 1}, unheard_of=1)
