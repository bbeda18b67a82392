"""Source timestamps: ISO 8601 dates and times in any spelling, a missing zone meaning UTC."""

import re
from datetime import UTC, datetime

_STORED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")


def parse(text: str) -> datetime:
    """UTC, to the microsecond. Raises ValueError for what is no date and time."""
    moment = datetime.fromisoformat(text.upper())
    if "T" not in text.upper() and " " not in text:
        raise ValueError(f"not a date and time: {text!r}")
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"no year that a calendar has: {text!r}") from None


def rfc3339(text: str) -> str:
    """The same moment as Qdrant can filter it: RFC 3339 in UTC with at most microseconds, unchanged if it is that."""
    moment = parse(text)
    if _STORED.fullmatch(text):
        return text
    precision = "microseconds" if moment.microsecond % 1000 else "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def epoch(text: str) -> float:
    """Seconds since 1970. Raises ValueError for what is no date and time."""
    return parse(text).timestamp()
