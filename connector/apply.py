"""The write protocol: open the row, touch the sink, close the row. One change at a time, each with a Result.

    Upsert:   ledger.attempt -> retrieve -> points -> ledger.open -> sink.replace -> ledger.record
    Refresh:  ledger.attempt -> retrieve -> compare -> ledger.open -> sink.set_payload -> ledger.record
    Delete:   (confirmed by the engine) ledger.open -> sink.delete -> ledger.forget

Coverage: an asset with points in the sink has a row. Truth: an unopened row says exactly what the sink holds.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from connector import attempts, points, timestamps
from connector.errors import AssetError, CycleError, LedgerUnavailable, MalformedAsset, TransientError, Unavailable
from connector.index_settings import IndexSettings
from connector.marengo import KNOWN, select
from connector.model import Applied, Attempt, CollectionSpec, Index, IndexedAsset, IndexState, Outcome
from connector.plan import Delete, Refresh, Upsert
from connector.points import AssetPoints
from connector.ports import CheckpointStore, Sink, Source
from connector.report import Result

EMBEDDING_PATIENCE_SEC = 3600.0


class EmbeddingLag(AssetError):
    """The asset is ready, its embedding not yet: deferred."""

    code = "embedding_lag"


class EmbeddingMissing(AssetError):
    """The same for longer than lag explains: failed."""

    code = "embedding_missing"


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
        state: IndexState,
    ) -> None:
        self._source, self._sink, self._ledger = source, sink, ledger
        self._clock, self._settings, self._index, self.state = clock, settings, index, state
        self._ensured: set[str] = set()

    async def carry_out(self, change: Upsert | Refresh) -> Result:
        """Raises CycleError only: what concerns the asset alone becomes its Result and an attempt in the ledger."""
        name = change.asset.indexed_asset_id
        attempt = await self._ledger.attempt(self._index.index_id, name, change.fingerprint, self._clock())
        try:
            shallow = change.checkpoint.applied if isinstance(change, Refresh) and not change.deep else None
            return await (self._refresh(change, shallow, attempt) if shallow else self._upsert(change, attempt))
        except (TransientError, EmbeddingLag) as error:
            await self._ledger.fail(self._index.index_id, name, attempts.deferred(attempt, error, self._clock()))
            return Result(name, Outcome.DEFERRED, error=error)
        except AssetError as error:
            await self._ledger.fail(self._index.index_id, name, attempts.failed(attempt, error, self._clock()))
            return Result(name, Outcome.FAILED, error=error)
        except (CycleError, asyncio.CancelledError) as error:
            await asyncio.shield(self._give_back(name, attempt, error))
            raise

    async def _give_back(self, name: str, attempt: Attempt, cause: BaseException) -> None:
        """What ends the cycle, or the process in good order, is not the asset's fault."""
        stopped = Unavailable("work on asset", name, "the work was stopped", "It is done anew", side="source")
        error = cause if isinstance(cause, CycleError) else stopped
        with suppress(LedgerUnavailable):
            await self._ledger.fail(
                self._index.index_id, name, attempts.deferred(attempt, error, self._clock(), at_once=True)
            )

    async def delete(self, change: Delete) -> Result:
        row = change.checkpoint
        try:
            await self._ledger.open(self._index.index_id, row.indexed_asset_id, row.collections)
            await self._sink.delete(row.collections, self._index.index_id, row.indexed_asset_id)
        except TransientError as error:
            return Result(row.indexed_asset_id, Outcome.DEFERRED, error=error)
        await self._ledger.forget(self._index.index_id, row.indexed_asset_id, self._clock())
        return Result(row.indexed_asset_id, Outcome.DELETED)

    async def _upsert(self, change: Upsert | Refresh, attempt: Attempt) -> Result:
        name, settings = change.asset.indexed_asset_id, self._settings
        retrieved = await self._source.retrieve(
            self._index, name, settings.embedding_options, transcript=settings.transcript
        )
        if retrieved is None:
            return await self._vanished(name, attempt)
        if retrieved.columns is None or retrieved.model is None:
            raise _embedding_missing(change.asset, attempt, self._clock())
        built = await asyncio.to_thread(
            points.build,
            retrieved,
            self._index,
            change.fingerprint,
            media_links=settings.media_links,
            transcript=settings.transcript,
        )
        now = self._clock()
        applied = Applied(
            fingerprint=change.fingerprint,
            revision=built.revision,
            metadata_revision=built.metadata_revision,
            points=len(built),
            collection=settings.collection_name(built.model),
            applied_at=now,
            shallow_at=now,
            deep_at=now,
        )
        return replace(await self._write(change, built, applied), dropped_words=built.dropped_words)

    async def _write(self, change: Upsert | Refresh, built: AssetPoints, applied: Applied) -> Result:
        """Nothing differs: nothing is written. Only metadata differs: patched. Else, or when in doubt: replaced."""
        row = change.checkpoint
        known = row.applied if row and not row.opened else None
        same = known is not None and (known.revision, known.collection) == (applied.revision, applied.collection)
        if known and isinstance(change, Refresh) and change.canary:
            await self._heed_canary(differs=not same)
        if known and same:
            seen = replace(applied, applied_at=known.applied_at)
            return await self._patch(change.asset, known, seen, built.asset_payload)
        name, collections = built.indexed_asset_id, row.collections if row else frozenset()
        if built.dimension is not None and len(built):
            await self._ensure(built, built.dimension)
            await self._ledger.open(self._index.index_id, name, {applied.collection})
            await self._sink.replace(built, applied.collection, collections - {applied.collection})
        else:
            await self._ledger.open(self._index.index_id, name, ())
            await self._sink.delete(collections, self._index.index_id, name)
        applied = replace(applied, applied_at=self._clock())
        await self._ledger.record(self._index.index_id, name, applied)
        return Result(name, Outcome.APPLIED, points=len(built), lag_sec=self._lag(change.asset, applied.applied_at))

    async def _ensure(self, built: AssetPoints, dimension: int) -> None:
        """The collection of the model that the asset really has, which may not be the index's."""
        wanted = select(built.model, self._index.model_options, self._settings.embedding_options)
        spec = self._settings.spec(built.model, dimension, tuple(dict.fromkeys((*wanted, *built.options))))
        if built.model not in KNOWN:
            await self._agree(built, spec)
        if spec.name not in self._ensured:
            instance = await self._sink.ensure(spec, self._settings.metadata_indexes)
            if await self._ledger.instance(self._index.index_id, spec.name) is None:
                await self._ledger.save_instance(self._index.index_id, spec.name, instance)
            self._ensured.add(spec.name)

    async def _agree(self, built: AssetPoints, spec: CollectionSpec) -> None:
        """What a model is that is not known, its first asset decided; one that differs is at fault itself."""
        found = await self._sink.inspect(spec.name)
        if found is None or found.model != built.model:
            return
        for option in built.options:
            size, _ = found.vectors.get(option, (None, ""))
            if size != spec.dimension:
                has = f"{size} in {option}" if size else f"no vector {option}"
                cause = f"vectors of dimension {spec.dimension} in {option}, where collection {spec.name} has {has}"
                raise MalformedAsset(
                    "write points of asset", built.indexed_asset_id, cause, "Re-index it at the source"
                )

    async def _refresh(self, change: Upsert | Refresh, known: Applied, attempt: Attempt) -> Result:
        name = change.asset.indexed_asset_id
        retrieved = await self._source.retrieve(self._index, name, (), transcript=False)
        if retrieved is None:
            return await self._vanished(name, attempt)
        payload, revision = points.metadata_payload(
            retrieved, self._index, change.fingerprint, media_links=self._settings.media_links
        )
        seen = replace(known, fingerprint=change.fingerprint, metadata_revision=revision, shallow_at=self._clock())
        return await self._patch(change.asset, known, seen, payload)

    async def _patch(self, asset: IndexedAsset, known: Applied, seen: Applied, payload: Mapping[str, Any]) -> Result:
        """The vectors are as they were; the metadata is written where it is not."""
        name, written = asset.indexed_asset_id, 0
        outcome = Outcome.UNCHANGED
        if known.metadata_revision != seen.metadata_revision:
            await self._ledger.open(self._index.index_id, name, {known.collection})
            if known.points:
                await self._sink.set_payload(known.collection, self._index.index_id, name, payload)
            outcome, written = Outcome.REFRESHED, known.points
        await self._ledger.record(self._index.index_id, name, seen)
        return Result(name, outcome, points=written)

    async def _heed_canary(self, *, differs: bool) -> None:
        """Vectors that changed without a sign make the whole index due for a deep refresh.

        Known before the canary is written: afterwards nothing would show it any more.
        """
        now = self._clock()
        self.state = replace(self.state, canary_at=now, deep_due_since=now if differs else self.state.deep_due_since)
        await self._ledger.save_state(self._index.index_id, self.state)

    async def _vanished(self, name: str, attempt: Attempt) -> Result:
        """Listed, but gone when asked for: the next listing decides what becomes of it."""
        error = AssetError("retrieve asset", name, "it was listed, but the source does not know it any more")
        await self._ledger.fail(self._index.index_id, name, attempts.deferred(attempt, error, self._clock()))
        return Result(name, Outcome.VANISHED)

    def _lag(self, asset: IndexedAsset, acknowledged_at: float) -> float | None:
        try:
            ready_at = timestamps.epoch(asset.indexed_at or asset.updated_at or "")
        except ValueError:
            return None
        return max(acknowledged_at - ready_at, 0.0) if ready_at >= self.state.first_cycle_at else None


def _embedding_missing(asset: IndexedAsset, attempt: Attempt, now: float) -> AssetError:
    """Right after an asset is ready its embedding may lag behind; an absence that lasts is a failure."""
    operation, subject = "retrieve embeddings of asset", asset.indexed_asset_id
    cause = "the answer holds no embedding although the asset is ready"
    if now - attempt.since < EMBEDDING_PATIENCE_SEC:
        return EmbeddingLag(operation, subject, cause, "It is asked for again")
    return EmbeddingMissing(operation, subject, cause, "Re-index it at the source")
