"""The TOML types that each setting accepts. Environment variables are always text; TOML values have types."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, time
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from connector.settings.names import PREFIX
from connector.settings.ranges import RANGES, duration, real, whole

_NAMES: dict[type, str] = {
    bool: "a boolean",
    int: "a whole number",
    float: "a number with a fraction",
    str: "a string",
    list: "a list",
    dict: "a table",
    datetime: "a date",
    date: "a date",
    time: "a time of day",
}
_TEXT = frozenset({str})
_WANTED: dict[object, tuple[frozenset[type], str]] = {
    bool: (frozenset({bool}), "true or false, without quotes"),
    whole: (frozenset({int}), "a whole number, without quotes, from {}"),
    real: (frozenset({int, float}), "a number, without quotes, from {}"),
    duration: (frozenset({str, int, float}), 'a duration like "5m", or a number of seconds, from {}'),
    tuple: (frozenset({str, list}), "a list of strings"),
    dict: (frozenset({str, list, dict}), "a list or table of strings"),
}


def well_typed(
    in_file: Mapping[str, Any],
    fields: Mapping[str, object],
    fields_of_index: Mapping[str, object],
    secrets: Collection[str],
    problems: list[str],
) -> tuple[dict[str, Any], set[str]]:
    """Return the values of valid type, and the names of the fields with values of another type.

    `fields` and `fields_of_index` map field names to annotations; the index tables are under `overrides`. Appends a
    message for each wrong value to `problems`.
    """
    wrong = dict(_mistyped(in_file, fields, secrets))
    problems += [f"{name.upper()}: {what}" for name, what in wrong.items()]
    kept = {name: value for name, value in in_file.items() if name not in wrong}
    if "overrides" in in_file:
        kept["overrides"] = list(_well_typed_tables(in_file["overrides"], fields_of_index, problems))
    return kept, set(wrong)


def _well_typed_tables(
    tables: Iterable[Mapping[str, Any]], fields: Mapping[str, object], problems: list[str]
) -> Iterator[dict[str, Any]]:
    for number, table in enumerate(tables, start=1):
        mistakes = dict(_mistyped({key: value for key, value in table.items() if key != "id"}, fields))
        problems += [f"table {number} of indexes: {key}: {what}" for key, what in mistakes.items()]
        yield {key: value for key, value in table.items() if key not in mistakes}


def _mistyped(
    values: Mapping[str, Any], fields: Mapping[str, object], secrets: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """Yield (field name, message) for each value whose type does not match its field's annotation."""
    for name, value in values.items():
        if name not in fields:
            continue
        allowed, wanted = _wanted(name, fields[name])
        wrong = _wrong_part(value, allowed)
        if wrong is not None:
            shown = "it" if name in secrets else _shown(wrong)
            yield name, f"{shown} is {_NAMES[type(wrong)]}: use {wanted}"


def _wanted(name: str, annotation: object) -> tuple[frozenset[type], str]:
    """The allowed types, and how to write the value."""
    span, base = RANGES.get(name) or RANGES.get(PREFIX + name), _base(annotation)
    if span:
        types, words = _WANTED[span.read]
        return types, words.format(span)
    if get_origin(base) is Literal:
        return _TEXT, " or ".join(f'"{choice}"' for choice in get_args(base))
    return _WANTED.get(base, (_TEXT, "a string in quotes"))


def _base(annotation: object) -> object:
    """The class or Literal in an annotation, without None and Annotated."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _base(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return _base(next(inner for inner in get_args(annotation) if inner is not NoneType))
    return annotation if origin is Literal else origin or annotation


def _wrong_part(value: object, allowed: frozenset[type]) -> object | None:
    """The value, or the first item of it, whose type is not allowed; None if all are allowed."""
    if type(value) not in allowed:
        return value
    inner = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return next((item for item in inner if not isinstance(item, str)), None)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, date | time) else repr(value)
