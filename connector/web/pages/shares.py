"""The parts of the bar of an index: how many assets are in each state, and how wide each part is. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from connector.domain.ledger_model import Summary

WIDTH = 1000.0
_GAP, _LEAST = 3.0, 8.0

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "applied": "Applied",
        "opened": "In progress",
        "backlog": "Backlog",
        "waiting": "Waiting",
        "deferred": "Deferred",
        "failed": "Failed",
        "quarantined": "Quarantined",
        "pending": "Delete pending",
        "withheld": "Delete withheld",
    }
)
MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "applied": "Qdrant holds their current vectors.",
        "opened": "Being retrieved or written now, or left so by a process that ended.",
        "backlog": "Known to be new or changed, and not begun yet.",
        "waiting": "Still being indexed at TwelveLabs; they follow as soon as they are ready.",
        "deferred": "To be tried again soon; the last attempt does not count as a failure.",
        "failed": "To be tried again later, after an error.",
        "quarantined": "Failed too often; left alone until they change, or an operator retries them.",
        "pending": "Gone from TwelveLabs; their points stay until the grace period ends.",
        "withheld": "Their deletes were planned, and exceed what is permitted without an operator.",
    }
)


@dataclass(frozen=True, slots=True)
class Share:
    """`x` and `width` are in a bar of WIDTH."""

    state: str
    label: str
    meaning: str
    count: int
    x: float = 0.0
    width: float = 0.0


def shares(summary: Summary, waiting: int, withheld: int, *, again: int = 0) -> tuple[Share, ...]:
    """All states in the order of LABELS. What is applied is the rest: the ledger counts overlap for it.

    `again`: how many of the waiting assets have a row in the ledger, for example because they are indexed once more.
    """
    backlog = sum(summary.backlog.values())
    unfinished = summary.opened + summary.deferred + summary.failed + summary.quarantined
    rest = summary.assets - backlog - unfinished - summary.pending - withheld - again
    counts = {
        "applied": max(min(rest, summary.applied), 0),
        "opened": summary.opened,
        "backlog": backlog,
        "waiting": waiting,
        "deferred": summary.deferred,
        "failed": summary.failed,
        "quarantined": summary.quarantined,
        "pending": summary.pending,
        "withheld": withheld,
    }
    return _placed(counts)


def _placed(counts: Mapping[str, int]) -> tuple[Share, ...]:
    """A part that is not empty is at least _LEAST wide, so that one failed asset of thousands can be seen."""
    shown = [name for name, count in counts.items() if count]
    widths = _widths([counts[name] for name in shown])
    placed, x = dict[str, tuple[float, float]](), 0.0
    for name, width in zip(shown, widths, strict=True):
        placed[name] = (round(x, 1), round(width, 1))
        x += width + _GAP
    return tuple(
        Share(name, LABELS[name], MEANINGS[name], count, *placed.get(name, (0.0, 0.0)))
        for name, count in counts.items()
    )


def _widths(counts: Sequence[int]) -> list[float]:
    room, total = WIDTH - _GAP * max(len(counts) - 1, 0), sum(counts)
    wide = [max(count / total * room, _LEAST) for count in counts]
    surplus, stretch = sum(wide) - room, sum(width - _LEAST for width in wide)
    return [width - (width - _LEAST) / stretch * surplus if stretch else width for width in wide]
