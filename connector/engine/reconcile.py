"""Reconcile ledger and sink before the plan: adopt points without a row, reopen rows whose points are missing.

`compare` only reads, so a dry run can use it; `commit` writes the result. Comparing costs two requests per collection:
point counts by revision and by metadata revision. Points are read only where the counts differ.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Checkpoint, IndexState
from connector.domain.reconciling import (
    adopted,
    compared,
    expected_tally,
    may_write,
    named,
    renamed,
    tally_difference,
    without,
)
from connector.domain.sink_model import CollectionInfo, Owner, SinkAsset, Tally
from connector.domain.source_model import IndexedAsset
from connector.domain.stored_times import credible_rows
from connector.engine.alias_guard import refuse_to_empty
from connector.engine.large_indexes import computed
from connector.engine.owners import Standing, claim, entry_to_write
from connector.ports import CheckpointStore, Sink

_DIFFERING_AT_MOST = 1000
"""If more revisions differ, read all points of the index."""
_STRANGE_AT_MOST = 10_000
"""If a collection has more revisions than the ledger plus this number, read all points of the index."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Rows for the plan, and the changes that `commit` must still write."""

    state: IndexState
    rows: Mapping[str, Checkpoint]
    is_new: bool = False
    home: CollectionInfo | None = None
    claims: Sequence[CollectionInfo] = ()
    """Collections with points of the index, to be claimed for this ledger; the home comes last."""
    released: Sequence[str] = ()
    """Collections that record an owner, but have no points of the index any more."""
    adopted: Sequence[str] = ()
    reopened: Mapping[str, Sequence[str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    """Other names of collections, such as aliases -> the name that `rows` use."""

    def without(self, touched: Collection[str]) -> "Reconciliation":
        """Neither adopt nor reopen these assets, which somebody worked on meanwhile. The next comparison decides."""
        return replace(
            self,
            adopted=[name for name in self.adopted if name not in touched],
            reopened={place: [it for it in names if it not in touched] for place, names in self.reopened.items()},
        )

    def to_commit(self, touched: Collection[str]) -> "Reconciliation":
        """The same, with only the rows that `commit` writes: what is kept while the plan is carried out."""
        kept = self.without(touched)
        return replace(kept, rows={name: self.rows[name] for name in kept.adopted})


async def compare(
    sink: Sink,
    ledger: CheckpointStore,
    settings: IndexSettings,
    home: str | None,
    me: Owner,
    now: float,
    *,
    listed: Mapping[str, IndexedAsset] = MappingProxyType({}),
    take_over: bool = False,
    thorough: bool = False,
) -> Reconciliation:
    """Compare rows and points. `home` is the collection of the current settings.

    A `thorough` comparison reads every point. The counts cannot tell our points from copies that somebody made. Raises
    OwnedElsewhere, and AliasElsewhere if points would be moved out of a collection that searchers read.
    """
    index_id = settings.index_id
    state, rows = await ledger.state(index_id), await ledger.load(index_id, listed)
    places = await find_collections(sink, [*([home] if home else []), *sorted(named(rows.values()))])
    names = {name: info.name for name, info in places.items() if info and info.name != name}
    if names:
        rows = {name: renamed(row, names) for name, row in rows.items()}
    comparison = _Comparison(sink, index_id, now, thorough, rows)
    found = places.get(home) if home else None
    predecessor = None
    if found:
        mine = Standing(await ledger.claims(index_id), knows_index=state is not None)
        entry_to_write(found, index_id, me, mine, take_over=take_over)
        predecessor = found.owners.get(index_id)
    existing = {info.name: info for info in places.values() if info}
    claims, released = await comparison.compare_existing(existing, home, me, predecessor)
    for info in claims:
        if info != found:
            await refuse_to_empty(sink, info, settings, home)
    for name in sorted(named(comparison.rows.values()) - existing.keys()):
        await comparison.compare_collection(name)
    return Reconciliation(
        state or IndexState(first_cycle_at=now, canary_at=now),
        await computed(len(comparison.rows), credible_rows, comparison.rows, now),
        is_new=state is None,
        home=found,
        claims=claims,
        released=released,
        adopted=comparison.adopted,
        reopened=comparison.reopened,
        names=names,
    )


async def commit(
    sink: Sink,
    ledger: CheckpointStore,
    index_id: str,
    known: Reconciliation,
    me: Owner,
    *,
    take_over: bool = False,
) -> None:
    """Write the reconciliation. Raises OwnedElsewhere."""
    for info in known.claims:
        # The other collections have no owner, or the owner that the home had: claiming them is safe.
        await claim(sink, ledger, index_id, info, me, take_over=take_over or info != known.home)
    for name in [name for name in known.released if not await sink.count(name, index_id)]:
        await sink.set_owner(name, index_id, None)
    if known.is_new or known.adopted:
        await ledger.adopt(index_id, [known.rows[name] for name in known.adopted], known.state)
    for collection, names in known.reopened.items():
        await ledger.reopen(index_id, names, collection)


async def find_collections(sink: Sink, names: Iterable[str]) -> dict[str, CollectionInfo | None]:
    """Map every name that may hold points of an index to its collection: the given names first, then all of ours.

    An alias and its target are one collection, under the name that comes first. A copy that was restored beside a named
    collection has the same instance id: it is left out, unless it is named itself. Of several with one instance id that
    nobody names, only the one counts whose owner entry names it.
    """
    found = {name: await sink.inspect(name) for name in dict.fromkeys(names)}
    by_real_name: dict[str, CollectionInfo] = {}
    places = {name: info and by_real_name.setdefault(info.real_name or name, info) for name, info in found.items()}
    named = {info.instance_id for info in by_real_name.values()}
    ours = await sink.collections()
    instances = Counter(info.instance_id for info in ours)
    for info in ours:
        if info.name in by_real_name:
            places.setdefault(info.name, by_real_name[info.name])
        elif info.instance_id not in named and (instances[info.instance_id] == 1 or _is_a_home(info)):
            places[info.name] = info
    return places


def _is_a_home(info: CollectionInfo) -> bool:
    """A copy has the entries of its original, which name that one."""
    return any(owner.home == info.name for owner in info.owners.values())


@dataclass(slots=True)
class _Comparison:
    """The rows while they are compared with one collection after the other."""

    sink: Sink
    index_id: str
    now: float
    thorough: bool
    rows: dict[str, Checkpoint]
    adopted: list[str] = field(default_factory=list)
    reopened: dict[str, list[str]] = field(default_factory=dict)

    def leave(self, collection: str) -> None:
        """Remove a collection that another ledger owns from all rows; reopen rows that were applied there."""
        self.rows = {name: without(row, collection) for name, row in self.rows.items()}

    async def compare_existing(
        self, existing: Mapping[str, CollectionInfo], home: str | None, me: Owner, predecessor: Owner | None
    ) -> tuple[list[CollectionInfo], list[str]]:
        """Compare those that hold points of ours. Return the collections to claim, and the names to release.

        A collection that another ledger owns is left alone, one without points of the index is released.
        """
        claims, released = list[CollectionInfo](), list[str]()
        for name, info in sorted(existing.items(), key=lambda item: item[0] == home):
            owner = info.owners.get(self.index_id)
            if name != home and owner and not may_write(owner, me, predecessor):
                self.leave(name)
            elif name == home or name in named(self.rows.values()) or await self.sink.count(name, self.index_id):
                claims.append(info)
                await self.compare_collection(name)
            elif owner:
                released.append(name)
        return claims, released

    async def compare_collection(self, collection: str) -> None:
        expected = await computed(len(self.rows), expected_tally, collection, self.rows.values())
        most = len(expected.revisions) + _STRANGE_AT_MOST
        held = None if self.thorough else await self.sink.tally(collection, self.index_id, most)
        differing = await computed(len(self.rows), tally_difference, expected, held) if held else None
        if differing and not (differing.revisions or differing.metadata_revisions):
            return
        if differing and len(differing.revisions) + len(differing.metadata_revisions) > _DIFFERING_AT_MOST:
            differing = None
        found = await self.sink.manifest(collection, self.index_id, differing)
        await computed(len(self.rows) + len(found), self._compare_assets, found, collection, differing)

    def _compare_assets(self, found: Mapping[str, SinkAsset], collection: str, looked_at: Tally | None) -> None:
        for name in sorted(found.keys() | self.rows.keys()):
            self._compare_asset(name, found.get(name), collection, looked_at)

    def _compare_asset(self, name: str, found: SinkAsset | None, collection: str, looked_at: Tally | None) -> None:
        """Adopt or reopen the asset if needed. `looked_at`: revisions whose points were read; None for all."""
        row = self.rows.get(name)
        if row is None:
            if found:
                self.adopted.append(name)
                self.rows[name] = adopted(found, collection, self.now)
            return
        after = compared(row, found, collection, looked_at)
        if after is not row:
            self.reopened.setdefault(collection, []).append(name)
            self.rows[name] = after
