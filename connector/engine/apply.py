"""The write protocol: open the row, write to the sink, close the row. Each change returns a Result.

    Upsert:   ledger.begin -> retrieve -> points -> ledger.open -> sink.replace -> ledger.record
              An announced asset was not listed: ledger.note after the retrieval, which says what a listing would.
    Refresh:  ledger.begin -> retrieve -> compare -> ledger.open -> sink.set_payload -> ledger.record
    Delete:   (confirmed by the engine) ledger.open -> sink.delete -> ledger.forget; without points: ledger.forget only

Invariants: every asset with points in the sink has a row; a row that is not opened states exactly what the sink holds.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from connector.domain import attempts, points, timestamps
from connector.domain.errors import (
    AssetError,
    ConfigError,
    ConnectorError,
    CycleError,
    InternalError,
    LedgerUnavailable,
    TransientError,
    Unavailable,
)
from connector.domain.events import AssetOpened, ChangeBegan, PointsBuilt
from connector.domain.fingerprint import fingerprint
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Applied, Attempt, Checkpoint
from connector.domain.plan import GONE, Announced, Decision, Delete, Refresh, Upsert, wanted
from connector.domain.points import AssetPoints
from connector.domain.reconciling import renamed
from connector.domain.refresh import canary_checked
from connector.domain.report import Outcome, Result
from connector.domain.source_model import READY, Index, IndexedAsset
from connector.engine.asset_collections import AssetCollections
from connector.engine.embedding_lag import EmbeddingLag, embedding_missing
from connector.engine.owners import Ownership
from connector.ports import CheckpointStore, Observer, Sink, Source

Change = Upsert | Refresh | Announced

log = logging.getLogger(__name__)


class Applier:
    """Carries out the changes of one cycle over one index."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        ledger: CheckpointStore,
        *,
        clock: Callable[[], float],
        settings: IndexSettings,
        index: Index,
        first_cycle_at: float,
        names: Mapping[str, str],
        ownership: Ownership,
        observe: Observer,
    ) -> None:
        """`names` maps each alias of a collection to the name that the ledger rows use."""
        self._source, self._sink, self._ledger = source, sink, ledger
        self._clock, self._settings, self._index = clock, settings, index
        self._first_cycle_at, self._names, self._ownership = first_cycle_at, names, ownership
        self._observe = observe
        self._collections = AssetCollections(sink, ledger, settings, index)

    async def carry_out(self, planned: Change) -> Result:
        """Carry out one change, if it is still needed. Raises CycleError and ConfigError only.

        Any other error becomes the Result of the asset and an attempt in the ledger. This includes unexpected
        exceptions such as MemoryError, so that an oversized asset ends in quarantine.
        """
        name = planned.indexed_asset_id
        self._observe(ChangeBegan(self._index.index_id, name))
        try:
            begun = await self._begin(planned)
            result = await self._try(*begun) if begun else Result(name, Outcome.UNCHANGED)
        except ConnectorError:
            raise
        except Exception as error:  # noqa: BLE001  reported in the log and in the Result
            result = Result(name, Outcome.FAILED, error=_crashed(name, error))
        return replace(result, filename=result.filename or filename_of(planned))

    async def _begin(self, planned: Change) -> tuple[Change, Attempt] | None:
        """The change with the row of now: time has passed since the survey, and another pass may have done it."""
        name, index_id, now = planned.indexed_asset_id, self._index.index_id, self._clock()
        policy = self._settings.policy(now)
        row, attempt = await self._ledger.begin(index_id, name, now, partial(wanted, planned, policy))
        if attempt is None:
            if isinstance(planned, Upsert) and row and row.priority is not None:
                await self._ledger.unplan(index_id, name)
            return None
        row = row and renamed(row, self._names)
        if isinstance(planned, Refresh):
            return replace(planned, checkpoint=row or planned.checkpoint), attempt
        return replace(planned, checkpoint=row), attempt

    async def _row(self, name: str) -> Checkpoint | None:
        row = (await self._ledger.rows(self._index.index_id, [name])).get(name)
        return row and renamed(row, self._names)

    async def _try(self, change: Change, attempt: Attempt) -> Result:
        name = change.indexed_asset_id
        try:
            if isinstance(change, Refresh) and not change.deep and change.checkpoint.applied:
                return await self._refresh(change, change.checkpoint.applied, attempt)
            return await self._upsert(change, attempt)
        except (TransientError, EmbeddingLag) as error:
            deferred = attempts.deferred(attempt, error, self._clock())
            await self._ledger.fail(self._index.index_id, name, deferred)
            return Result(name, Outcome.DEFERRED, error=error, attempt=deferred)
        except (CycleError, ConfigError, asyncio.CancelledError) as error:
            await asyncio.shield(self._give_back(change, attempt, error))
            raise
        except Exception as error:  # noqa: BLE001  reported in the log, the ledger and the Result
            return await self._failed(name, attempt, error)

    async def _failed(self, name: str, attempt: Attempt, error: Exception) -> Result:
        failure = error if isinstance(error, AssetError) else _crashed(name, error)
        failed = attempts.failed(attempt, failure, self._clock())
        await self._ledger.fail(self._index.index_id, name, failed)
        return Result(name, Outcome.FAILED, error=failure, attempt=failed)

    async def _give_back(self, change: Change, attempt: Attempt, cause: BaseException) -> None:
        """Do not count the attempt when the cycle ends or the process shuts down, and plan the upsert again."""
        name, again = change.indexed_asset_id, change.checkpoint.priority if change.checkpoint else None
        stopped = Unavailable("work on asset", name, "the work was stopped", "It will be retried", side="source")
        error = cause if isinstance(cause, ConnectorError) else stopped
        with suppress(LedgerUnavailable):
            deferred = attempts.deferred(attempt, error, self._clock(), at_once=True)
            await self._ledger.fail(self._index.index_id, name, deferred, again=again)

    async def delete(self, change: Delete) -> Result:
        """Carry out one delete. Raises like `carry_out`; counts an attempt only on failure."""
        name, index_id = change.checkpoint.indexed_asset_id, self._index.index_id
        self._observe(ChangeBegan(index_id, name))
        row = await self._row(name)
        if row is None:
            return Result(name, Outcome.FORGOTTEN)
        try:
            held = await self._ownership.deletable(row)
            await self._open(name, held)
            await self._sink.delete(held, index_id, name)
            await self._ledger.forget(index_id, name, self._clock(), counts=change.counts)
        except TransientError as error:
            return Result(name, Outcome.DEFERRED, error=error)
        except (CycleError, ConfigError):
            raise
        except Exception as error:  # noqa: BLE001  reported in the log, the ledger and the Result
            return await self._failed(name, await self._ledger.attempt(index_id, name, GONE, self._clock()), error)
        return Result(name, Outcome.DELETED, filename=row.listed.filename if row.listed else None)

    async def forget(self, row: Checkpoint) -> Result:
        """Remove the row of an absent asset that has no points."""
        await self._ledger.forget(self._index.index_id, row.indexed_asset_id, self._clock(), counts=False)
        return Result(row.indexed_asset_id, Outcome.FORGOTTEN)

    async def _upsert(self, change: Change, attempt: Attempt) -> Result:
        name, settings = change.indexed_asset_id, self._settings
        retrieved = await self._source.retrieve(
            self._index, name, settings.embedding_options, transcript=settings.transcript
        )
        if retrieved is None:
            unknown = isinstance(change, Announced) and change.checkpoint is None
            return await (self._unknown(name) if unknown else self._vanished(name, attempt))
        if isinstance(change, Announced):
            change = await self._listed(change, retrieved.asset)
        if retrieved.asset.status != READY:
            return await self._not_ready(change)
        if retrieved.columns is None or retrieved.model is None:
            raise embedding_missing(name, attempt, self._clock())
        filename, row = retrieved.asset.filename, change.checkpoint
        size = sum(column.vectors.nbytes for column in retrieved.columns)
        first = row is None or not row.collections
        home, segments = settings.collection_name(retrieved.model), points.segments_of(retrieved)
        announced = self._sink.announce_write(home, segments) if first else nullcontext()
        with self._source.in_memory(size), announced:
            build = partial(
                points.build,
                retrieved,
                self._index,
                change.fingerprint,
                media_links=settings.media_links,
                transcript=settings.transcript,
                payload_profile=settings.payload_profile,
                sparse_transcript=settings.sparse_transcript,
            )
            small = points.is_small(retrieved)
            del retrieved  # vectors that the points do not use need no memory during the write
            built = build() if small else await asyncio.to_thread(build)
            del build
            self._observe(PointsBuilt(self._index.index_id, name, len(built)))
            result = await self._write(change, built, self._applied(change, built))
        return replace(result, dropped_words=built.dropped_words, filename=filename)

    def _applied(self, change: Upsert | Refresh, built: AssetPoints) -> Applied:
        now = self._clock()
        return Applied(
            fingerprint=change.fingerprint,
            revision=built.revision,
            metadata_revision=built.metadata_revision,
            points=len(built),
            collection=self._settings.collection_name(built.model),
            applied_at=now,
            shallow_at=now,
            deep_at=now,
        )

    async def _listed(self, change: Announced, asset: IndexedAsset) -> Upsert:
        await self._ledger.note(self._index.index_id, asset)
        digest = fingerprint(asset, self._settings.point_config(self._index))
        return Upsert(asset, digest, Decision.NEW, change.checkpoint)

    async def _write(self, change: Upsert | Refresh, built: AssetPoints, applied: Applied) -> Result:
        """Write nothing if nothing differs, the payload if only metadata differs, otherwise replace all points."""
        row, name = change.checkpoint, change.indexed_asset_id
        known = row.applied if row and not row.opened else None
        same = known is not None and (known.revision, known.collection) == (applied.revision, applied.collection)
        if known and isinstance(change, Refresh) and change.canary:
            # Save first: once the canary is rewritten, the evidence is gone.
            checked = partial(canary_checked, now=self._clock(), differs=not same)
            await self._ledger.update_state(self._index.index_id, checked)
        if known and same and (held := await self._still_held(name, known)):
            known = held
            seen = replace(applied, applied_at=known.applied_at)
            return await self._patch(name, known, seen, built.asset_payload)
        collections = await self._ownership.deletable(row) if row else frozenset()
        if built.dimension is not None and len(built):
            await self._collections.ensure(built, built.dimension)
            await self._ownership.own(applied.collection)
            await self._open(name, {applied.collection})
            others = collections - {applied.collection}
            first = row is None or not row.collections
            await self._sink.replace(built, applied.collection, others, first=first)
        else:
            await self._open(name, ())
            await self._sink.delete(collections, self._index.index_id, name)
        applied = replace(applied, applied_at=self._clock())
        await self._ledger.record(self._index.index_id, name, applied)
        return Result(name, Outcome.APPLIED, points=len(built), lag_sec=self._lag(change, applied.applied_at))

    async def _open(self, name: str, collections: Collection[str]) -> None:
        await self._ledger.open(self._index.index_id, name, collections)
        self._observe(AssetOpened(self._index.index_id, name))

    async def _still_held(self, name: str, known: Applied) -> Applied | None:
        """`known` with the sink's metadata revision; None if the sink does not hold exactly the applied points.

        Ask the sink, because the ledger cannot know about changes made there by others.
        """
        found = await self._sink.asset(known.collection, self._index.index_id, name)
        wanted = {known.revision: known.points} if known.points else {}
        if (dict(found.points_by_revision) if found else {}) != wanted:
            return None
        return replace(known, metadata_revision=found.metadata_revision) if found else known

    async def _refresh(self, change: Upsert | Refresh, known: Applied, attempt: Attempt) -> Result:
        name = change.indexed_asset_id
        retrieved = await self._source.retrieve(self._index, name, (), transcript=False)
        if retrieved is None:
            return await self._vanished(name, attempt)
        payload, revision = points.metadata_payload(
            retrieved,
            self._index,
            change.fingerprint,
            media_links=self._settings.media_links,
            payload_profile=self._settings.payload_profile,
        )
        seen = replace(known, fingerprint=change.fingerprint, metadata_revision=revision, shallow_at=self._clock())
        return await self._patch(name, known, seen, payload)

    async def _patch(self, name: str, known: Applied, seen: Applied, payload: Mapping[str, Any]) -> Result:
        """Write the metadata if it changed, or the payload profile. The vectors are unchanged."""
        outcome, written = Outcome.UNCHANGED, 0
        if known.metadata_revision != seen.metadata_revision:
            await self._ownership.own(known.collection)
            await self._open(name, {known.collection})
            if known.points:
                profile = self._settings.payload_profile
                await self._sink.set_payload(known.collection, self._index.index_id, name, payload, profile)
            outcome, written = Outcome.REFRESHED, known.points
        await self._ledger.record(self._index.index_id, name, seen)
        return Result(name, outcome, points=written)

    async def _vanished(self, name: str, attempt: Attempt) -> Result:
        """Defer an asset that was listed, but returned 404: the next listing decides."""
        error = AssetError("retrieve asset", name, "it was listed, but the source returned 404 for it")
        await self._ledger.fail(self._index.index_id, name, attempts.deferred(attempt, error, self._clock()))
        return Result(name, Outcome.VANISHED)

    async def _not_ready(self, change: Change) -> Result:
        """It is being indexed again, or failed. Its points stay; polls ask about it until it is ready."""
        name, index_id = change.indexed_asset_id, self._index.index_id
        await self._ledger.update_state(index_id, lambda state: replace(state, pending=state.pending | {name}))
        await self._ledger.reset_attempts(index_id, name)
        return Result(name, Outcome.UNCHANGED)

    async def _unknown(self, name: str) -> Result:
        """The source does not know the asset, and no listing has shown it: remove the row that the attempt created."""
        await self._ledger.forget(self._index.index_id, name, self._clock(), counts=False)
        return Result(name, Outcome.VANISHED)

    def _lag(self, change: Upsert | Refresh, acknowledged_at: float) -> float | None:
        """Seconds since the asset became ready; None for a refresh, and for what was ready before the first cycle."""
        if isinstance(change, Refresh):
            return None
        try:
            ready_at = timestamps.epoch(change.asset.indexed_at or change.asset.updated_at or "")
        except ValueError:
            return None
        return max(acknowledged_at - ready_at, 0.0) if ready_at >= self._first_cycle_at else None


def filename_of(change: Change) -> str | None:
    if isinstance(change, Upsert):
        return change.asset.filename
    row = change.checkpoint
    return row.listed.filename if row and row.listed else None


def _crashed(name: str, error: Exception) -> InternalError:
    log.error("asset.crashed", exc_info=error)
    return InternalError.of(error, "work on asset", name)
