"""Whether an alias may move: the new collection is filled and verified, and searchers find as much in it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connector.domain.report import CycleReport
from connector.domain.verification import Repair
from connector.reindex.collection_comparison import NEIGHBOURS, SearchComparison

_SHOWN = 5
_TOLERATED = (Repair.QUARANTINED, Repair.WAITING)
"""Of these assets nothing can be written now. Whether searchers miss them is a matter of the old collection."""


def unfilled(reports: Iterable[CycleReport]) -> list[str]:
    """Why the new collection does not hold all that can be written now; empty if it does."""
    found = []
    for report in reports:
        name = report.index_name or report.index_id
        if report.error:
            found.append(f"{name}: {report.error['message']}")
        elif report.interrupted:
            found.append(f"{name}: the cycle was interrupted")
        elif not report.complete:
            found.append(f"{name}: the listing was incomplete")
        else:
            counts = {it: getattr(report, it) for it in ("failed", "deferred", "withheld")}
            troubles = [f"{count} {what}" for what, count in counts.items() if count]
            found += [f"{name}: {', '.join(troubles)}"] if troubles else []
    return found


def drifted(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    """What a verify found, as it blocks the move. `documents` are those of `verify --json`."""
    found = []
    for document in documents:
        name = document["index_name"] or document["index_id"]
        if not document["covered"]:
            continue
        if document["error"] or document["interrupted"]:
            cause = document["error"]["message"] if document["error"] else "it was interrupted"
            found.append(f"{name} was not verified: {cause}")
            continue
        if not document["complete"]:
            found.append(f"{name} was not verified: the listing was incomplete")
        drift = [it for it in document["findings"] if Repair(it["repair"]) not in _TOLERATED]
        found += [f"{name}: {it['kind']} {it['indexed_asset_id']}" for it in drift[:_SHOWN]]
        found += _more(len(drift))
    return found


def differences(comparison: SearchComparison, min_recall: float | None) -> list[str]:
    """What searchers would lose. If `min_recall` is None, the comparison's own threshold applies."""
    found = [
        f"video {gap.asset} is missing" if gap.missing else f"video {gap.asset} lacks {gap.seconds:.1f} s in a row"
        for gap in comparison.gaps[:_SHOWN]
    ]
    found += _more(len(comparison.gaps))
    least = comparison.threshold if min_recall is None else min_recall
    if comparison.recall is not None and comparison.recall < least:
        found.append(f"recall@{NEIGHBOURS} of neighbours is {comparison.recall:.3f}, less than {least:g}")
    return found


def _more(count: int) -> Sequence[str]:
    return [f"and {count - _SHOWN} more"] if count > _SHOWN else []
