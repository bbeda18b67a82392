"""The grace period of deletes: it begins with the first proof of absence, and ends early if the asset is back."""

from collections.abc import Callable, Sequence

from connector.domain.events import DeleteCancelled, DeletePending
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Checkpoint
from connector.domain.plan import Plan
from connector.domain.source_model import Snapshot
from connector.engine.delete_proof import Proof
from connector.engine.passes import Pass
from connector.ports import CheckpointStore, Observer

BACK, EXISTS, KEEP = "it is listed again", "it exists, but is not in the listing", "CONNECTOR_DELETE_MODE is keep"


class Grace:
    def __init__(self, ledger: CheckpointStore, clock: Callable[[], float], observe: Observer) -> None:
        self._ledger, self._clock, self._observe = ledger, clock, observe

    async def begin(self, it: Pass, proof: Proof) -> None:
        """Store when the source first confirmed that these assets are gone. An objection proves the contrary."""
        settings, now = it.settings, self._clock()
        if proof.objection:
            await self._cancel_existing(settings.index_id, proof.exists)
        elif proof.absent:
            names = [row.indexed_asset_id for row in proof.absent]
            await self._ledger.note_absence(settings.index_id, names, now)
            for row in (row for row in proof.absent if row.indexed_asset_id not in it.absent):
                self._tell_pending(settings, row, now)
            it.absent.update(names)

    async def cancel(self, snapshot: Snapshot, plan: Plan) -> None:
        """Forget the absence of assets whose delete no longer waits."""
        back = [row for row in plan.cancelled if row.indexed_asset_id in snapshot.assets]
        kept = [row for row in plan.cancelled if row.indexed_asset_id not in snapshot.assets]
        await self._cancel(snapshot.index.index_id, back, BACK)
        await self._cancel(snapshot.index.index_id, kept, KEEP)

    async def _cancel_existing(self, index_id: str, name: str | None) -> None:
        rows = await self._ledger.rows(index_id, [name]) if name else {}
        await self._cancel(index_id, [row for row in rows.values() if row.absent_since is not None], EXISTS)

    async def _cancel(self, index_id: str, rows: Sequence[Checkpoint], reason: str) -> None:
        if rows:
            await self._ledger.clear_absence(index_id, [row.indexed_asset_id for row in rows])
        for row in rows:
            self._observe(DeleteCancelled(index_id, row.indexed_asset_id, _filename(row), reason))

    def _tell_pending(self, settings: IndexSettings, row: Checkpoint, now: float) -> None:
        due = now + settings.delete_grace
        self._observe(DeletePending(settings.index_id, row.indexed_asset_id, _filename(row), due))


def _filename(row: Checkpoint) -> str | None:
    return row.listed.filename if row.listed else None
