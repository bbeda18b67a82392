"""The check of a server's URL, for settings and adapters."""

from urllib.parse import urlsplit


def server_url(text: str) -> str:
    """The URL without white space around it and slashes at its end.

    Raises ValueError with a message for users. It never shows the text, which may be a key in the wrong place.
    """
    url = text.strip().rstrip("/")
    if "@" in url:
        raise ValueError("an address must not contain a user name or password: set keys in their own settings")
    if not url.isprintable() or " " in url:
        raise ValueError("it contains spaces or control characters: remove them")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(
            "it is not a valid server address (value not shown: it may be a key): use http://host:port or "
            "https://host:port"
        )
    if parts.query or parts.fragment:
        raise ValueError("an address must not contain ? or #: set keys in their own settings")
    return url
