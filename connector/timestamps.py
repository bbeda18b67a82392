"""Source timestamps: RFC 3339 with or without a fraction, with `Z` or a numeric offset."""

from datetime import UTC, datetime


def parse(text: str) -> datetime:
    """UTC. Raises ValueError for what is no RFC 3339 date and time."""
    moment = datetime.fromisoformat(text)
    if "T" not in text.upper() and " " not in text:
        raise ValueError(f"not a date and time: {text!r}")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def rfc3339(text: str) -> str:
    """The same moment as `2026-01-14T13:34:29Z`, with milliseconds only where there are some."""
    moment = parse(text)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def epoch(text: str) -> float:
    return parse(text).timestamp()
