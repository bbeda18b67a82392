"""The survey: read listing and ledger, and plan, before a cycle changes anything. Only reads."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from connector.domain.errors import AssetError, ConfigError
from connector.domain.index_settings import IndexSettings
from connector.domain.last_seen import last_seen, noted
from connector.domain.ledger_model import Checkpoint, IndexState
from connector.domain.plan import Plan, Refresh, due_again, make_plan, with_withheld
from connector.domain.refresh import RefreshPolicy, due, refresh_quota
from connector.domain.source_model import Index, IndexedAsset, Snapshot
from connector.domain.stored_times import credible_rows, credible_state
from connector.domain.watermark import advanced, poll_start, recent
from connector.engine.owners import owner_of
from connector.engine.reconcile import Reconciliation, compare
from connector.ports import CheckpointStore, Sink, Source, StateChange

DAY_SEC = 86_400.0


@dataclass(frozen=True, slots=True)
class CycleOptions:
    """`allow_deletes` lifts the delete limits once; `take_over` claims an index that another ledger owns.

    `respect_backoff` postpones failed assets until they are due. `refresh_period` is the
    number of seconds between cycles, over which due refreshes are spread; None refreshes all that are due.
    """

    allow_deletes: bool = False
    take_over: bool = False
    respect_backoff: bool = False
    refresh_period: float | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that a cycle reads and plans before it changes anything."""

    index: Index
    state: IndexState
    snapshot: Snapshot
    rows: Mapping[str, Checkpoint]
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
        self._seen: dict[str, dict[str, IndexedAsset]] = {}

    async def survey_all(self, settings: IndexSettings, index: Index, options: CycleOptions) -> Survey:
        """Survey the whole index for a full cycle. Only reads, so a dry run can use it."""
        point_config = settings.point_config(index)
        snapshot = await self._source.snapshot(index)
        now = self._clock()
        known = await compare(
            self._sink,
            self._ledger,
            index.index_id,
            settings.collection_name(index.model) if index.model else None,
            owner_of(await self._ledger.identity(), settings, index.model),
            now,
            take_over=options.take_over,
            thorough=await self._is_audit_due(settings, now),
        )
        policy = replace(
            settings.policy(now),
            refresh=_refresh_policy(settings, len(known.rows), options.refresh_period),
            recent_deletes=await self._ledger.deletes_since(index.index_id, now - DAY_SEC),
            allow_deletes=options.allow_deletes,
            respect_backoff=options.respect_backoff,
        )
        state = noted(credible_state(known.state, now), index, now)
        plan = make_plan(snapshot, known.rows, state, point_config, policy)
        unseen = frozenset() if snapshot.complete else known.state.pending - snapshot.assets.keys()
        return Survey(
            index,
            state,
            snapshot,
            known.rows,
            plan,
            before=lambda state: with_withheld(noted(credible_state(state, now), index, now), plan),
            after=self._advance(snapshot, unseen, can_advance_watermark=snapshot.complete),
            reconciliation=known,
        )

    async def _is_audit_due(self, settings: IndexSettings, now: float) -> bool:
        """True once per refresh interval, together with the canary: then compare every point."""
        state = await self._ledger.state(settings.index_id)
        return state is not None and now >= state.canary_at + settings.refresh_interval

    async def survey_changes(self, settings: IndexSettings) -> Survey:
        """Survey changes since the watermark. Reads only the rows of changed or unfinished assets."""
        state, index = await self._known(settings)
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
        return Survey(
            index, state, snapshot, rows, plan, before=_unchanged, after=self._advance(snapshot, changes.pending)
        )

    async def survey_refreshes(self, settings: IndexSettings, period: float) -> Survey:
        """Survey due refreshes of applied assets, without a listing. `period`: seconds between two calls."""
        now = self._clock()
        state, index = await self._known(settings)
        credible = credible_state(state, now)
        rows = credible_rows(await self._ledger.load(index.index_id), now)
        applied = {name: row.applied for name, row in rows.items() if row.applied and not (row.opened or row.attempt)}
        refreshes = tuple(
            Refresh(rows[it.indexed_asset_id], applied[it.indexed_asset_id].fingerprint, it.deep, it.canary)
            for it in due(applied, credible, _refresh_policy(settings, len(applied), period), now)
        )
        return Survey(
            index,
            credible,
            Snapshot(index, {}, complete=False),
            rows,
            Plan.of(refreshes),
            before=partial(credible_state, now=now),
            after=_unchanged,
        )

    def remember(self, survey: Survey, state: IndexState) -> None:
        """Remember the processed assets, so that the next poll can skip unchanged ones."""
        seen = self._seen.get(survey.index.index_id, {})
        self._seen[survey.index.index_id] = recent({**seen, **survey.snapshot.assets}, state)

    async def _known(self, settings: IndexSettings) -> tuple[IndexState, Index]:
        """The index as the last full cycle saw it."""
        state = await self._ledger.state(settings.index_id)
        if state is None or state.index_name is None:
            raise ConfigError("poll index", settings.index_id, "no full cycle has run yet", "Run `connector sync`")
        return state, last_seen(settings.index_id, state)

    def _advance(
        self, snapshot: Snapshot, pending: Collection[str], *, can_advance_watermark: bool = True
    ) -> StateChange:
        return partial(
            advanced,
            assets=snapshot.assets,
            still_pending=pending,
            as_of=self._clock() if snapshot.as_of is None else snapshot.as_of,
            can_advance_watermark=can_advance_watermark,
        )

    async def _look_at(self, index: Index, name: str) -> IndexedAsset | None:
        """Look up one asset. None if it is unreadable: the next full cycle retries it from the listing."""
        try:
            return await self._source.asset(index, name)
        except AssetError:
            return None


def _refresh_policy(settings: IndexSettings, assets: int, period: float | None) -> RefreshPolicy:
    shortest = min(settings.refresh_interval, settings.deep_refresh_interval)
    quota = None if period is None else refresh_quota(assets, period, shortest)
    return RefreshPolicy(settings.refresh_interval, settings.deep_refresh_interval, quota)


def _unchanged(state: IndexState) -> IndexState:
    return state
