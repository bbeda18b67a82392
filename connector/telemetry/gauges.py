"""Gauges that are facts of the moment, read for each scrape: what the ledger holds, and what the daemon does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from connector.domain.ledger_model import Summary
from connector.domain.priority import Priority
from connector.telemetry.bottleneck import Limit
from connector.telemetry.last_cycles import CycleEnds
from connector.telemetry.metric_labels import RECURRING

ASSET_STATES = ("applied", "opened", "deferred", "failed", "quarantined", "pending_delete", "waiting")


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """What the ledger knows of an index. `waiting` assets are being indexed at the source; `expires_at` is in seconds
    since the epoch.
    """

    summary: Summary
    waiting: int
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class ScrapedIndex:
    """An index that the daemon follows. Times are seconds since the epoch; None if unknown, or if there is none."""

    index_id: str
    poll_sec: float
    cycle_sec: float
    name: str | None = None
    model: str | None = None
    collection: str | None = None
    error_code: str | None = None
    last: CycleEnds = field(default_factory=CycleEnds)
    next_poll_at: float | None = None
    next_cycle_at: float | None = None
    ledger: LedgerFacts | None = None
    """None if the ledger cannot be read."""


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """`leases` are those that this replica holds; `jobs` are by priority and state, of all replicas."""

    replicas: int
    leases: int
    jobs: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class DaemonFacts:
    """`ready` has each component; `limited_by` is None if nothing is to be done.

    `started_at` is in seconds since the epoch.
    """

    started_at: float = 0.0
    indexes: Sequence[ScrapedIndex] = ()
    ready: Mapping[str, bool] = field(default_factory=dict)
    heartbeat_age_sec: float = 0.0
    in_progress: int = 0
    workers: int = 0
    limited_by: str | None = None
    cluster: ClusterFacts = field(default_factory=lambda: ClusterFacts(1, 0, {}))


class FactGauges(Collector):
    """Has every metric in each scrape, also those without a sample at the moment."""

    def __init__(self) -> None:
        self.facts = DaemonFacts()

    def describe(self) -> Iterator[Metric]:
        yield from self._families(DaemonFacts())

    def collect(self) -> Iterator[Metric]:
        yield from self._families(self.facts)

    def _families(self, facts: DaemonFacts) -> Iterator[Metric]:
        yield from _of_the_daemon(facts)
        yield from _of_the_cluster(facts.cluster)
        yield from _of_indexes(facts.indexes)
        yield from _of_cycles(facts.indexes)
        yield from _of_the_ledger([(it.index_id, it.ledger) for it in facts.indexes if it.ledger])


def _gauge(name: str, help_text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"connector_{name}", help_text, labels=labels)


def _printable(text: str) -> str:
    """A terminal would interpret control characters."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _of_the_daemon(facts: DaemonFacts) -> Iterator[Metric]:
    ready = _gauge("ready", "1 if the component can be used, as /readyz says; else 0.", "component")
    for component, usable in facts.ready.items():
        ready.add_metric([component], usable)
    limited_by = _gauge("limited_by", "1 for what limits the throughput now; all 0 if nothing is to be done.", "limit")
    for limit in Limit:
        limited_by.add_metric([limit.value], facts.limited_by == limit)
    age = _gauge("heartbeat_age_seconds", "Time since the last heartbeat of the event loop, as /livez says.")
    age.add_metric([], facts.heartbeat_age_sec)
    in_progress = _gauge("changes_in_progress", "Changes that are being carried out.")
    in_progress.add_metric([], facts.in_progress)
    workers = _gauge("concurrency", "Changes that may be carried out at once: CONNECTOR_CONCURRENCY.")
    workers.add_metric([], facts.workers)
    # process_start_time_seconds may change by a second while the process runs, and exists on Linux only.
    started = _gauge("start_timestamp_seconds", "When the daemon started.")
    started.add_metric([], facts.started_at)
    yield from (ready, limited_by, age, in_progress, workers, started)


def _of_the_cluster(facts: ClusterFacts) -> Iterator[Metric]:
    replicas = _gauge("replicas", "Replicas that share the ledger; 1 with a ledger in a file.")
    replicas.add_metric([], facts.replicas)
    leases = _gauge("leases", "Indexes for which this replica plans and deletes.")
    leases.add_metric([], facts.leases)
    jobs = _gauge("jobs", "Changes that were given to the workers of all replicas.", "priority", "state")
    for priority in Priority:
        states = facts.jobs.get(priority.name.lower(), {})
        for state in ("waiting", "in_hand"):
            jobs.add_metric([priority.name.lower(), state], states.get(state, 0))
    yield from (replicas, leases, jobs)


def _of_indexes(indexes: Sequence[ScrapedIndex]) -> Iterator[Metric]:
    info = InfoMetricFamily("connector_index", "Name, model and collection of an index.", labels=["index_id"])
    error = _gauge(
        "index_error", "1 while the index fails, with the code of the error; absent otherwise.", "index_id", "code"
    )
    for it in indexes:
        names = {"index_name": _printable(it.name or ""), "model": it.model or "", "collection": it.collection or ""}
        info.add_metric([it.index_id], names)
        if it.error_code:
            error.add_metric([it.index_id, it.error_code], 1)
    yield from (info, error)


def _of_cycles(indexes: Sequence[ScrapedIndex]) -> Iterator[Metric]:
    interval = _gauge("cycle_interval_seconds", "Time between two, as configured.", "index_id", "kind")
    following = _gauge("next_cycle_timestamp_seconds", "When the next one begins.", "index_id", "kind")
    ended = _gauge("last_cycle_timestamp_seconds", "When the last one ended, 0 if none.", "index_id", "kind")
    succeeded = _gauge(
        "last_success_timestamp_seconds", "When the last one without an error ended, 0 if none.", "index_id", "kind"
    )
    withheld = _gauge("deletes_withheld", "Deletes that the last listing withheld.", "index_id")
    for it in indexes:
        for kind, seconds, next_at in zip(
            RECURRING, (it.cycle_sec, it.poll_sec), (it.next_cycle_at, it.next_poll_at), strict=True
        ):
            interval.add_metric([it.index_id, kind], seconds)
            ended.add_metric([it.index_id, kind], it.last.ended_at.get(kind, 0.0))
            succeeded.add_metric([it.index_id, kind], it.last.succeeded_at.get(kind, 0.0))
            if next_at is not None:
                following.add_metric([it.index_id, kind], next_at)
        withheld.add_metric([it.index_id], it.last.withheld)
    yield from (interval, following, ended, succeeded, withheld)


def _of_the_ledger(indexes: Sequence[tuple[str, LedgerFacts]]) -> Iterator[Metric]:
    rows = _gauge("ledger_assets", "Assets of which the ledger has a row.", "index_id")
    assets = _gauge("assets", "Assets by state; one may have several or none.", "index_id", "state")
    backlog = _gauge("backlog", "Planned changes that are not carried out yet, by priority.", "index_id", "priority")
    points = _gauge("points", "Points in Qdrant, according to the ledger.", "index_id")
    pending = _gauge("deletes_pending", "Deletes that wait for the end of the grace period.", "index_id")
    expires = _gauge(
        "index_expiry_timestamp_seconds", "When TwelveLabs deletes the index; absent if never.", "index_id"
    )
    for index_id, facts in indexes:
        summary = facts.summary
        rows.add_metric([index_id], summary.assets)
        counts = (summary.applied, summary.opened, summary.deferred, summary.failed, summary.quarantined)
        for state, count in zip(ASSET_STATES, (*counts, summary.pending, facts.waiting), strict=True):
            assets.add_metric([index_id, state], count)
        for priority in Priority:
            backlog.add_metric([index_id, priority.name.lower()], summary.backlog.get(priority, 0))
        points.add_metric([index_id], summary.points)
        pending.add_metric([index_id], summary.pending)
        if facts.expires_at is not None:
            expires.add_metric([index_id], facts.expires_at)
    yield from (rows, assets, backlog, points, pending, expires)
