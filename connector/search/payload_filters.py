"""The `filters` of a search as conditions on the payload. Pure; every mistake raises ConfigError with its cure."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from numbers import Real
from typing import Any

from connector.domain.errors import ConfigError
from connector.domain.search_scope import AllWords, AnyNumber, AnyOf, Condition, DateRange, NumberRange, Path

Filters = Mapping[str | tuple[str, ...], Any]
"""Payload key or `user_metadata` key -> value, list of values, or range such as {"gte": 3, "lt": 5}.

A tuple is the path of a key inside nested metadata. `goals[].player` is the key of the objects in a list: as a text, or
as ("goals[]", "player").
"""

METADATA = "user_metadata"
NESTED = "metadata"
"""The object of CONNECTOR_PAYLOAD_PROFILE=frameworks, which repeats payload keys."""
TEXTS = frozenset(
    [
        "index_id",
        "index_name",
        "indexed_asset_id",
        "asset_id",
        "embedding_model",
        "embedding_options",
        "embedding_scope",
        "filename",
        "revision",
        "metadata_revision",
        "fingerprint",
        "hls_url",
        "page_content",
        "document",
    ]
)
NUMBERS = frozenset(
    [
        "start_offset_sec",
        "end_offset_sec",
        "segment",
        "duration_sec",
        "fps",
        "width",
        "height",
        "size_bytes",
        "asset_points",
    ]
)
DATES = frozenset({"created_at", "indexed_at"})
WORDS = frozenset({"transcript"})
KEYS = TEXTS | NUMBERS | DATES | WORDS
IN_LIST = "[]"
"""Qdrant's sign for each item of a list, after the key of the list."""
_BOUNDS = ("gt", "gte", "lt", "lte")
_SHORT = {"after": "gte", "before": "lt"}
"""For `created_at`: at or after, and before."""


def conditions_of(filters: Filters | None) -> tuple[Condition, ...]:
    """All must hold. Keys that are no payload keys are looked for in `user_metadata`."""
    if filters is None:
        return ()
    if not isinstance(filters, Mapping):
        raise ConfigError("search", "filters", f"{filters!r} is not a mapping", 'Use {"category": "sports"}')
    return tuple(_condition(key, value) for key, value in filters.items())


def overlapping(time_range: Sequence[float] | None) -> tuple[Condition, ...]:
    """Segments that overlap (start, end), in seconds: they start before its end and end after its start."""
    if time_range is None:
        return ()
    advice = "Use (start, end) in seconds, with 0 <= start < end"
    if not isinstance(time_range, list | tuple) or len(time_range) != 2:  # noqa: PLR2004  start and end
        raise ConfigError("search", "time_range", f"{time_range!r} is not a pair", advice)
    start, end = (number(it, "time_range") for it in time_range)
    if not 0 <= start < end:
        raise ConfigError("search", "time_range", f"{start:g} to {end:g} is not a range of time", advice)
    return (NumberRange(("start_offset_sec",), lt=end), NumberRange(("end_offset_sec",), gt=start))


def number(value: Any, name: str) -> float:
    """Raises ConfigError unless it is a finite number."""
    if _is_number(value):
        try:
            if math.isfinite(found := float(value)):
                return found
        except OverflowError:
            pass
    raise ConfigError("search", name, f"{value!r} is not a finite number")


def _is_number(value: Any) -> bool:
    """Numbers of numpy count too."""
    return isinstance(value, Real) and not isinstance(value, bool)


def text(value: Any, name: str) -> str:
    """Raises ConfigError unless it is text that can be sent."""
    if not isinstance(value, str):
        raise ConfigError("search", name, f"{value!r} is not text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigError("search", name, f"{value!a} is not valid Unicode") from None
    return value


def _condition(key: str | tuple[str, ...], value: Any) -> Condition:
    path = _path(key)
    name = ".".join(path)
    if isinstance(key, str) and key in _SHORT:
        return DateRange(path, **{_SHORT[key]: _date(value, key)})
    if path[0] in DATES:
        return _date_range(path, name, value if isinstance(value, Mapping) else {"gte": value, "lte": value})
    if isinstance(value, Mapping):
        return _range(path, name, value)
    if path[0] in WORDS:
        return AllWords(path, _words(value, name))
    values = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
    if not values:
        raise ConfigError("search", f"filter {name}", "its list is empty", "Omit the filter, or give values")
    return _equality(path, name, values)


def _path(key: Any) -> Path:
    parts = key if isinstance(key, tuple) else (key,)
    if not parts or not all(isinstance(part, str) and part for part in parts):
        raise ConfigError("search", "filters", f"{key!r} is not a key", "Use the name of a payload or metadata key")
    for part in parts:
        if '"' in text(part, "filters"):
            raise ConfigError("search", f"filter {part}", "Qdrant has no path for a key with a quotation mark")
    if isinstance(key, str):
        key = _flat(key)
        if key in _SHORT:
            return ("created_at",)
        if key in KEYS:
            return (key,)
        if key in {METADATA, NESTED}:
            advice = f'Filter by one of its keys: {{"category": "sports"}}, or "{METADATA}.KEY"'
            raise ConfigError("search", f"filter {key}", "it is an object", advice)
        inner = key.removeprefix(f"{METADATA}.")
        inside = inner.split(".")
        return (METADATA, *(inside if f"{IN_LIST}." in inner and all(inside) else [inner]))
    return parts if parts[0] == METADATA else (METADATA, *parts)


def _flat(key: str) -> str:
    """The payload key behind a key of `metadata`: it has the same values, a payload index, and is always there."""
    nested = key.removeprefix(f"{NESTED}.")
    return nested if nested in KEYS or nested.startswith(f"{METADATA}.") else key


def _range(path: Path, name: str, value: Mapping[Any, Any]) -> Condition:
    if not value or set(value) - set(_BOUNDS):
        wrong = ", ".join(str(it) for it in value if it not in _BOUNDS) or "nothing"
        advice = f'Use some of {", ".join(_BOUNDS)}, as in {{"gte": 3, "lt": 5}}'
        raise ConfigError("search", f"filter {name}", f"its range has {wrong}", advice)
    if path[0] == METADATA and all(isinstance(it, str | date) for it in value.values()):
        return _date_range(path, name, value)
    if path[0] in TEXTS | WORDS:
        raise ConfigError("search", f"filter {name}", "it is text, which has no range", "Use a text or a list of texts")
    return _checked_range(NumberRange, path, {bound: number(it, f"filter {name}") for bound, it in value.items()})


def _date_range(path: Path, name: str, value: Mapping[Any, Any]) -> Condition:
    if not value or set(value) - set(_BOUNDS):
        advice = f"Use some of {', '.join(_BOUNDS)} with dates"
        raise ConfigError("search", f"filter {name}", f"{dict(value)!r} is not a range", advice)
    return _checked_range(DateRange, path, {bound: _date(it, name) for bound, it in value.items()})


def _checked_range(kind: Callable[..., Condition], path: Path, bounds: Mapping[str, Any]) -> Condition:
    low, high = (bounds.get(a, bounds.get(b)) for a, b in (("gt", "gte"), ("lt", "lte")))
    if low is not None and high is not None and low > high:
        cause = f"its range is inverted: {low} is above {high}"
        raise ConfigError("search", f"filter {'.'.join(path)}", cause, "Swap the bounds")
    return kind(path, **bounds)


def _equality(path: Path, name: str, values: Sequence[Any]) -> Condition:
    subject, in_metadata = f"filter {name}", path[0] == METADATA
    numeric = all(map(_is_number, values))
    if path[0] in NUMBERS or (in_metadata and numeric):
        return AnyNumber(path, tuple(number(it, subject) for it in values))
    return AnyOf(path, tuple(it if in_metadata and isinstance(it, bool) else text(it, subject) for it in values))


def _words(value: Any, name: str) -> str:
    words = text(value, f"filter {name}").strip()
    if not words:
        raise ConfigError("search", f"filter {name}", "it has no words", "Give the words that must be spoken")
    return words


def _date(value: Any, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(moment, datetime):
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(moment, date):
            return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    advice = "Use a date, 2026-03-01 or 2026-03-01T08:00:00Z; without a zone it is UTC"
    raise ConfigError("search", f"filter {name}", f"{value!r} is not a date", advice)
