"""Source timestamps: RFC 3339 with or without a fraction, with `Z` or a numeric offset."""

from datetime import UTC, datetime


def parse(text: str) -> datetime:
    """UTC. Raises ValueError for what is no RFC 3339 date and time."""
    moment = datetime.fromisoformat(text.upper())
    if "T" not in text.upper() and " " not in text:
        raise ValueError(f"not a date and time: {text!r}")
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"no year that a calendar has: {text!r}") from None


def rfc3339(text: str) -> str:
    """The same moment in UTC: as it was written where it ends in Z, else converted."""
    moment = parse(text)
    if text.endswith("Z"):
        return text
    precision = "microseconds" if moment.microsecond % 1000 else "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def epoch(text: str) -> float:
    return parse(text).timestamp()
