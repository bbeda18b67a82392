"""What `connector search` is asked for, from the text of its options. Pure."""

import json
import re
from typing import Any

from connector.domain.errors import ConfigError
from connector.search.query_inputs import SegmentQuery, segment_query

_PAIR = re.compile(r"(?P<key>[^<>=]+)(?P<sign>>=|<=|>|<|=)(?P<value>.*)", re.DOTALL)
_BOUNDS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}


def filters_of(pairs: list[str], after: str | None, before: str | None) -> dict[str | tuple[str, ...], Any]:
    """`key=value`, or `key>=value` and the like, as filters. The same key twice means either value, or both bounds.

    Raises ConfigError.
    """
    found: dict[str | tuple[str, ...], Any] = {}
    for pair in pairs:
        match = _PAIR.fullmatch(pair)
        if not match:
            advice = "Use a form such as category=sports or batch>=3, in quotes"
            raise ConfigError("read", "--filter", f"{pair!r} is not KEY=VALUE", advice)
        key, bound, value = match["key"], _BOUNDS.get(match["sign"]), _value(match["value"])
        given = found.setdefault(key, {} if bound else [])
        if isinstance(given, dict) != bool(bound):
            raise ConfigError("read", "--filter", f"{key} has both a value and a bound", "Use one of them")
        if bound:
            given[bound] = value
        else:
            given.append(value)
    filters = {key: given[0] if isinstance(given, list) and len(given) == 1 else given for key, given in found.items()}
    return {**filters, **{name: date for name, date in (("after", after), ("before", before)) if date is not None}}


def _value(text: str) -> Any:
    """A number, true, false or a quoted text as JSON; anything else is the text itself."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str | int | float) else text


def segment_of(text: str) -> SegmentQuery:
    """`INDEX/ASSET@SECONDS`. Raises ConfigError."""
    place, sign, second = text.rpartition("@")
    index_id, slash, indexed_asset_id = place.partition("/")
    try:
        seconds = float(second)
    except ValueError:
        seconds = None
    if not (sign and slash and seconds is not None):
        cause = f"{text!r} is not INDEX/ASSET@SECONDS"
        raise ConfigError("read", "--similar", cause, "Take index, asset and start of a hit of `search --json`")
    return segment_query(index_id, indexed_asset_id, seconds, other_assets_only=False)
