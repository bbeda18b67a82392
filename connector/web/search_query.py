"""The query of a search: `?q=TEXT&index=ID&limit=N`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import QueryParams

LONGEST_TEXT = 1000
"""Characters. The models accept fewer or about as many; TwelveLabs says which text is too long for a model."""
MOST_HITS = 1000
DEFAULT_HITS = 10


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """`text` has no white space around it; without ids of indexes, all are searched."""

    text: str
    indexes: tuple[str, ...] = ()
    limit: int = DEFAULT_HITS

    def pairs(self) -> list[tuple[str, str]]:
        """As the query of an address."""
        return [("q", self.text), *(("index", it) for it in self.indexes), ("limit", str(self.limit))]


def read_search(query: QueryParams) -> SearchQuery:
    """Omits empty ids, which a form sends. An empty text is valid. Raises ValueError with a message for users."""
    text = query.get("q", "").strip()
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"q has {len(text):,} characters; the limit is {LONGEST_TEXT:,}: describe the moment in fewer")
    return SearchQuery(text, tuple(it for it in query.getlist("index") if it), _limit(query))


def is_from_elsewhere(headers: Mapping[str, str]) -> bool:
    """True if a link or a frame of another site made the browser send it. A search costs a request, so it must not."""
    return headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit") or str(DEFAULT_HITS)
    if not (text.isascii() and text.isdigit() and len(text) < 8 and 1 <= int(text) <= MOST_HITS):  # noqa: PLR2004  digits
        raise ValueError(f"limit is not a whole number from 1 to {MOST_HITS:,}")
    return int(text)
