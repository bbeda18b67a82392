"""Verify an index: compare listing, ledger and every stored point, and repair what differs by an ordinary full cycle.

Reading is bounded: the payloads of one page of points, and a holding for each asset. A repair only marks rows in the
ledger; the full cycle that follows retrieves, writes and deletes by the usual protocol and under the delete policy.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from random import SystemRandom
from typing import Any

from connector.domain.errors import ConnectorError, InternalError, SinkMismatch
from connector.domain.holding import Holdings, add_points, payload_keys
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Checkpoint, IndexState
from connector.domain.priority import Priority
from connector.domain.reconciling import may_write, named, renamed
from connector.domain.report import CycleReport, error_facts
from connector.domain.sink_model import CollectionInfo
from connector.domain.source_model import READY, Index
from connector.domain.verification import DriftFinding, find_drift, marks, with_repairs, with_result
from connector.engine.batch import down
from connector.engine.cycle import Engine
from connector.engine.deep_verify import Choose, DeepComparison, compare_deep
from connector.engine.large_indexes import computed
from connector.engine.owners import Standing, entry_to_write, owner_of
from connector.engine.passes import Pass
from connector.engine.reconcile import find_collections
from connector.engine.survey import DAY_SEC, CycleOptions, Listing
from connector.ports import CheckpointStore, Sink, Source

Progress = Callable[[str, int, int], None]
"""Is told the index, and how many of its points were read and will be."""
Run = Callable[[Pass], Awaitable[CycleReport]]
_sample = SystemRandom().sample

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verify found in one index; the field names are public (`verify --json`).

    `covered` is false if neither the settings nor the ledger have the index: nothing was compared then.
    """

    index_id: str
    index_name: str | None = None
    model: str | None = None
    listed: int = 0
    assets: int = 0
    points: int = 0
    in_progress: int = 0
    complete: bool = False
    deep: DeepComparison | None = None
    findings: tuple[DriftFinding, ...] = ()
    repair: CycleReport | None = None
    interrupted: bool = False
    duration_sec: float = 0.0
    error: Mapping[str, str] | None = None
    covered: bool = True

    @property
    def is_complete(self) -> bool:
        return not (self.error or self.interrupted)

    @property
    def clean(self) -> bool:
        """True if there is no drift, or a repair has mended all of it."""
        return self.is_complete and all(finding.repaired for finding in self.findings)

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "clean": self.clean}


@dataclass(frozen=True, slots=True)
class _Views:
    """The three sides of an index."""

    listing: Listing
    state: IndexState | None
    rows: Mapping[str, Checkpoint]
    held: Mapping[str, Holdings]


class Verifier:
    def __init__(
        self,
        source: Source,
        sink: Sink,
        ledger: CheckpointStore,
        engine: Engine,
        clock: Callable[[], float],
        *,
        run: Run,
        progress: Progress = lambda *_: None,
        choose: Choose = _sample,
    ) -> None:
        """`run` carries out the full cycle of a repair; `choose` takes the sample for a deep comparison."""
        self._source, self._sink, self._ledger, self._engine = source, sink, ledger, engine
        self._clock, self._run, self._progress, self._choose = clock, run, progress, choose

    async def verify(self, settings: IndexSettings, *, deep: bool = False, repair: bool = False) -> Verification:
        """Errors are in the result, never raised."""
        started = time.monotonic()
        try:
            found = await self._verify(settings, deep=deep, repair=repair)
        except ConnectorError as error:
            found = Verification(settings.index_id, error=error_facts(down(error)))
        except Exception as error:
            # A bug that affects one index must not stop the others.
            log.exception("verify.crashed")
            facts = error_facts(InternalError.of(error, "verify index", settings.index_id))
            found = Verification(settings.index_id, error=facts)
        return replace(found, duration_sec=time.monotonic() - started)

    async def _verify(self, settings: IndexSettings, *, deep: bool, repair: bool) -> Verification:
        index = await self._source.index(settings.index_id)
        with self._engine.queue.watching(index.index_id) as touched:
            views = await self._read(settings, index)
            snapshot, rows = views.listing.snapshot, views.rows
            shape = settings.point_config(index)
            findings = await computed(len(rows), find_drift, snapshot, rows, views.held, shape)
            compared = None
            if deep:
                compared, more = await self._compare_deep(settings, index, views, findings)
                findings = [*findings, *more]
            findings = [it for it in findings if it.indexed_asset_id not in touched]
            state = views.state or IndexState(first_cycle_at=self._clock(), canary_at=self._clock())
            policy = replace(
                settings.policy(self._clock()),
                recent_deletes=await self._ledger.deletes_since(index.index_id, self._clock() - DAY_SEC),
            )
            findings = await computed(len(rows), with_repairs, findings, snapshot, rows, state, shape, policy)
            if repair and findings and views.state:
                # A change in hand would close the row that is marked.
                async with self._engine.queue.quiet(index.index_id):
                    findings = [it for it in findings if it.indexed_asset_id not in touched]
                    await self._mark(index.index_id, findings, rows, views.state)
        result = Verification(
            index.index_id,
            index.name,
            index.model,
            listed=len(snapshot.assets),
            assets=len(rows),
            points=sum(it.points for holdings in views.held.values() for it in holdings.values()),
            in_progress=len(touched),
            complete=snapshot.complete,
            deep=compared,
            findings=tuple(findings),
        )
        return await self._repair(settings, result, frozenset(snapshot.assets)) if repair and findings else result

    async def _read(self, settings: IndexSettings, index: Index) -> _Views:
        """The ledger's ids are read before the listing: a row that is added meanwhile is not of an absent asset."""
        listing = await self._engine.surveyor.listing(settings, index)
        state = await self._ledger.state(index.index_id)
        loaded = await self._ledger.load(index.index_id, listing.snapshot.assets)
        places, names = await self._places(settings, index, loaded)
        listed, missing = listing.snapshot.assets, listing.missing
        rows = {name: renamed(row, names) for name, row in loaded.items() if name in listed or name in missing}
        held = await self._holdings(settings, places)
        for newcomer in loaded.keys() - rows.keys():
            for holdings in held.values():
                holdings.pop(newcomer, None)
        return _Views(listing, state, rows, held)

    async def _places(
        self, settings: IndexSettings, index: Index, rows: Mapping[str, Checkpoint]
    ) -> tuple[list[CollectionInfo], dict[str, str]]:
        """The collections that may hold points of this ledger, and their other names. Raises as a full cycle does."""
        home = settings.collection_name(index.model) if index.model else None
        me = owner_of(await self._ledger.identity(), settings, index.model)
        found = await find_collections(self._sink, [*([home] if home else []), *sorted(named(rows.values()))])
        at_home, predecessor = found.get(home) if home else None, None
        if at_home:
            entry_to_write(at_home, index.index_id, me, await Standing.of(self._ledger, index.index_id))
            predecessor = at_home.owners.get(index.index_id)
            fit = self._sink.fit(at_home, settings.needed_spec(index, at_home), settings.metadata_indexes)
            if fit.differences:
                raise SinkMismatch("use collection", at_home.name, "; ".join(fit.differences), fit.advice)
        places = {info.name: info for info in found.values() if info}
        owners = {name: info.owners.get(index.index_id) for name, info in places.items()}
        ours = [
            info
            for name, info in sorted(places.items())
            if name == home or (owner := owners[name]) is None or may_write(owner, me, predecessor)
        ]
        return ours, {name: info.name for name, info in found.items() if info and info.name != name}

    async def _holdings(self, settings: IndexSettings, places: Sequence[CollectionInfo]) -> dict[str, Holdings]:
        index_id, keys = settings.index_id, payload_keys(settings.payload_profile)
        total = sum([await self._sink.count(info.name, index_id) for info in places])
        held, done = dict[str, Holdings](), 0
        self._progress(index_id, 0, total)
        for info in places:
            holdings = held[info.name] = {}
            async for page in self._sink.payloads(info.name, index_id, keys):
                await asyncio.to_thread(add_points, holdings, page, info.model)
                done += len(page)
                self._progress(index_id, done, max(total, done))
        return held

    async def _compare_deep(
        self, settings: IndexSettings, index: Index, views: _Views, findings: Sequence[DriftFinding]
    ) -> tuple[DeepComparison, list[DriftFinding]]:
        """A sample of the assets in which the comparison by payload found nothing."""
        assets, drifted = views.listing.snapshot.assets, {it.indexed_asset_id for it in findings}
        sound = {
            name: row.applied
            for name, row in sorted(views.rows.items())
            if row.applied and not (row.opened or row.attempt or name in drifted)
            if name in assets and assets[name].status == READY
        }
        return await compare_deep(self._source, self._sink, settings, index, sound, self._choose)

    async def _mark(
        self, index_id: str, findings: Sequence[DriftFinding], rows: Mapping[str, Checkpoint], state: IndexState
    ) -> None:
        """From now on the plan of any full cycle repairs these assets."""
        marked = marks(findings, rows)
        if marked.adopted:
            await self._ledger.adopt(index_id, list(marked.adopted.values()), state)
        for collection, names in marked.reopened.items():
            await self._ledger.reopen(index_id, names, collection)

    async def _repair(self, settings: IndexSettings, found: Verification, listed: frozenset[str]) -> Verification:
        report = await self._run(self._engine.full_cycle(settings, CycleOptions(priority=Priority.COMMAND)))
        rows = await self._ledger.rows(settings.index_id, {it.indexed_asset_id for it in found.findings})
        findings = tuple(
            with_result(it, rows.get(it.indexed_asset_id), is_listed=it.indexed_asset_id in listed)
            for it in found.findings
        )
        return replace(found, findings=findings, repair=report, interrupted=report.interrupted, error=report.error)
