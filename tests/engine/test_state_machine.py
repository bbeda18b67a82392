"""Any order of changes, failures, crashes and cycles: the invariants always hold."""

import asyncio
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connector.domain.errors import ConnectorError, RateLimited, Unavailable
from connector.domain.source_model import READY
from tests.engine.world import INDEX, World

NAMES = tuple("abcdefgh")
MAX_DELETES, RATIO = 1, 0.5
DAY = 86_400.0
PASSES = ("cycle", "sync", "left over", "poll", "rest of a poll", "webhook", "refresh", "retry")
names = st.sampled_from(NAMES)


def source_down() -> ConnectorError:
    return Unavailable("retrieve", "asset", "connection refused", side="source")


def rate_limited() -> ConnectorError:
    return RateLimited("retrieve", "asset", "429", side="source", retry_after=7.0)


def bug() -> Exception:
    return ZeroDivisionError("ours")


class SyncMachine(RuleBasedStateMachine):
    """Names are few, so that assets come back.

    `kept` are assets that have existed ever since they were applied, and whose segments the source still has: an asset
    that came back without segments rightly loses its points. `limited_to` is the smallest number of assets in the
    ledger since deletes are withheld.
    """

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        never = 1000 * DAY
        self.world = World(
            max_deletes=MAX_DELETES, max_delete_ratio=RATIO, refresh_interval=never, deep_refresh_interval=never
        )
        self.limited_to: int | None = None
        self.kept: set[str] = set()
        self.hidden: set[str] = set()

    def teardown(self) -> None:
        self.runner.close()

    @initialize(count=st.integers(0, len(NAMES)))
    def some_assets(self, count: int) -> None:
        for name in NAMES[:count]:
            self.world.source.add(INDEX, name)

    @rule(name=names, segments=st.integers(0, 4), silent=st.booleans(), ready=st.booleans())
    def add(self, name: str, segments: int, *, silent: bool, ready: bool) -> None:
        if name not in self.existing:
            status = READY if ready else "indexing"
            self.world.source.add(INDEX, name, segments=segments, silent=silent, status=status)

    @rule(name=names, segments=st.integers(1, 5))
    def change(self, name: str, segments: int) -> None:
        if name in self.existing:
            self.world.source.change(INDEX, name, segments=segments)

    @rule(name=names)
    def remove(self, name: str) -> None:
        if name in self.existing:
            self.world.source.remove(INDEX, name)
            self.kept.discard(name)
            self.hide(self.hidden - {name})

    @rule(remaining=st.integers(0, 3), later=st.integers(0, len(NAMES)))
    def remove_most_and_grow(self, remaining: int, later: int) -> None:
        """A mass delete, and a ledger that grows later, so that the deletes become a smaller share."""
        gone = sorted(self.existing)[remaining:]
        for name in gone:
            self.remove(name)
        self.cycle(allow=False)
        for name in [name for name in NAMES if name not in {*gone, *self.existing}][:later]:
            self.world.source.add(INDEX, name)
        self.cycle(allow=False)
        self.cycle(allow=False)

    @rule(name=names, status=st.sampled_from([READY, "indexing", "failed", "a word of tomorrow"]))
    def set_status(self, name: str, status: str) -> None:
        if name in self.existing:
            self.world.source.set_status(INDEX, name, status)

    @rule(hidden=st.sets(names, max_size=3))
    def list_wrongly(self, hidden: set[str]) -> None:
        """The walk looks complete, but assets are missing."""
        self.hide(hidden & self.existing)

    @rule(complete=st.booleans())
    def list_incompletely(self, *, complete: bool) -> None:
        self.world.source.listing_complete(INDEX, complete=complete)

    @rule(hours=st.sampled_from([1, 13, 25]))
    def time_passes(self, hours: int) -> None:
        self.world.now += hours * 3600.0

    @rule(calls=st.integers(1, 6), error=st.sampled_from([source_down, rate_limited, bug]))
    def source_fails(self, calls: int, error: Callable[[], Exception]) -> None:
        self.world.source.fail_next(calls, error)

    @rule(calls=st.integers(1, 6), after=st.booleans())
    def sink_fails(self, calls: int, *, after: bool) -> None:
        self.world.sink.fail_next(calls, Unavailable("write", "points", "timed out", side="sink"), after=after)

    @rule(step=st.integers(1, 12))
    def crash_in_sink(self, step: int) -> None:
        self.world.sink.crash_at(step)
        self.cycle_that_may_die()

    @rule(write=st.integers(1, 12), after=st.booleans())
    def crash_in_ledger(self, write: int, *, after: bool) -> None:
        self.world.ledger.crash_at(write, after=after)
        self.cycle_that_may_die()

    @precondition(lambda self: not self.hidden)
    @rule()
    def lose_the_collection(self) -> None:
        """Something outside changes the sink; the next cycle sees it."""
        self.world.sink.drop("twelvelabs-marengo3.0")
        self.kept.clear()
        self.limited_to = None
        self.converge()

    @rule(allow=st.booleans())
    def cycle(self, *, allow: bool) -> None:
        before, counted = self.world.ledger.held(INDEX), self.deletes_of_today()
        report = self.runner.run(self.world.cycle(allow_deletes=allow))
        gone = {name for name in before.keys() - self.world.ledger.held(INDEX).keys() if before[name].may_have_points}
        size = min(len(before) + counted, len(before) + counted if self.limited_to is None else self.limited_to)
        if report.withheld:
            assert not gone, "I5: withheld deletes were carried out"
        if not allow:
            limit = max(MAX_DELETES, int(RATIO * size))
            assert not gone or len(gone) + counted <= limit, "I5: more deletes than the limit, and nobody allowed them"
        assert self.deletes_of_today() <= counted + (0 if allow else len(gone)), "allowed deletes were counted"
        if report.complete and not report.error:
            self.limited_to = size if "24 hours" in str(report.withheld_because) else None
        self.remember_applied()

    @precondition(lambda self: not self.hidden)
    @rule()
    def converge(self) -> None:
        """Without faults, one cycle makes sink and source equal (I1), and the next has nothing to do (I4)."""
        self.world.source.listing_complete(INDEX, complete=True)
        self.world.source.fail_no_more()
        self.world.sink.disarm()
        self.world.ledger.disarm()
        report = self.runner.run(self.world.cycle(allow_deletes=True))
        if report.quarantined:
            return
        assert report.clean, report
        self.limited_to = None
        self.world.check_i1_sink_equals_source()
        writes, retrievals = self.world.sink.writes, self.world.source.retrievals.total()
        again = self.runner.run(self.world.cycle())
        assert again.clean, again
        assert (self.world.sink.writes, self.world.source.retrievals.total()) == (writes, retrievals), "I4"
        self.remember_applied()

    @rule(kinds=st.sets(st.sampled_from(PASSES), min_size=2, max_size=4), crash=st.none() | st.integers(1, 20))
    def overlap(self, *, kinds: set[str], crash: int | None) -> None:
        """The passes of a daemon, which may die while they run."""
        if crash:
            self.world.sink.crash_at(crash)
        self.limited_to = None
        self.runner.run(self.world.overlap(kinds))
        self.world.sink.disarm()

    @invariant()
    def i2_coverage_and_truth(self) -> None:
        self.runner.run(self.world.check_i2_coverage_and_truth())

    @invariant()
    def i3_what_is_listed_is_never_deleted(self) -> None:
        for name in self.kept:
            assert self.world.points_of(name), f"I3: {name} exists and lost its points"

    @property
    def existing(self) -> set[str]:
        return set(self.world.source.listed(INDEX))

    def deletes_of_today(self) -> int:
        return self.runner.run(self.world.ledger.deletes_since(INDEX, self.world.now + 1.0 - DAY))

    def hide(self, hidden: set[str]) -> None:
        self.hidden = set(hidden)
        self.world.source.hide(INDEX, *hidden)

    def cycle_that_may_die(self) -> None:
        self.limited_to = None
        self.runner.run(self.world.cycle_or_crash())
        self.world.sink.disarm()
        self.world.ledger.disarm()

    def remember_applied(self) -> None:
        rows = self.world.ledger.held(INDEX)
        holding = {name for name, row in rows.items() if row.applied and row.applied.points and not row.opened}
        self.kept |= {
            name for name in holding & self.existing if self.world.points_of(name) and self.world.wants_points(name)
        }


TestSyncMachine = SyncMachine.TestCase
TestSyncMachine.settings = settings(stateful_step_count=30)
