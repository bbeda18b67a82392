"""The survey: read listing and ledger, and plan, before a cycle changes anything. Only reads."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice

from connector.domain.errors import AssetError
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import IndexState
from connector.domain.plan import Delete, Plan, Refresh, due_again, make_plan, with_withheld
from connector.domain.refresh import RefreshPolicy, due, notice_name, refresh_quota
from connector.domain.source_model import READY, Index, IndexedAsset, Snapshot
from connector.domain.stored_times import credible_rows, credible_state
from connector.domain.watermark import poll_start, recent
from connector.engine.owners import owner_of
from connector.engine.reconcile import Reconciliation, compare
from connector.ports import CheckpointStore, Sink, Source

DAY_SEC = 86_400.0

_WITNESSES = 100


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that a cycle reads and plans before it changes anything."""

    index: Index
    snapshot: Snapshot
    known: Reconciliation
    plan: Plan
    state: IndexState
    """Index state to save before the plan is carried out."""
    pending: frozenset[str] = frozenset()
    can_advance_watermark: bool = True
    """True if completing this plan allows the watermark to advance."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Confirmed deletes, unconfirmed ones with their errors, and an objection that voids all of them."""

    gone: tuple[Delete, ...] = ()
    unproven: Mapping[str, AssetError] = field(default_factory=dict)
    objection: str | None = None


class Surveyor:
    def __init__(self, source: Source, sink: Sink, ledger: CheckpointStore, clock: Callable[[], float]) -> None:
        self._source, self._sink, self._ledger, self._clock = source, sink, ledger, clock
        self._seen: dict[str, dict[str, IndexedAsset]] = {}

    async def survey_all(
        self,
        settings: IndexSettings,
        index: Index,
        *,
        allow_deletes: bool = False,
        take_over: bool = False,
        period: float | None = None,
    ) -> Survey:
        """Survey the whole index for a full cycle. Only reads, so a dry run can use it."""
        shape = settings.point_config(index)
        snapshot = await self._source.snapshot(index)
        now = self._clock()
        collection = settings.collection_name(index.model) if index.model else None
        me = owner_of(await self._ledger.identity(), settings, index.model)
        known = await compare(
            self._sink,
            self._ledger,
            index.index_id,
            collection,
            me,
            now,
            take_over=take_over,
            thorough=await self._is_audit_due(settings, now),
        )
        known.rows = credible_rows(known.rows, now)
        shortest = min(settings.refresh_interval, settings.deep_refresh_interval)
        quota = refresh_quota(len(known.rows), period, shortest) if period else None
        policy = replace(
            settings.policy(now),
            refresh=RefreshPolicy(settings.refresh_interval, settings.deep_refresh_interval, quota),
            recent_deletes=await self._ledger.deletes_since(index.index_id, now - DAY_SEC),
            allow_deletes=allow_deletes,
            respect_backoff=period is not None,
        )
        state = notice_name(credible_state(known.state, now), index.name, now)
        plan = make_plan(snapshot, known.rows, state, shape, policy)
        unseen = frozenset() if snapshot.complete else known.state.pending - snapshot.assets.keys()
        return Survey(
            index, snapshot, known, plan, with_withheld(state, plan), unseen, can_advance_watermark=snapshot.complete
        )

    async def _is_audit_due(self, settings: IndexSettings, now: float) -> bool:
        """Once in a refresh interval, together with the canary."""
        state = await self._ledger.state(settings.index_id)
        return state is not None and now >= state.canary_at + settings.refresh_interval

    async def survey_changes(self, settings: IndexSettings, index: Index) -> Survey:
        """Survey changes since the watermark. Reads only the rows of changed or unfinished assets."""
        state = await self._ledger.state(index.index_id) or IndexState(self._clock(), self._clock())
        seen = self._seen.get(index.index_id, {})
        changes = await self._source.changes(index, poll_start(state), state.pending, seen)
        assets, now = dict(changes.assets), self._clock()
        policy = replace(settings.policy(now), delete_mode="keep", respect_backoff=True)
        unfinished = credible_rows(await self._ledger.unfinished(index.index_id), now)
        for name in due_again(unfinished, policy) - assets.keys():
            asset = await self._look_at(index, name)
            if asset:
                assets[name] = asset
        rows = credible_rows(await self._ledger.rows(index.index_id, assets), now)
        snapshot = Snapshot(index, assets, complete=False, as_of=changes.as_of)
        plan = make_plan(snapshot, rows, state, settings.point_config(index), policy)
        return Survey(index, snapshot, Reconciliation(state, rows), plan, state, changes.pending)

    async def due_refreshes(self, settings: IndexSettings, index: Index, period: float) -> Survey:
        """Survey due refreshes of applied assets, without a listing. `period`: seconds between two calls."""
        now = self._clock()
        state = await self._ledger.state(index.index_id) or IndexState(now, now)
        credible = credible_state(state, now)
        rows = credible_rows(await self._ledger.load(index.index_id), now)
        applied = {name: row.applied for name, row in rows.items() if row.applied and not (row.opened or row.attempt)}
        shortest = min(settings.refresh_interval, settings.deep_refresh_interval)
        policy = RefreshPolicy(
            settings.refresh_interval, settings.deep_refresh_interval, refresh_quota(len(applied), period, shortest)
        )
        refreshes = tuple(
            Refresh(IndexedAsset(name, READY), applied[name].fingerprint, rows[name], it.deep, it.canary)
            for it in due(applied, credible, policy, now)
            for name in [it.indexed_asset_id]
        )
        nothing, plan = Snapshot(index, {}, complete=False), Plan.of(refreshes)
        return Survey(
            index, nothing, Reconciliation(state, rows), plan, credible, state.pending, can_advance_watermark=False
        )

    def remember(self, survey: Survey, state: IndexState) -> None:
        """Remember the processed assets, so that the next poll can skip unchanged ones."""
        seen = self._seen.get(survey.index.index_id, {})
        self._seen[survey.index.index_id] = recent({**seen, **survey.snapshot.assets}, state)

    async def _look_at(self, index: Index, name: str) -> IndexedAsset | None:
        """Look up one asset. None if it is unreadable: the next full cycle retries it from the listing."""
        try:
            return await self._source.asset(index, name)
        except AssetError:
            return None

    async def prove_deletes(self, survey: Survey) -> Proof:
        """Confirm each delete with the source. If one absent asset exists, the listing was wrong: void all deletes.

        If the source cannot answer for an asset, withhold only its delete.
        """
        index_id, gone, unproven = survey.index.index_id, [], {}
        for delete in survey.plan.deletes:
            name = delete.checkpoint.indexed_asset_id
            try:
                if await self._source.exists(index_id, name):
                    return Proof(objection=f"asset {name} exists, but is not in the listing")
            except AssetError as error:
                unproven[name] = error
            else:
                gone.append(delete)
        for row in survey.plan.forgets:
            with suppress(AssetError):  # it has no points, so forgetting it loses nothing
                if await self._source.exists(index_id, row.indexed_asset_id):
                    return Proof(objection=f"asset {row.indexed_asset_id} exists, but is not in the listing")
        objection = await self._objection_of_the_listed(survey) if gone or survey.plan.forgets else None
        return Proof(tuple(gone), unproven, objection)

    async def _objection_of_the_listed(self, survey: Survey) -> str | None:
        """Require that the index and one listed asset exist; otherwise a 404 proves nothing.

        If the source cannot answer for any listed asset, the index alone is enough. Raises IndexGone.
        """
        index_id = survey.index.index_id
        await self._source.index(index_id)
        for name in islice(survey.snapshot.assets, _WITNESSES):
            try:
                answers = await self._source.exists(index_id, name)
            except AssetError:
                continue
            return None if answers else f"asset {name} is in the listing, but does not exist"
        return None
