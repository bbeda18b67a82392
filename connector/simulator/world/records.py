"""One indexed asset as a value, and its status at a simulated time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.simulator.world.scenario import Timings
from connector.simulator.world.scenes import Scene

STAGES = ("pending", "queued", "validating", "indexing")
SETTLED_MS = -(1 << 62)


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a video. `key` determines its noise and boundaries; scenes repeat from `first` on."""

    key: str
    filename: str
    duration: float
    fps: float
    width: int
    height: int
    size: int
    scenes: tuple[Scene, ...]
    first: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """`fate` is the final status of the life cycle started at `started_ms`; `pinned_ms` is when it was set explicitly.

    `touched_ms` is the last change that moved updated_at, `patched_ms` the last change of the metadata. `asset_id` None
    is an uploaded asset of its own, `model` None the index's; `revision` counts how often it was indexed again.
    """

    ordinal: int
    content: Content
    created_ms: int
    started_ms: int
    fate: str
    user_metadata: Mapping[str, Any]
    asset_id: str | None = None
    model: str | None = None
    video_stream: bool = True
    pinned_ms: int | None = None
    touched_ms: int = SETTLED_MS
    patched_ms: int = SETTLED_MS
    revision: int = 0

    @property
    def moves(self) -> bool:
        """True if the status changes over time until it reaches the fate."""
        return self.pinned_ms is None and self.fate not in STAGES


@dataclass(frozen=True, slots=True)
class Status:
    name: str
    updated_ms: int
    indexed_ms: int | None


def stage_starts(timings: Timings) -> tuple[int, ...]:
    """Milliseconds from the start of the life cycle to each of its stages, and to its end."""
    starts = [0]
    for seconds in (timings.pending, timings.queued, timings.validating, timings.indexing):
        starts.append(starts[-1] + round(seconds * 1000))
    return tuple(starts)


def status_at(record: Record, now_ms: int, starts: tuple[int, ...]) -> Status:
    """The fate may be a stage (stays there forever) or any word (reached after the last stage)."""
    if record.pinned_ms is not None:
        return _status(record, record.fate, record.pinned_ms)
    stages = (*STAGES[: STAGES.index(record.fate)], record.fate) if record.fate in STAGES else (*STAGES, record.fate)
    elapsed = now_ms - record.started_ms
    if elapsed < 0:
        return _status(record, stages[0], record.created_ms)
    current = max((nth for nth in range(len(stages)) if starts[nth] <= elapsed), default=0)
    return _status(record, stages[current], record.started_ms + starts[current])


def _status(record: Record, name: str, since_ms: int) -> Status:
    return Status(name, max(since_ms, record.touched_ms), since_ms if name == "ready" else None)
