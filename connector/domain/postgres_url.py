"""The URL of a PostgreSQL database: checked, shown without its password, and the secrets in it."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

SCHEMES = ("postgresql", "postgres")
_SECRET_OPTIONS = ("password", "sslpassword", "passfile")
_SHOWN_OPTIONS = ("host", "hostaddr", "port", "dbname", "user", "sslmode", "options", "target_session_attrs")
_MASK = "***"
_BROKEN_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})|%00")
_OTHER_SCHEMES = ("sqlite", "file", "mysql", "mariadb", "redis", "mongodb", "http", "https")
"""Named in a message. Others are not: the text may be a key at the wrong place."""


def postgres_url(text: str) -> str:
    """The URL without white space around it. Raises ValueError with a message for users, which never shows the text."""
    url = text.strip()
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in SCHEMES:
        named = f" (its scheme is {scheme})" if separator and scheme in _OTHER_SCHEMES else ""
        raise ValueError(
            f"it is neither sqlite nor the URL of a PostgreSQL database{named}; value not shown: "
            "use sqlite, or postgresql://user:password@host:5432/database"
        )
    if not url.isprintable() or " " in url:
        raise ValueError("it contains spaces or control characters (value not shown): write them as %20 and so on")
    if _BROKEN_ESCAPE.search(url):
        raise ValueError(
            "it contains a % that is not followed by two hexadecimal digits, or %00 (value not shown): write %25 for it"
        )
    try:
        database, port_is_valid = _database(url), _port_is_valid(url)
    except ValueError:
        raise ValueError(
            "it is not a valid URL (value not shown): use postgresql://user:password@host:5432/database, and "
            "write characters like @ : / # ? of the password as %40 %3A %2F %23 %3F"
        ) from None
    if not port_is_valid:
        raise ValueError("its port is not a number from 1 to 65535 (value not shown): use host:5432")
    if not database:
        raise ValueError("it names no database (value not shown): add it, as in postgresql://host:5432/database")
    if urlsplit(url).fragment:
        raise ValueError("it contains # (value not shown): write that character of the password as %23")
    return url


def shown_postgres_url(url: str) -> str:
    """The URL for people: its password is replaced, and so is the value of each option that may hold a secret."""
    parts = urlsplit(url)
    userinfo, at, hosts = parts.netloc.rpartition("@")
    user, colon, _ = userinfo.partition(":")
    options = [(key, value if key in _SHOWN_OPTIONS else _MASK) for key, value in parse_qsl(parts.query)]
    query = urlencode(options, safe="*/", quote_via=quote)
    netloc = f"{user}{f':{_MASK}' if colon else ''}{at}{hosts}"
    return parts._replace(netloc=netloc, query=query).geturl()


def postgres_secrets(url: str) -> set[str]:
    """The passwords in it, as written and decoded."""
    return set(_secrets(url)) - {""}


def _secrets(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    password = parts.netloc.rpartition("@")[0].partition(":")[2]
    yield from (password, unquote(password))
    yield from (value for key, value in parse_qsl(parts.query) if key in _SECRET_OPTIONS)


def _database(url: str) -> str:
    parts = urlsplit(url)
    return unquote(parts.path.strip("/")) or dict(parse_qsl(parts.query)).get("dbname", "")


def _port_is_valid(url: str) -> bool:
    """Several hosts may be named, each with its port."""
    hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")
    ports = [port for host in hosts if (port := host.rpartition("]")[2].partition(":")[2])]
    return all(port.isascii() and port.isdigit() and 0 < int(port) < 65_536 for port in ports)  # noqa: PLR2004  the last port
