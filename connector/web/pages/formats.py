"""Numbers, durations and times as the pages show them. Pure; times are seconds since the epoch (UTC)."""

from datetime import UTC, datetime

from connector.domain import timestamps
from connector.web.pages.plain_text import plain

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_SHORT_SEC = 10
_SOON_SEC = 1
NONE = "–"  # noqa: RUF001  what stands in a table where nothing is known


def number(value: float | None) -> str:
    """With thousands separators, at most one decimal; a dash for None."""
    if value is None:
        return NONE
    rounded = round(value, 1)
    return f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:,.1f}"


def duration(seconds: float | None) -> str:
    """Such as `4.2 s`, `3 min 20 s`, `5 h 2 min` or `3 d 4 h`; a dash for None."""
    if seconds is None:
        return NONE
    if seconds < _SHORT_SEC:
        return f"{number(max(seconds, 0.0))} s"
    left, parts = round(seconds), list[str]()
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if parts or count:
            parts.append(f"{count} {unit}")
    shown = [part for part in parts[:2] if not part.startswith("0 ")]
    return " ".join(shown)


def relative(at: float, now: float) -> str:
    """Such as `now`, `3 min ago` or `in 2 h`: one unit."""
    seconds = round(at - now)
    if abs(seconds) <= _SOON_SEC:
        return "now"
    size, unit = next((size, unit) for size, unit in _UNITS if abs(seconds) >= size)
    shown = f"{abs(seconds) // size} {unit}"
    return f"in {shown}" if seconds > 0 else f"{shown} ago"


def exact(at: float) -> str:
    """Such as `2026-11-29 21:30:05 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def machine(at: float) -> str:
    """RFC 3339 in UTC, to the second, for the attribute `datetime`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(at: str | float) -> float | None:
    """Of RFC 3339 text, or of seconds; None if the text is not a time."""
    if not isinstance(at, str):
        return at
    try:
        return timestamps.epoch(at)
    except ValueError:
        return None


def clock(seconds: float) -> str:
    """A position in a video, such as `1:02:03` or `4:05`."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shortened(text: str, most: int = 120) -> str:
    """In one line of at most so many characters; names and messages may be very long, and hold anything."""
    line = plain(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"


_DOING = {
    "starting": "Starting",
    "waiting": "Idle: waiting for the next poll",
    "sync": "Syncing as a command asked",
    "full cycle": "Full cycle: comparing the whole index",
    "resumed cycle": "Going on with what an earlier cycle left",
    "poll": "Polling for new assets",
    "unfinished assets": "Retrying unfinished assets",
    "webhook": "Syncing what a webhook announced",
    "refresh": "Checking applied assets for changes",
    "retry": "Retrying as a command asked",
}


def doing(kind: str) -> str:
    """What a loop of the daemon does, in a few words."""
    return _DOING.get(kind, kind)
