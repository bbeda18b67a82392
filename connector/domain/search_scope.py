"""Which points a search looks at. Values only; all conditions must hold, and `path` leads to a payload key."""

from dataclasses import dataclass
from datetime import datetime

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The value, or an item of a list, equals one of these."""

    path: Path
    values: tuple[str | bool, ...]


@dataclass(frozen=True, slots=True)
class AnyNumber:
    """The value equals one of these numbers; 3 and 3.0 are equal."""

    path: Path
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class AllWords:
    """The text has all these words, in any order and case."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class NumberRange:
    path: Path
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None


@dataclass(frozen=True, slots=True)
class DateRange:
    """Times with a time zone."""

    path: Path
    gt: datetime | None = None
    gte: datetime | None = None
    lt: datetime | None = None
    lte: datetime | None = None


Condition = AnyOf | AnyNumber | AllWords | NumberRange | DateRange


@dataclass(frozen=True, slots=True)
class PointScope:
    """Points of these indexes (none: of all) that meet the conditions.

    `without` are ids of points that are not wanted, `without_asset` an (index id, indexed asset id).
    """

    index_ids: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    without: tuple[str, ...] = ()
    without_asset: tuple[str, str] | None = None
