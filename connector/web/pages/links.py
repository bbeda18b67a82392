"""Addresses of the pages. Ids may hold any characters: slashes, dots only, quotes, emoji. Pure.

An id is encoded twice. The server decodes a path once before it splits it, so that a slash encoded once would split it.
"""

from urllib.parse import quote, unquote, urlencode

_LONGEST = 8000
"""Servers and browsers refuse much longer addresses."""


def segment(name: str) -> str:
    """The id as one segment of a path."""
    once = name.replace(".", "%2E") if set(name) == {"."} else quote(name, safe="")
    return quote(once, safe="")


def named_by(part: str) -> str:
    """The id that a segment names, after the server has decoded it once."""
    return unquote(part)


def index_url(index_id: str, **query: object) -> str | None:
    """The URL of an index's list of assets; None if the id is too long for a URL.

    Omits values of the query that are None.
    """
    return _address(f"/indexes/{segment(index_id)}", query)


def asset_url(index_id: str, indexed_asset_id: str) -> str | None:
    """The URL of an asset's page; None if the ids are too long for a URL."""
    return _address(f"/indexes/{segment(index_id)}/assets/{segment(indexed_asset_id)}", {})


def _address(path: str, query: dict[str, object]) -> str | None:
    given = {key: str(value) for key, value in query.items() if value is not None}
    address = f"{path}?{urlencode(given)}" if given else path
    return address if len(address) <= _LONGEST else None
