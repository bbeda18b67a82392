"""Whatever happens around the connector, the invariants hold: aliases, copies, snapshots, foreign points, ledgers."""

import asyncio
from copy import deepcopy
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from connector.domain.ledger_model import Checkpoint
from tests.engine.circumstances import MODEL, SECOND, Circumstances
from tests.engine.world import INDEX
from tests.fakes.ledger import FakeCheckpointStore
from tests.fakes.sink_reading import FakeCollection

NAMES = ("a", "b", "B", "~", "a:b;c=d,e@f", "0" * 256)
"""Every id that the source may use is a part of a URL's path."""
FILENAMES = (None, "", "x.mp4", "../x", "\u202egpj.exe", "a\x00b", "名前.mp4", "x" * 5000)
HOMES = ("twelvelabs-{model}", "prod-{model}", "other-{model}")
PLACES = tuple(it.format(model=MODEL) for it in HOMES)
HOUR, DAY = 3600.0, 86_400.0
FOREIGN_KINDS = ("note", "note on the index", "note on an asset nobody knows", "copy")
TUNINGS = ("another vector", "another payload index", "payload indexes lost", "a re-typed payload index")
names, places = st.sampled_from(NAMES), st.sampled_from(PLACES)


class CircumstancesMachine(RuleBasedStateMachine):
    """`kept` are assets that have existed ever since they were applied, and whose points nobody else removed.

    `trusted`: nothing outside has changed since the last clean cycle, so that the ledger states what the sink holds.
    `refusable`: the collections that another ledger may own, after a ledger or a collection was lost or restored. One
    stays refusable, wherever the index moves meanwhile, until the index has converged there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.it = Circumstances()
        self.world = self.it.world
        self.ledgers: list[FakeCheckpointStore] = []
        self.snapshots: dict[str, FakeCollection] = {}
        self.kept: set[str] = set()
        self.trusted = True
        self.refusable: set[str] = set()
        self.counted = 0

    def teardown(self) -> None:
        self.runner.close()

    @initialize(count=st.integers(1, len(NAMES)))
    def some_assets_are_synced(self, count: int) -> None:
        for name in NAMES[:count]:
            self.world.source.add(INDEX, name)
        self.converge()

    @rule(name=names, segments=st.integers(1, 3))
    def add(self, name: str, segments: int) -> None:
        if name not in self.existing:
            self.world.source.add(INDEX, name, segments=segments)

    @rule(name=names)
    def change(self, name: str) -> None:
        if name in self.existing:
            self.world.source.change(INDEX, name)

    @rule(name=names, filename=st.sampled_from(FILENAMES))
    def name_oddly(self, name: str, filename: str | None) -> None:
        if name in self.existing:
            self.world.source.change(INDEX, name)
            asset = self.world.source._asset(INDEX, name)
            asset.listed = replace(asset.listed, filename=filename)

    @rule(name=names)
    def remove(self, name: str) -> None:
        if name in self.existing:
            self.world.source.remove(INDEX, name)
            self.kept.discard(name)

    @rule(seconds=st.sampled_from([-3650 * DAY, -DAY, -HOUR, HOUR, 2 * DAY, 3650 * DAY]))
    def set_the_clock(self, seconds: float) -> None:
        self.world.now += seconds

    @rule(collection=st.sampled_from(HOMES), options=st.sampled_from([None, ("visual",)]), transcript=st.booleans())
    def change_settings(self, collection: str, options: tuple[str, ...] | None, *, transcript: bool) -> None:
        self.world.settings = replace(
            self.world.settings, collection=collection, embedding_options=options, transcript=transcript
        )

    @rule(collection=st.sampled_from(HOMES))
    def move_the_index(self, collection: str) -> None:
        """To another collection, and then it has cycles until nothing is left to do."""
        self.world.settings = replace(self.world.settings, collection=collection)
        self.converge()

    @rule(limit=st.sampled_from([0, 1000]))
    def change_the_limit(self, limit: int) -> None:
        self.world.settings = replace(self.world.settings, max_deletes=limit, max_delete_ratio=0.0)

    @rule(grace=st.sampled_from([0.0, HOUR]))
    def change_the_grace_period(self, grace: float) -> None:
        self.world.settings = replace(self.world.settings, delete_grace=grace)

    @rule(alias=places, place=places)
    def set_an_alias(self, alias: str, place: str) -> None:
        """Made, or moved to another collection."""
        if alias not in self.it.stored and place in self.it.stored:
            self.change_outside()
            self.world.sink.aliases[alias] = place

    @rule(alias=places)
    def remove_an_alias(self, alias: str) -> None:
        if self.world.sink.aliases.pop(alias, None):
            self.change_outside()

    @rule(place=places)
    def drop(self, place: str) -> None:
        if place in self.it.stored:
            self.change_outside(lost=True)
            self.world.sink.drop(place)
            self.forget_aliases_of(place)

    @rule(place=places, new=places)
    def rename(self, place: str, new: str) -> None:
        """A snapshot restored under another name; the original is dropped, and an alias has its name."""
        if place in self.it.stored and new not in self.it.stored and new not in self.world.sink.aliases:
            self.change_outside()
            self.world.sink.copy(place, new)
            self.world.sink.drop(place)
            for alias in [alias for alias, target in self.world.sink.aliases.items() if target == place]:
                self.world.sink.aliases[alias] = new
            self.world.sink.aliases[place] = new
            self.it.copies = {name: new if it == place else it for name, it in self.it.copies.items()}

    @rule(place=places)
    def take_a_snapshot(self, place: str) -> None:
        if place in self.it.stored:
            self.snapshots[place] = deepcopy(self.it.stored[place])

    @rule(place=places)
    def restore_the_snapshot(self, place: str) -> None:
        if place in self.snapshots and place not in self.world.sink.aliases:
            self.change_outside(lost=True)
            self.it.stored[place] = deepcopy(self.snapshots[place])

    @rule()
    def restore_beside(self) -> None:
        """A copy of the home for somebody's own purposes, under a name that no settings have."""
        place = self.it.home
        if place in self.it.stored:
            self.counted += 1
            copy = f"copy-{self.counted}"
            self.world.sink.copy(place, copy)
            self.it.copies[copy] = place

    @rule(place=places, kind=st.sampled_from(FOREIGN_KINDS))
    def share(self, place: str, kind: str) -> None:
        if place in self.it.stored:
            self.counted += 1
            self.it.put_foreign(place, self.counted, kind)

    @rule(place=places, kind=st.sampled_from(TUNINGS))
    def tune(self, place: str, kind: str) -> None:
        if place in self.it.stored:
            self.it.tune(place, kind)

    @rule()
    def the_second_connector_runs(self) -> None:
        report = self.runner.run(self.it.cycle_of(self.it.second))
        assert report.clean, report
        assert SECOND in self.it.stored

    @rule()
    def a_connector_with_other_settings_tries_the_same_collection(self) -> None:
        """It is refused where this one is the owner."""
        intruder, stored = self.it.intruder, self.it.stored.get(self.it.home)
        intruder.settings = replace(intruder.settings, collection=self.world.settings.collection)
        owner = stored.info.owners.get(INDEX) if stored else None
        if owner and owner.settings != intruder.settings.point_settings:
            report = self.runner.run(self.it.cycle_of(intruder))
            assert report.error
            assert report.error["code"] == "owned_elsewhere"

    @rule()
    def lose_the_ledger(self) -> None:
        self.change_outside()
        self.world.ledger = FakeCheckpointStore()

    @rule()
    def copy_the_ledger(self) -> None:
        self.ledgers = [*self.ledgers, deepcopy(self.world.ledger)][-3:]

    @rule(number=st.integers(0, 2))
    def restore_the_ledger(self, number: int) -> None:
        if number < len(self.ledgers):
            self.change_outside()
            self.world.ledger = deepcopy(self.ledgers[number])

    @rule(allow=st.booleans(), crash=st.none() | st.integers(1, 15))
    def cycle(self, *, allow: bool, crash: int | None) -> None:
        before = self.world.ledger.held(INDEX)
        in_grace = {name for name, row in before.items() if self.is_in_grace(row)}
        report = self.runner.run(self.it.cycle(allow=allow, crash=crash))
        if report and report.withheld:
            gone = before.keys() - self.world.ledger.held(INDEX).keys()
            assert not any(before[name].may_have_points for name in gone), "I5: withheld deletes were carried out"
        assert in_grace <= self.world.ledger.held(INDEX).keys(), "deletes did not wait for the end of the grace period"

    @rule()
    def converge(self) -> None:
        """One cycle makes sink and source equal (I1), with a grace period two; the next has nothing to do (I4)."""
        report = self.runner.run(self.it.cycle(allow=True))
        assert report
        if report.error and report.error["code"] == "owned_elsewhere":
            assert self.it.home in self.refusable, report.error
            report = self.runner.run(self.it.cycle(allow=True, take_over=True))
        if report and report.error and report.error["code"] == "alias_elsewhere":
            assert self.it.searched(), report.error
            self.change_outside()
            self.world.sink.aliases.clear()
            report = self.runner.run(self.it.cycle(allow=True, take_over=True))
        assert report
        assert report.clean, report
        if report.pending:
            self.world.now += self.world.settings.delete_grace
            report = self.runner.run(self.it.cycle(allow=True))
            assert report
            assert report.clean, report
            assert not report.pending
        self.runner.run(self.it.check_i1_sink_equals_source())
        writes, retrievals = self.world.sink.writes, self.world.source.retrievals.total()
        again = self.runner.run(self.it.cycle(allow=False))
        assert again
        assert again.clean, again
        assert (self.world.sink.writes, self.world.source.retrievals.total()) == (writes, retrievals), "I4"
        self.trusted = True
        self.refusable.discard(self.it.home)
        self.kept = {name for name in self.existing if self.it.own_points(name)}

    @invariant()
    def i2_coverage_and_truth(self) -> None:
        if self.trusted:
            self.runner.run(self.it.check_i2_coverage_and_truth())

    @invariant()
    def i3_what_is_listed_is_never_deleted(self) -> None:
        for name in self.kept:
            assert self.it.own_points(name), f"I3: {name} exists and lost its points"

    def is_in_grace(self, row: Checkpoint) -> bool:
        """Also after the second that a cycle takes."""
        grace, now = self.world.settings.delete_grace, self.world.now
        return row.absent_since is not None and row.absent_since <= now and now + 1.0 < row.absent_since + grace

    @property
    def existing(self) -> set[str]:
        return set(self.world.source.listed(INDEX))

    def change_outside(self, *, lost: bool = False) -> None:
        """`lost`: points may be gone."""
        self.trusted, self.refusable = False, set(PLACES)
        if lost:
            self.kept.clear()

    def forget_aliases_of(self, place: str) -> None:
        """As Qdrant does when it drops a collection."""
        aliases = self.world.sink.aliases
        for alias in [alias for alias, target in aliases.items() if target == place]:
            del aliases[alias]


TestCircumstances = CircumstancesMachine.TestCase
TestCircumstances.settings = settings(stateful_step_count=20)
