"""Filters of indexed asset listings."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.datastructures import QueryParams

from connector.simulator.api.api_errors import invalid
from connector.simulator.world.clock import parse_ms
from connector.simulator.world.index_state import Table
from connector.simulator.world.records import Record

_NUMBERS = ("duration", "fps", "width", "height", "size")
_FIXED = frozenset(
    {"page", "page_limit", "sort_by", "sort_option", "status", "filename", "created_at", "updated_at", *_NUMBERS}
)
_BATCH = 2_000
_DEEP = re.compile(r"(\w+)\[([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class AssetFilter:
    """`ranges` maps a number of system_metadata to (lowest, highest); `metadata` values are query texts."""

    statuses: tuple[str, ...]
    created_from: int | None
    updated_from: int | None
    filename: str | None
    ranges: Mapping[str, tuple[float, float]]
    metadata: Mapping[str, str]

    @staticmethod
    def of(query: QueryParams, statuses: list[str] | None) -> "AssetFilter":
        """User metadata may be flat (`category=x`) or a deepObject (`user_metadata[category]=x`).

        A plain number is an exact match. Raises ApiError 400.
        """
        ranges: dict[str, tuple[float, float]] = {}
        metadata: dict[str, str] = {}
        for name, value in query.multi_items():
            deep = _DEEP.fullmatch(name)
            if deep is not None and deep[1] in _NUMBERS:
                ranges[deep[1]] = _narrowed(ranges.get(deep[1], (-np.inf, np.inf)), deep[2], name, value)
            elif deep is not None and deep[1] == "user_metadata":
                metadata[deep[2]] = value
            elif name in _NUMBERS:
                ranges[name] = (_number(name, value),) * 2
            elif name not in _FIXED:
                metadata[name] = value
        return AssetFilter(
            statuses=tuple(statuses if statuses is not None else query.getlist("status")),
            created_from=instant(query, "created_at"),
            updated_from=instant(query, "updated_at"),
            filename=query.get("filename"),
            ranges=ranges,
            metadata=metadata,
        )

    @property
    def passes_all(self) -> bool:
        times = self.created_from is None and self.updated_from is None
        return times and not self.statuses and not self._looks_closer

    @property
    def _looks_closer(self) -> bool:
        return self.filename is not None or bool(self.ranges) or bool(self.metadata)

    def rows(
        self, table: Table, records: Callable[[list[int]], list[Record]], *, patched_only: bool
    ) -> NDArray[np.int64]:
        """Matching row numbers of the table. Checks single assets only for filters without a column."""
        kept = np.ones(len(table.ordinals), dtype=np.bool_)
        if self.statuses:
            kept &= np.isin(table.status, [nth for nth, name in enumerate(table.names) if name in self.statuses])
        if self.created_from is not None:
            kept &= table.created_ms >= self.created_from
        if self.updated_from is not None:
            kept &= (table.patched_ms if patched_only else table.updated_ms) >= self.updated_from
        rows = np.flatnonzero(kept).astype(np.int64)
        if not self._looks_closer:
            return rows
        found: list[int] = []
        for first in range(0, len(rows), _BATCH):
            batch = rows[first : first + _BATCH]
            looked_at = zip(batch.tolist(), records(table.ordinals[batch].tolist()), strict=True)
            found.extend(row for row, record in looked_at if self._fits(record))
        return np.array(found, dtype=np.int64)

    def _fits(self, record: Record) -> bool:
        if self.filename is not None and record.content.filename != self.filename:
            return False
        for name, (low, high) in self.ranges.items():
            if not low <= getattr(record.content, name) <= high:
                return False
        return all(_matches(record.user_metadata.get(name), text) for name, text in self.metadata.items())


def _matches(value: Any, text: str) -> bool:
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, int | float):
        return _float(text) == value
    if isinstance(value, list):
        return text in value
    return value is not None and str(value) == text


def _narrowed(current: tuple[float, float], bound: str, name: str, text: str) -> tuple[float, float]:
    if bound == "gte":
        return (_number(name, text), current[1])
    if bound == "lte":
        return (current[0], _number(name, text))
    raise invalid(name, "A range has gte and lte.")


def _number(name: str, text: str) -> float:
    number = _float(text)
    if number is None or not np.isfinite(number):
        raise invalid(name, "It must be a number.")
    return number


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def instant(query: Mapping[str, str], name: str) -> int | None:
    """Parse an RFC 3339 query value to milliseconds; None if absent. Raises ApiError 400."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return parse_ms(text)
    except ValueError as error:
        raise invalid(name, "It must be in the RFC 3339 format.") from error
