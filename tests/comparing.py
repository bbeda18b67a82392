"""Compares a value with what a test expects of it, field by field."""

from collections.abc import Mapping
from typing import Any


def differences(found: object, **expected: Any) -> dict[str, Any]:
    """What the named attributes, or the keys of a mapping, hold instead of the expected values."""
    held = {name: found[name] if isinstance(found, Mapping) else getattr(found, name) for name in expected}
    return {name: value for name, value in held.items() if value != expected[name]}
