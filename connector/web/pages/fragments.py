"""The parts of the overview that are replaced when what they show has changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connector.web.pages.overview_view import OverviewView
from connector.web.pages.rendering import environment

_TEMPLATE = "fragments.html"
LIST = "indexes"
_PARTS = ("head", "bar", "work", "lag", "past", "troubles")


@dataclass(frozen=True, slots=True)
class Fragment:
    """`macro` of the template renders `value`. `version` is the number of the look that found it changed."""

    macro: str
    value: Any
    version: int


Fragments = Mapping[str, Fragment]
"""By a name within the page."""


def fragments_of(view: OverviewView, before: Fragments, version: int) -> Fragments:
    """Unchanged ones keep their version. Their value is the latest: that of the list may differ all the same."""
    return {
        name: Fragment(macro, value, before[name].version if _is_same(before.get(name), value) else version)
        for name, macro, value in _parts(view)
    }


def _is_same(before: Fragment | None, value: object) -> bool:
    return before is not None and bool(before.value == value)


def html_of(fragment: Fragment, now: float) -> str:
    """For the stream: the browser replaces the element that has the same id."""
    module = environment().get_template(_TEMPLATE).module
    return str(getattr(module, fragment.macro)(fragment.value, now, oob=True))


def _parts(view: OverviewView) -> Iterator[tuple[str, str, Any]]:
    yield "answer", "answer", view.answer
    yield "totals", "totals", view.totals
    yield LIST, "index_list", _Indexes(view)
    for index in view.indexes:
        for part in _PARTS:
            yield f"{index.key} {part}", f"index_{part}", getattr(index, part)


class _Indexes:
    """The list as a whole: changes when an index comes, goes, moves because its name changed, or is no longer new."""

    def __init__(self, view: OverviewView) -> None:
        self.indexes = view.indexes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Indexes) and self._keys == other._keys

    def __hash__(self) -> int:
        return hash(self._keys)

    @property
    def _keys(self) -> tuple[tuple[str, bool], ...]:
        return tuple((it.key, it.is_new) for it in self.indexes)
