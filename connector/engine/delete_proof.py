"""Confirm deletes with the source right before they are carried out, and withhold those that it does not confirm.

Absence from a listing alone never deletes.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from connector.domain.errors import AssetError
from connector.domain.plan import Delete, Plan
from connector.domain.report import Problem, Withheld
from connector.domain.source_model import Snapshot
from connector.ports import Source

_WITNESSES = 100
_UNPROVEN = "the source cannot confirm that these assets are gone; `connector quarantine drop` deletes their points"


@dataclass(frozen=True, slots=True)
class Proof:
    """Confirmed deletes, unconfirmed ones with their errors, and an objection that voids all of them."""

    gone: tuple[Delete, ...] = ()
    unproven: Mapping[str, AssetError] = field(default_factory=dict)
    objection: str | None = None

    def withheld(self, plan: Plan) -> list[Withheld]:
        """The planned deletes that must not be carried out."""
        problems = tuple(Problem(name, "withheld", error.code, str(error)) for name, error in self.unproven.items())
        unproven = [Withheld(len(problems), _UNPROVEN, problems)] if problems else []
        void = len(plan.deletes) - len(problems) if self.objection else 0
        return [*unproven, *([Withheld(void, self.objection)] if self.objection and void else [])]


async def prove_deletes(source: Source, snapshot: Snapshot, plan: Plan) -> Proof:
    """Ask the source for each absent asset. If one exists, the listing was wrong: void all deletes.

    If the source cannot answer for an asset, withhold only its delete.
    """
    index_id, gone, unproven = snapshot.index.index_id, [], {}
    for delete in plan.deletes:
        name = delete.checkpoint.indexed_asset_id
        try:
            if await source.exists(index_id, name):
                return Proof(objection=_exists(name))
        except AssetError as error:
            unproven[name] = error
        else:
            gone.append(delete)
    for row in plan.forgets:
        with suppress(AssetError):  # it has no points, so forgetting it loses nothing
            if await source.exists(index_id, row.indexed_asset_id):
                return Proof(objection=_exists(row.indexed_asset_id))
    objection = await _objection_of_the_listed(source, snapshot) if gone or plan.forgets else None
    return Proof(tuple(gone), unproven, objection)


def _exists(name: str) -> str:
    return f"asset {name} exists, but is not in the listing"


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
