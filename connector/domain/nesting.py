"""How deeply a JSON value is nested."""

from collections.abc import Iterable, Mapping
from typing import Any


def is_deeper_than(levels: int, value: Any) -> bool:
    """Iterative, because deeply nested input would exceed the recursion limit."""
    layer = [value]
    for _ in range(levels):
        layer = [inner for outer in layer for inner in _children(outer)]
    return any(isinstance(inner, Mapping | list | tuple) for inner in layer)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
