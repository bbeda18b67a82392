"""A moment of a video in an address: `?from=12.5&to=18`, in seconds. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from connector.web.pages.links import asset_url

_LATEST_SEC = 1e9
"""No segment ends later."""
ANCHOR = "moment"
"""The id of the section with the timeline, to which browsers scroll."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    start_sec: float
    end_sec: float


def read_moment(query: Mapping[str, str]) -> TimeRange | None:
    """The moment that `from` and `to` of a query name; None without `from`. Without `to`, it has no length.

    Raises ValueError with a message for users.
    """
    start = _seconds("from", query.get("from"))
    end = _seconds("to", query.get("to"))
    if start is None:
        if end is not None:
            raise ValueError("to needs from: the moment is from … to …, in seconds, as in ?from=12.5&to=18")
        return None
    if end is None:
        return TimeRange(start, start)
    if end < start:
        raise ValueError("to is before from: the moment is from … to …, in seconds, as in ?from=12.5&to=18")
    return TimeRange(start, end)


def moment_url(index_id: str, indexed_asset_id: str, start_sec: float, end_sec: float) -> str | None:
    """The URL of the asset's page at this moment; None if the ids are too long for a URL."""
    address = asset_url(index_id, indexed_asset_id)
    return address and f"{address}?{moment_query(start_sec, end_sec)}#{ANCHOR}"


def moment_query(start_sec: float, end_sec: float) -> str:
    return urlencode({"from": _shown(start_sec), "to": _shown(end_sec)})


def position(seconds: float) -> str:
    """A position in a video, such as `1:02:03.5` or `4:05.0`."""
    tenths = round(seconds * 10)
    hours, rest = divmod(tenths, 36_000)
    minutes, rest = divmod(rest, 600)
    whole, tenth = divmod(rest, 10)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{head}:{whole:02}.{tenth}"


def time_range(start_sec: float, end_sec: float) -> str:
    return f"{position(start_sec)} \N{EN DASH} {position(end_sec)}"


def _seconds(name: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _LATEST_SEC:
        raise ValueError(f"{name} is not a number of seconds from 0 to {_LATEST_SEC:.0f}")
    return seconds


def _shown(seconds: float) -> str:
    """To the millisecond, as the segments are."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".")
