"""The scope of a search as a Qdrant filter. For reading only: an empty scope selects everything."""

import re
from collections.abc import Sequence
from functools import singledispatch

from qdrant_client import models

from connector.domain.search_scope import (
    AllWords,
    AnyNumber,
    AnyOf,
    Condition,
    DateRange,
    NumberRange,
    Path,
    PointScope,
)
from connector.qdrant import point_filters

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def filter_of(scope: PointScope) -> models.Filter | None:
    within = point_filters.of_indexes(scope.index_ids)
    must: list[models.Condition] = [*([within] if within else []), *map(_condition, scope.conditions)]
    must_not: list[models.Condition] = []
    if scope.without:
        must_not.append(models.HasIdCondition(has_id=list(scope.without)))
    if scope.without_asset:
        must_not.append(point_filters.of_asset(*scope.without_asset))
    return models.Filter(must=must or None, must_not=must_not or None) if must or must_not else None


def with_value(path: Path, index_ids: Sequence[str]) -> models.Filter:
    """The points of these indexes (all without ids) that have a value at this path."""
    within = point_filters.of_indexes(index_ids)
    empty = models.IsEmptyCondition(is_empty=models.PayloadField(key=key_of(path)))
    return models.Filter(must=[within] if within else None, must_not=[empty])


def key_of(path: Path) -> str:
    """Qdrant's spelling: parts with other characters than letters, digits, hyphens and underscores are quoted.

    A part that ends with [] before another one means the objects in a list; at the end, it is a key of this name.
    """
    return ".".join([*map(_list_or_key, path[:-1]), _quoted(path[-1])])


def _list_or_key(part: str) -> str:
    key = part.removesuffix("[]")
    return f"{_quoted(key)}[]" if key and key != part else _quoted(part)


def _quoted(part: str) -> str:
    return part if _PLAIN.fullmatch(part) else f'"{part}"'


@singledispatch
def _condition(condition: Condition) -> models.Condition:
    raise TypeError(f"no filter for {condition!r}")


@_condition.register
def _(condition: AnyOf) -> models.Condition:
    texts = [value for value in condition.values if not isinstance(value, bool)]
    key, flags = key_of(condition.path), [value for value in condition.values if isinstance(value, bool)]
    either: list[models.Condition] = [
        models.FieldCondition(key=key, match=models.MatchValue(value=flag)) for flag in flags
    ]
    if texts:
        either.append(models.FieldCondition(key=key, match=models.MatchAny(any=texts)))
    return either[0] if len(either) == 1 else models.Filter(should=either)


@_condition.register
def _(condition: AnyNumber) -> models.Condition:
    """As ranges, because a match of numbers compares integers only."""
    key = key_of(condition.path)
    either: list[models.Condition] = [
        models.FieldCondition(key=key, range=models.Range(gte=value, lte=value)) for value in condition.values
    ]
    return either[0] if len(either) == 1 else models.Filter(should=either)


@_condition.register
def _(condition: AllWords) -> models.Condition:
    return models.FieldCondition(key=key_of(condition.path), match=models.MatchText(text=condition.text))


@_condition.register
def _(condition: NumberRange) -> models.Condition:
    span = models.Range(gt=condition.gt, gte=condition.gte, lt=condition.lt, lte=condition.lte)
    return models.FieldCondition(key=key_of(condition.path), range=span)


@_condition.register
def _(condition: DateRange) -> models.Condition:
    span = models.DatetimeRange(gt=condition.gt, gte=condition.gte, lt=condition.lt, lte=condition.lte)
    return models.FieldCondition(key=key_of(condition.path), range=span)
