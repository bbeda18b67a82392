"""Events: what happened, as values for an observer. Logs, progress, live state and metrics are made from them."""

from dataclasses import dataclass

from connector.domain.report import CycleReport, Result


@dataclass(frozen=True, slots=True)
class CycleBegan:
    """A full cycle, poll, refresh, retry or webhook began, or goes on after an error (`again`)."""

    cycle_id: str
    index_id: str
    kind: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class ChangesPlanned:
    """The cycle knows its changes; `count` of them are still to be carried out."""

    cycle_id: str
    index_id: str
    count: int
    index_name: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeBegan:
    """A worker began to carry out a change of this asset."""

    index_id: str
    indexed_asset_id: str


@dataclass(frozen=True, slots=True)
class PointsBuilt:
    """The points of the asset were made from what was retrieved; they are written next."""

    index_id: str
    indexed_asset_id: str
    count: int


@dataclass(frozen=True, slots=True)
class AssetOpened:
    """From now on the sink may hold any mixture of the asset's points."""

    index_id: str
    indexed_asset_id: str


@dataclass(frozen=True, slots=True)
class IndexExpires:
    """TwelveLabs deletes the index at this time, within so many `days`."""

    index_id: str
    index_name: str | None
    expires_at: str
    days: int


@dataclass(frozen=True, slots=True)
class DeletePending:
    """The source confirmed that the asset is gone. Its points are deleted after `due`, unless it is back by then."""

    index_id: str
    indexed_asset_id: str
    filename: str | None
    due: float


@dataclass(frozen=True, slots=True)
class DeleteCancelled:
    """A delete that waited for the end of the grace period will not be carried out."""

    index_id: str
    indexed_asset_id: str
    filename: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeFinished:
    """A change ended: applied, refreshed, deleted, deferred, failed … as `result` says.

    `is_job`: another replica may have asked for it, and learns of it as JobReported.
    """

    index_id: str
    result: Result
    cycle_id: str | None = None
    is_job: bool = False


@dataclass(frozen=True, slots=True)
class JobReported:
    """A change that was given to a worker of any replica ended. The worker has told ChangeFinished."""

    index_id: str
    result: Result
    cycle_id: str | None = None


@dataclass(frozen=True, slots=True)
class CycleEnded:
    """The report has its counts, and its error if it could not be carried out."""

    cycle_id: str
    kind: str
    report: CycleReport


@dataclass(frozen=True, slots=True)
class RequestEnded:
    """One request to the source. `status` is None without a response; `error` is the code of what went wrong."""

    operation: str
    subject: str
    index_id: str | None
    status: int | None
    duration_sec: float
    size_bytes: int = 0
    """Of the body, decompressed."""
    error: str | None = None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class RequestRetried:
    """A request to the source will be repeated after `wait_sec`; `limited` if the source's rate limit is the cause."""

    operation: str
    subject: str
    index_id: str | None
    cause: str
    wait_sec: float
    limited: bool = False


@dataclass(frozen=True, slots=True)
class TurnWaited:
    """A request to the source waited for its turn: for our own rate limit, or for the source's."""

    waited_sec: float


@dataclass(frozen=True, slots=True)
class SinkRequestEnded:
    """One request to Qdrant, with the code of what went wrong. `attempt` is above 1 for a retry.

    `missing`: the answer is that there is no such collection, which may be what the caller wanted to know.
    """

    operation: str
    collection: str
    duration_sec: float
    error: str | None = None
    cause: str = ""
    attempt: int = 1
    missing: bool = False


@dataclass(frozen=True, slots=True)
class PointsDeleted:
    """Qdrant acknowledged the delete of `count` points of the index: of an asset that is gone, or replaced ones."""

    index_id: str
    count: int


@dataclass(frozen=True, slots=True)
class EventLoopLate:
    """The event loop of the daemon ran this much later than it should have: something blocked it."""

    late_sec: float


@dataclass(frozen=True, slots=True)
class LedgerWriteEnded:
    """The daemon wrote something to the ledger without which its work goes on: `what` names the kind."""

    what: str
    error: str | None = None
    cause: str = ""


Event = (
    CycleBegan
    | ChangesPlanned
    | ChangeBegan
    | PointsBuilt
    | AssetOpened
    | IndexExpires
    | DeletePending
    | DeleteCancelled
    | ChangeFinished
    | JobReported
    | CycleEnded
    | RequestEnded
    | RequestRetried
    | TurnWaited
    | SinkRequestEnded
    | PointsDeleted
    | EventLoopLate
    | LedgerWriteEnded
)
