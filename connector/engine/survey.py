"""The survey: read listing and ledger, and plan, before a cycle changes anything. Only reads."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from connector.domain.errors import AssetError, ConfigError
from connector.domain.index_settings import IndexSettings, settings_digest
from connector.domain.last_seen import last_seen, listed, noted
from connector.domain.ledger_model import Checkpoint, IndexState, Retrieved
from connector.domain.plan import Announced, Plan, Refresh, due_again, make_plan, with_withheld
from connector.domain.priority import Priority
from connector.domain.refresh import Due, RefreshPolicy, due, is_at_rest, refresh_quota
from connector.domain.report import CycleKind
from connector.domain.source_model import Index, IndexedAsset, Snapshot
from connector.domain.stored_times import credible_rows, credible_state, credible_times
from connector.domain.watermark import advanced, poll_start, recent
from connector.engine.large_indexes import FullCollections, computed
from connector.engine.owners import owner_of
from connector.engine.reconcile import Reconciliation, compare
from connector.ports import CheckpointStore, Sink, Source, StateChange

DAY_SEC = 86_400.0


@dataclass(frozen=True, slots=True)
class CycleOptions:
    """`allow_deletes` lifts the delete limits once, if all deletes are among the `shown` ones (None: any).

    `take_over` claims an index that another ledger owns. `respect_backoff` postpones failed assets until they are due.
    `refresh_period` is the number of seconds between cycles, over which due refreshes are spread; None refreshes all
    that are due.
    """

    allow_deletes: bool = False
    shown: frozenset[str] | None = None
    take_over: bool = False
    respect_backoff: bool = False
    refresh_period: float | None = None
    priority: Priority = Priority.BACKLOG
    kind: CycleKind = CycleKind.SYNC


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing, and the assets that it does not show and the ledger knew before it began: only they can be absent."""

    snapshot: Snapshot
    missing: frozenset[str]
    pending_before: frozenset[str]
    began_at: float


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that a cycle reads and plans before it changes anything."""

    index: Index
    state: IndexState
    snapshot: Snapshot
    plan: Plan
    before: StateChange
    """Change of the index's state to save before the plan is carried out."""
    after: StateChange
    """Change of the state to save once every change of the plan is done, or has an unfinished row."""
    reconciliation: Reconciliation | None = None
    """The comparison of a full cycle with the sink, still to be committed."""


class Surveyor:
    def __init__(self, source: Source, sink: Sink, ledger: CheckpointStore, clock: Callable[[], float]) -> None:
        self._source, self._sink, self._ledger, self._clock = source, sink, ledger, clock
        self._collections = FullCollections()
        self._seen: dict[str, dict[str, IndexedAsset]] = {}

    async def listing(self, settings: IndexSettings, index: Index) -> Listing:
        """List the index. Raises ConfigError when it has no embeddings to sync."""
        settings.point_config(index)
        known, state = await self._ledger.ids(index.index_id), await self._ledger.state(index.index_id)
        pending, now = state.pending if state else frozenset[str](), self._clock()
        with self._collections.put_off():
            snapshot = await self._source.snapshot(index)
            self._collections.leave_out(len(snapshot.assets))
        return Listing(snapshot, frozenset(known.difference(snapshot.assets)), pending, now)

    async def survey_all(
        self, settings: IndexSettings, listing: Listing, options: CycleOptions, touched: Collection[str] = ()
    ) -> Survey:
        """Compare a listing with ledger and sink for a full cycle. Only reads, so a dry run can use it.

        `touched` are the assets that somebody works on meanwhile; it may grow during the call.
        """
        with self._collections.put_off():
            return await self._survey_all(settings, listing, options, touched)

    async def _survey_all(
        self, settings: IndexSettings, listing: Listing, options: CycleOptions, touched: Collection[str]
    ) -> Survey:
        snapshot, index, now = listing.snapshot, listing.snapshot.index, self._clock()
        point_config = settings.point_config(index)
        found = await compare(
            self._sink,
            self._ledger,
            settings,
            settings.collection_name(index.model) if index.model else None,
            owner_of(await self._ledger.identity(), settings, index.model),
            now,
            listed=snapshot.assets,
            take_over=options.take_over,
            thorough=await self._is_audit_due(settings, now),
        )
        known = found.without(touched)
        policy = replace(
            settings.policy(now),
            refresh=_refresh_policy(settings, len(known.rows), options.refresh_period),
            recent_deletes=await self._ledger.deletes_since(index.index_id, now - DAY_SEC),
            allow_deletes=options.allow_deletes,
            shown=options.shown,
            respect_backoff=options.respect_backoff,
        )
        state = noted(credible_state(known.state, now), index, now)
        expected = await computed(len(known.rows), _without_newcomers, known, listing)
        plan = await computed(
            len(snapshot.assets) + len(expected), make_plan, snapshot, expected, state, point_config, policy
        )
        return Survey(
            index,
            state,
            snapshot,
            plan,
            before=lambda state: with_withheld(noted(credible_state(state, now), index, now), plan),
            after=self._after_listing(listing, settings, leaves_work=bool(plan.upserts)),
            reconciliation=known.to_commit(touched),
        )

    async def _is_audit_due(self, settings: IndexSettings, now: float) -> bool:
        """True once per refresh interval, together with the canary: then compare every point."""
        state = await self._ledger.state(settings.index_id)
        return state is not None and now >= state.canary_at + settings.refresh_interval

    async def survey_changes(self, settings: IndexSettings) -> Survey:
        """Survey changes since the watermark. Reads only the rows of changed assets."""
        state, index = await self._known(settings)
        seen = self._seen.get(index.index_id, {})
        changes = await self._source.changes(index, poll_start(state), seen)
        as_of = self._clock() if changes.as_of is None else changes.as_of
        after = partial(advanced, assets=changes.assets, asked=(), still_pending=(), as_of=as_of)
        return await self._survey_some(settings, state, index, changes.assets, after)

    async def survey_unfinished(self, settings: IndexSettings, shown: Collection[str]) -> Survey:
        """Survey what was still being indexed, or failed and is due again, except what the poll has `shown`."""
        state, index = await self._known(settings)
        now, asked = self._clock(), state.pending.difference(shown)
        progress = await self._source.progress(index, asked)
        assets = dict(progress.assets)
        unfinished = credible_rows(await self._ledger.unfinished(index.index_id), now)
        for name in due_again(unfinished, settings.policy(now)).difference(assets, shown):
            asset = unfinished[name].listed or await self._look_at(index, name)
            if asset:
                assets[name] = asset
        after = partial(
            advanced,
            assets=assets,
            asked=asked,
            still_pending=progress.pending,
            as_of=None,
            can_advance_watermark=False,
        )
        return await self._survey_some(settings, state, index, assets, after)

    async def _survey_some(
        self,
        settings: IndexSettings,
        state: IndexState,
        index: Index,
        assets: Mapping[str, IndexedAsset],
        after: StateChange,
    ) -> Survey:
        """Survey these assets of the index. Deletes nothing."""
        now = self._clock()
        policy = replace(settings.policy(now), delete_mode="keep", respect_backoff=True)
        rows = credible_rows(await self._ledger.rows(index.index_id, assets), now)
        snapshot = Snapshot(index, assets, complete=False)
        plan = make_plan(snapshot, rows, state, settings.point_config(index), policy)
        return Survey(index, state, snapshot, plan, before=_unchanged, after=after)

    async def survey_left_over(self, settings: IndexSettings, index: Index) -> Survey:
        """Survey what is planned in the ledger, or was in hand when a process was killed, without a listing."""
        now, state = self._clock(), (await self._known(settings))[0]
        policy = replace(settings.policy(now), delete_mode="keep")
        unfinished = await self._ledger.unfinished(index.index_id)
        due = {name: unfinished[name] for name in due_again(credible_rows(unfinished, now), policy)}
        rows = credible_rows({**due, **await self._ledger.planned(index.index_id)}, now)
        assets = {name: row.listed for name, row in rows.items() if row.listed}
        snapshot = Snapshot(index, assets, complete=False)
        plan = make_plan(snapshot, rows, state, settings.point_config(index), policy)
        return Survey(index, state, snapshot, plan, before=_unchanged, after=_unchanged)

    async def survey_assets(self, settings: IndexSettings, indexed_asset_ids: Collection[str]) -> Survey:
        """Survey only these assets, even if their next attempt is not due yet."""
        state, index = await self._known(settings)
        rows = credible_rows(await self._ledger.rows(index.index_id, indexed_asset_ids), self._clock())
        found = [row.listed or await self._look_at(index, name) for name, row in rows.items()]
        assets = {asset.indexed_asset_id: asset for asset in found if asset}
        snapshot = Snapshot(index, assets, complete=False)
        policy = replace(settings.policy(self._clock()), delete_mode="keep")
        kept = {name: rows[name] for name in assets}
        plan = make_plan(snapshot, kept, state, settings.point_config(index), policy)
        return Survey(index, state, snapshot, plan, before=_unchanged, after=_unchanged)

    async def survey_ready(self, settings: IndexSettings, indexed_asset_ids: Collection[str]) -> Survey:
        """Survey assets that a webhook named. Looks up only those that failed before, whose next attempt may wait."""
        state, index = await self._known(settings)
        rows = await self._ledger.rows(index.index_id, indexed_asset_ids)
        tried = {name for name, row in rows.items() if not is_at_rest(row)}
        found = [await self._look_at(index, name) for name in sorted(tried)]
        assets = {asset.indexed_asset_id: asset for asset in found if asset}
        survey = await self._survey_some(settings, state, index, assets, _unchanged)
        announced = tuple(Announced(name) for name in indexed_asset_ids if name not in tried)
        return replace(survey, plan=replace(survey.plan, announced=announced))

    async def survey_refreshes(self, settings: IndexSettings, period: float) -> Survey:
        """Survey due refreshes of applied assets, without a listing. `period`: seconds between two calls."""
        now = self._clock()
        state, index = await self._known(settings)
        credible, index_id = credible_state(state, now), index.index_id
        retrieved = await self._ledger.retrieved(index_id)
        policy = _refresh_policy(settings, len(retrieved), period)
        wanted = await computed(len(retrieved), _due, retrieved, credible, policy, now)
        rows = credible_rows(await self._ledger.rows(index_id, [it.indexed_asset_id for it in wanted]), now)
        refreshes = tuple(
            Refresh(row, row.applied.fingerprint, it.deep, it.canary)
            for it in wanted
            if (row := rows.get(it.indexed_asset_id)) and row.applied
        )
        return Survey(
            index,
            credible,
            Snapshot(index, {}, complete=False),
            Plan.of(refreshes),
            before=partial(credible_state, now=now),
            after=_unchanged,
        )

    async def remember(self, survey: Survey, state: IndexState) -> None:
        """Remember the processed assets, so that the next poll can skip unchanged ones."""
        index_id, assets = survey.index.index_id, survey.snapshot.assets
        processed = await computed(len(assets), recent, assets, state)
        before = {name: asset for name, asset in self._seen.get(index_id, {}).items() if name not in assets}
        self._seen[index_id] = recent(before, state) | processed

    async def _known(self, settings: IndexSettings) -> tuple[IndexState, Index]:
        """The index as the last full cycle saw it."""
        state = await self._ledger.state(settings.index_id)
        if state is None or state.index_name is None:
            raise ConfigError("poll index", settings.index_id, "no full cycle has run yet", "Run `connector sync`")
        return state, last_seen(settings.index_id, state)

    def _after_listing(self, listing: Listing, settings: IndexSettings, *, leaves_work: bool) -> StateChange:
        """Note the listing only if it leaves work, which a later process may find."""
        snapshot, is_noted = listing.snapshot, leaves_work and listing.snapshot.complete

        def after(state: IndexState) -> IndexState:
            moved = advanced(
                state,
                snapshot.assets,
                asked=listing.pending_before if snapshot.complete else (),
                still_pending=(),
                as_of=listing.began_at if snapshot.as_of is None else snapshot.as_of,
                can_advance_watermark=snapshot.complete,
            )
            return listed(moved, listing.began_at, settings_digest(settings)) if is_noted else moved

        return after

    async def _look_at(self, index: Index, name: str) -> IndexedAsset | None:
        """Look up one asset. None if it is unreadable: the next full cycle retries it from the listing."""
        try:
            return await self._source.asset(index, name)
        except AssetError:
            return None


def _without_newcomers(known: Reconciliation, listing: Listing) -> Mapping[str, Checkpoint]:
    """Without rows that polls added since the listing began: it cannot show that their assets are absent."""
    newcomers = {
        name for name in known.rows if name not in listing.missing and name not in listing.snapshot.assets
    }.difference(known.adopted)
    return {name: row for name, row in known.rows.items() if name not in newcomers} if newcomers else known.rows


def _due(retrieved: Mapping[str, Retrieved], state: IndexState, policy: RefreshPolicy, now: float) -> list[Due]:
    """Refreshes that are due, of assets that are not being indexed again."""
    settled = {name: it for name, it in retrieved.items() if name not in state.pending}
    return due(credible_times(settled, now), state, policy, now)


def _refresh_policy(settings: IndexSettings, assets: int, period: float | None) -> RefreshPolicy:
    shortest = min(settings.refresh_interval, settings.deep_refresh_interval)
    quota = None if period is None else refresh_quota(assets, period, shortest)
    return RefreshPolicy(settings.refresh_interval, settings.deep_refresh_interval, quota)


def _unchanged(state: IndexState) -> IndexState:
    return state
