"""A world whose surroundings change too: other collections, aliases, copies, foreign points, another connector."""

from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np

from connector.domain import points
from connector.domain.fingerprint import fingerprint
from connector.domain.points import is_own
from connector.domain.report import CycleReport
from connector.domain.source_model import READY
from connector.engine.survey import CycleOptions
from tests.engine.neighbours import VISUAL, beside
from tests.engine.world import INDEX, World
from tests.fakes.sink import Crashed
from tests.fakes.sink_reading import FakeCollection, FakePoint

MODEL = "marengo3.0"
NEVER = 1000 * 86_400.0
FOREIGN = "foreign-"
"""The ids of foreign points begin with this."""
SECOND = f"second-{MODEL}"
Frozen = dict[str, tuple[dict[str, Any], dict[str, bytes]]]


class Circumstances:
    """`copies` maps a restored copy to the collection that it is a copy of, as long as nobody names the copy."""

    def __init__(self) -> None:
        settings: dict[str, Any] = {
            "max_deletes": 1000,
            "max_attempts": 1000,
            "refresh_interval": NEVER,
            "deep_refresh_interval": NEVER,
        }
        self.world = World(**settings)
        self.second = beside(self.world, **settings, **VISUAL, collection="second-{model}")
        self.intruder = beside(self.world, **settings, **VISUAL)
        self.copies: dict[str, str] = {}

    @property
    def stored(self) -> dict[str, FakeCollection]:
        return self.world.sink.stored

    @property
    def home(self) -> str:
        return self.real(self.world.settings.collection_name(MODEL))

    def real(self, name: str) -> str:
        """The collection behind a name, which may be an alias."""
        return self.world.sink.aliases.get(name, name)

    def places(self) -> list[str]:
        """The collections that were made for this connector."""
        return sorted(name for name in self.stored if name != SECOND and name not in self.copies)

    async def cycle(self, *, allow: bool, take_over: bool = False, crash: int | None = None) -> CycleReport | None:
        """One of the first connector, which changes nothing that is not its own; None if it crashed."""
        self._drop_named_copies()
        protected = {name: frozen(self.stored[name]) for name in (*self.copies, SECOND) if name in self.stored}
        foreign = {name: foreign_in(it) for name, it in self.stored.items()}
        searched = self.searched()
        self.world.now += 1.0
        if crash:
            self.world.sink.crash_at(crash)
        options = CycleOptions(allow_deletes=allow, take_over=take_over)
        report = None
        try:
            report = await self.world.engine().cycle(self.world.settings, options)
        except Crashed:
            pass
        except BaseExceptionGroup as crashes:
            if crashes.split(Crashed)[1] is not None:
                raise
        self.world.sink.disarm()
        for name, before in protected.items():
            assert frozen(self.stored[name]) == before, f"{name} belongs to somebody else and was changed"
        for name, before in foreign.items():
            assert foreign_in(self.stored[name]) == before, f"foreign points in {name} were changed"
        for name, ids in searched.items():
            assert ids <= self.stored[name].points.keys(), f"searchers read {name} through an alias, and lost points"
        return report

    def searched(self) -> dict[str, set[str]]:
        """The collections behind aliases, but for the home, and the ids of their points of assets that exist."""
        listed, behind = self.world.source.listed(INDEX), set(self.world.sink.aliases.values()) - {self.home}
        held = {name: _by_asset(self.stored[name]) for name in sorted(behind & self.stored.keys())}
        return {name: {key for it in assets.keys() & listed for key in assets[it]} for name, assets in held.items()}

    async def cycle_of(self, other: World) -> CycleReport:
        """One of another connector, which changes nothing of the first one."""
        places = [*self.places(), *self.copies]
        before = {name: frozen(self.stored[name]) for name in places}
        other.now = self.world.now
        report = await other.cycle(allow_deletes=True)
        for name in places:
            assert frozen(self.stored[name]) == before[name], f"another connector changed {name}"
        return report

    def _drop_named_copies(self) -> None:
        """A copy that the settings or rows name is a place of the connector from now on; so is one without original."""
        rows = self.world.ledger.held(INDEX).values()
        named = {self.home, *(self.real(name) for row in rows for name in row.collections)}
        for name, original in list(self.copies.items()):
            there = self.stored.get(original)
            if name in named or there is None or there.info.instance_id != self.stored[name].info.instance_id:
                del self.copies[name]

    def own_points(self, asset_id: str) -> dict[str, dict[str, FakePoint]]:
        """Collection -> id -> point of ours, wherever this connector may have put it."""
        found = {name: _own(self.stored[name], asset_id) for name in self.places()}
        return {name: held for name, held in found.items() if held}

    async def _certain_places(self) -> list[str]:
        """Without those that another ledger owns, and those that cannot be told from their copies."""
        me = (await self.world.ledger.identity()).ledger_id
        instances = Counter(it.info.instance_id for it in self.stored.values())
        owners = {name: self.stored[name].info.owners.get(INDEX) for name in self.places()}
        ours = [name for name, owner in owners.items() if owner is None or owner.ledger_id == me]
        return [name for name in ours if name == self.home or instances[self.stored[name].info.instance_id] == 1]

    async def check_i1_sink_equals_source(self) -> None:
        listed = self.world.source.listed(INDEX)
        for name in await self._certain_places():
            held = _by_asset(self.stored[name])
            assert name == self.home or not held, f"I1: {sorted(held)} are also in {name}"
            assert held.keys() <= listed.keys(), f"I1: {sorted(held.keys() - listed.keys())} are not listed"
        for asset_id, asset in listed.items():
            if asset.status == READY:
                found = _own(self.stored[self.home], asset_id) if self.home in self.stored else {}
                assert _comparable(found) == self._wanted(asset_id), f"I1: {asset_id} differs"

    async def check_i2_coverage_and_truth(self) -> None:
        """Only while nothing outside has changed since the last clean cycle."""
        rows = await self.world.ledger.load(INDEX)
        for name in await self._certain_places():
            for asset_id in _by_asset(self.stored[name]):
                assert asset_id in rows, f"I2: {asset_id} has points in {name} and no row"
                named = {self.real(it) for it in rows[asset_id].collections}
                assert name in named, f"I2: the row of {asset_id} does not name {name}"
        for asset_id, row in rows.items():
            if row.applied and not row.opened:
                place = self.stored.get(self.real(row.applied.collection))
                held = _own(place, asset_id) if place else {}
                revisions = [it.payload["revision"] for it in held.values()]
                assert revisions == [row.applied.revision] * row.applied.points, (
                    f"I2: {asset_id} is applied, yet differs"
                )

    def _wanted(self, asset_id: str) -> Mapping[str, Any]:
        settings, index = self.world.settings, self.world.source.index_now(INDEX)
        shape = settings.point_config(index)
        retrieved = self.world.source.peek(INDEX, asset_id, shape.options, transcript=settings.transcript)
        built = points.build(retrieved, index, fingerprint(retrieved.asset, shape), transcript=settings.transcript)
        found = {}
        for row, point_id in enumerate(built.ids):
            vectors = {
                option: named.matrix[list(named.rows).index(row)]
                for option, named in built.vectors.items()
                if row in named.rows
            }
            found[point_id] = FakePoint(vectors, built.payload(row, tuple(vectors)))
        return _comparable(found)

    def put_foreign(self, collection: str, number: int, kind: str) -> None:
        """A point of another program: without our keys, with some of them, or a copy of one of ours."""
        held = self.stored[collection].points
        ours = next((it for key, it in sorted(held.items()) if is_own(key, it.payload)), None)
        payloads: dict[str, dict[str, Any]] = {
            "note": {"text": "mine"},
            "note on the index": {"index_id": INDEX, "indexed_asset_id": "a", "revision": "mine"},
            "note on an asset nobody knows": {"index_id": INDEX, "indexed_asset_id": "unknown"},
        }
        point = deepcopy(ours) if kind == "copy" and ours else FakePoint({}, payloads.get(kind, {"text": "mine"}))
        held[f"{FOREIGN}{number}"] = point

    def tune(self, collection: str, kind: str) -> None:
        """What an operator may do with a collection: it still fits."""
        stored = self.stored[collection]
        changes: dict[str, dict[str, Any]] = {
            "another vector": {"vectors": {**stored.info.vectors, "extra": (8, "Dot")}},
            "another payload index": {"payload_indexes": {**stored.info.payload_indexes, "text": "text"}},
            "payload indexes lost": {"payload_indexes": {}},
            "a re-typed payload index": {"payload_indexes": {**stored.info.payload_indexes, "filename": "text"}},
        }
        stored.info = replace(stored.info, **changes[kind])


def frozen(stored: FakeCollection) -> Frozen:
    """All points, to compare them later."""
    return {key: _frozen(point) for key, point in stored.points.items()}


def foreign_in(stored: FakeCollection) -> Frozen:
    return {key: _frozen(point) for key, point in stored.points.items() if key.startswith(FOREIGN)}


def _frozen(point: FakePoint) -> tuple[dict[str, Any], dict[str, bytes]]:
    return dict(point.payload), {option: np.asarray(it).tobytes() for option, it in point.vectors.items()}


def _own(stored: FakeCollection, asset_id: str) -> dict[str, FakePoint]:
    return _by_asset(stored).get(asset_id, {})


def _by_asset(stored: FakeCollection) -> dict[str, dict[str, FakePoint]]:
    found: dict[str, dict[str, FakePoint]] = {}
    for key, point in stored.points.items():
        if point.payload.get("index_id") == INDEX and is_own(key, point.payload):
            found.setdefault(point.payload["indexed_asset_id"], {})[key] = point
    return found


def _comparable(held: Mapping[str, FakePoint]) -> Frozen:
    """A point's fingerprint may be older than the asset's: a change without effect is not written."""
    plain = {key: _frozen(point) for key, point in held.items()}
    return {
        key: ({name: value for name, value in payload.items() if name != "fingerprint"}, vectors)
        for key, (payload, vectors) in plain.items()
    }
