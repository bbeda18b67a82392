"""Compare a value with the expected values, field by field."""

from collections.abc import Mapping
from typing import Any


def differences(found: object, **expected: Any) -> dict[str, Any]:
    """The actual values of the named attributes or mapping keys that differ from the expected ones."""
    held = {name: found[name] if isinstance(found, Mapping) else getattr(found, name) for name in expected}
    return {name: value for name, value in held.items() if value != expected[name]}
