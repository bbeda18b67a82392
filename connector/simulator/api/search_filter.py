"""The `filter` of a search: a JSON object over system metadata and user metadata."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connector.simulator.api.api_errors import ApiError
from connector.simulator.api.json_io import decoded
from connector.simulator.world.records import Record

_NUMBERS = ("duration", "fps", "width", "height", "size")
_BOUNDS = frozenset({"gte", "lte"})

Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """`ids` None means every video. `tests` are (where the value is, its name, the test of the value)."""

    ids: frozenset[str] | None
    tests: tuple[tuple[bool, str, Test], ...]

    @staticmethod
    def of(text: str | None) -> "SearchFilter":
        """Raises ApiError 400 search_filter_invalid."""
        wanted = {} if text is None else _object(text)
        ids = None
        tests: list[tuple[bool, str, Test]] = []
        for name, value in wanted.items():
            if name == "id":
                ids = _ids(value)
            elif name in _NUMBERS:
                tests.append((True, name, _number(name, value)))
            elif name == "filename":
                tests.append((True, name, _equal(name, value, str)))
            else:
                tests.append(
                    (False, name, _number(name, value) if _numeric(value) else _equal(name, value, str | bool))
                )
        return SearchFilter(ids, tuple(tests))

    @property
    def passes_all(self) -> bool:
        return self.ids is None and not self.tests

    def fits(self, video_id: str, record: Record) -> bool:
        if self.ids is not None and video_id not in self.ids:
            return False
        return all(
            test(getattr(record.content, name) if system else record.user_metadata.get(name))
            for system, name, test in self.tests
        )


def _object(text: str) -> dict[str, Any]:
    try:
        value = decoded(text)
    except ValueError as error:
        raise _invalid(f"It is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise _invalid("It must be a JSON object.")
    return value


def _ids(value: Any) -> frozenset[str]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        raise _invalid("id must be a string or an array of strings.")
    return frozenset(listed)


def _number(name: str, value: Any) -> Test:
    bounds = value if isinstance(value, dict) else {"gte": value, "lte": value}
    if not bounds or not bounds.keys() <= _BOUNDS or not all(_is_number(bound) for bound in bounds.values()):
        raise _invalid(f"{name} must be a number, or an object with gte and lte.")
    low, high = bounds.get("gte", float("-inf")), bounds.get("lte", float("inf"))
    return lambda stored: _is_number(stored) and low <= stored <= high


def _equal(name: str, value: Any, kind: Any) -> Test:
    if not isinstance(value, kind):
        raise _invalid(f"The value of {name} has a type that a filter does not support.")
    return lambda stored: (
        value in stored if isinstance(stored, list) else type(stored) is type(value) and stored == value
    )


def _numeric(value: Any) -> bool:
    return isinstance(value, dict) or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _invalid(cause: str) -> ApiError:
    return ApiError(400, "search_filter_invalid", f"Filter used in search is invalid. {cause}")
