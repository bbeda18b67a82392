"""A page of a long list, as the status shows it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

LONGEST = 1000
LAST_OFFSET = 1_000_000
_DEFAULTS = {"offset": 0, "limit": 100}
_RANGES = {"offset": (0, LAST_OFFSET), "limit": (1, LONGEST)}


@dataclass(frozen=True, slots=True)
class Page:
    """At most `limit` entries, without the first `offset`."""

    offset: int = _DEFAULTS["offset"]
    limit: int = _DEFAULTS["limit"]

    def next_offset(self, total: int) -> int | None:
        """Where the next page begins; None if this one reaches the end of `total` entries."""
        end = self.offset + self.limit
        return end if end < total else None


def read_page(query: Mapping[str, str]) -> Page:
    """The page that `offset` and `limit` of a query name. Raises ValueError with a message for users."""
    return Page(**{name: _number(name, query.get(name)) for name in _DEFAULTS})


def _number(name: str, text: str | None) -> int:
    if text is None:
        return _DEFAULTS[name]
    lowest, highest = _RANGES[name]
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(highest)) and lowest <= int(text) <= highest):
        raise ValueError(f"{name}: not a whole number from {lowest} to {highest}")
    return int(text)
