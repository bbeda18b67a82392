"""Confirm deletes with the source right before they are carried out, and withhold those that it does not confirm.

With a grace period, the first confirmation only starts it; the delete needs another one after it.

Absence from a listing alone never deletes.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from connector.domain.errors import AssetError
from connector.domain.ledger_model import Checkpoint
from connector.domain.plan import Delete, Plan
from connector.domain.report import Problem, Withheld
from connector.domain.source_model import Snapshot
from connector.ports import Source

_WITNESSES = 100
_UNPROVEN = "the source cannot confirm that these assets are gone; `connector quarantine drop` deletes their points"


@dataclass(frozen=True, slots=True)
class Proof:
    """Confirmed deletes, unconfirmed ones with their errors, and an objection that voids all of them.

    `absent` are rows whose grace period starts now; `exists` is an asset that is there, although it was not listed.
    """

    gone: tuple[Delete, ...] = ()
    absent: tuple[Checkpoint, ...] = ()
    unproven: Mapping[str, AssetError] = field(default_factory=dict)
    objection: str | None = None
    exists: str | None = None

    def withheld(self, plan: Plan) -> list[Withheld]:
        """The planned deletes that must not be carried out."""
        problems = tuple(Problem(name, "withheld", error.code, str(error)) for name, error in self.unproven.items())
        unproven = [Withheld(len(problems), _UNPROVEN, problems)] if problems else []
        void = len(plan.deletes) + len(plan.absent) - len(problems) if self.objection else 0
        return [*unproven, *([Withheld(void, self.objection)] if self.objection and void else [])]


async def prove_deletes(source: Source, snapshot: Snapshot, plan: Plan) -> Proof:
    """Ask the source for each absent asset. If one exists, the listing was wrong: void all deletes.

    If the source cannot answer for an asset, withhold only its delete.
    """
    index_id, unproven = snapshot.index.index_id, dict[str, AssetError]()
    for name in [row.indexed_asset_id for row in (*(it.checkpoint for it in plan.deletes), *plan.absent)]:
        try:
            if await source.exists(index_id, name):
                return _exists(name)
        except AssetError as error:
            unproven[name] = error
    for row in plan.forgets:
        with suppress(AssetError):  # it has no points, so forgetting it loses nothing
            if await source.exists(index_id, row.indexed_asset_id):
                return _exists(row.indexed_asset_id)
    gone = tuple(it for it in plan.deletes if it.checkpoint.indexed_asset_id not in unproven)
    absent = tuple(it for it in plan.absent if it.indexed_asset_id not in unproven)
    objection = await _objection_of_the_listed(source, snapshot) if gone or absent or plan.forgets else None
    return Proof(gone, absent, unproven, objection)


def _exists(name: str) -> Proof:
    return Proof(objection=f"asset {name} exists, but is not in the listing", exists=name)


async def _objection_of_the_listed(source: Source, snapshot: Snapshot) -> str | None:
    """Require that the index and one listed asset exist; otherwise a 404 proves nothing.

    If the source cannot answer for any listed asset, the index alone is enough. Raises IndexGone.
    """
    index_id = snapshot.index.index_id
    await source.index(index_id)
    for name in islice(snapshot.assets, _WITNESSES):
        try:
            answers = await source.exists(index_id, name)
        except AssetError:
            continue
        return None if answers else f"asset {name} is in the listing, but does not exist"
    return None
