"""Parse and write timestamps. Of the source: any ISO 8601 date and time; UTC if the zone is missing."""

import re
from datetime import UTC, datetime

_STORED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")


def parse(text: str) -> datetime:
    """Parse to UTC with microseconds. Raises ValueError if the text is not a date and time."""
    upper = text.upper()
    moment = datetime.fromisoformat(upper)
    if "T" not in upper and " " not in text:
        raise ValueError(f"not a date and time: {text!r}")
    if moment.tzinfo is UTC:
        return moment
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"year out of range: {text!r}") from None


def rfc3339(text: str) -> str:
    """Convert to RFC 3339 in UTC with at most microseconds, which Qdrant can filter; keep text in that form."""
    moment = parse(text)
    if _STORED.fullmatch(text):
        return text
    precision = "microseconds" if moment.microsecond % 1000 else "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def epoch(text: str) -> float:
    """Seconds since 1970 (UTC). Raises ValueError if the text is not a date and time."""
    return parse(text).timestamp()


def text(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds, of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
