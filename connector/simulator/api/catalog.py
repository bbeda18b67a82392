"""All uploaded assets of the account, newest first. Does not store the uploads of generated assets."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from connector.simulator.api.listing import ListingPage
from connector.simulator.world.ids import IdKind
from connector.simulator.world.world import Upload, World

_UPLOADS = -1
Rows = NDArray[np.int64]


class Wanted(Protocol):
    """`passes_all` means that no asset needs to be checked."""

    @property
    def passes_all(self) -> bool: ...

    def __call__(self, asset_id: str, filename: str) -> bool: ...


def page_of(world: World, page: ListingPage, wanted: Wanted) -> tuple[list[Upload], int]:
    """The uploads of a page, and the total number of matches."""
    rows = _rows(world)
    if wanted.passes_all:
        return [_upload(world, rows[place]) for place in page.span(len(rows))], len(rows)
    found = [upload for row in rows if wanted((upload := _upload(world, row)).id, upload.content.filename)]
    return [found[place] for place in page.span(len(found))], len(found)


def _rows(world: World) -> Rows:
    """(created_ms, index number or -1, ordinal) of every asset that is not deleted, newest first."""
    uploads = [(upload.created_ms, _UPLOADS, nth) for nth, upload in enumerate(world.uploads)]
    blocks = [np.array(uploads, dtype=np.int64).reshape(-1, 3)]
    for state in world.indexes:
        ordinals, created = state.own_uploads()
        blocks.append(np.column_stack((created, np.full(len(ordinals), state.number), ordinals)))
    rows = np.concatenate(blocks)
    gone = {_place(world, asset_id) for asset_id in world.deleted_assets}
    if gone:
        rows = rows[[(int(number), int(ordinal)) not in gone for _, number, ordinal in rows]]
    newest_first: Rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))][::-1]
    return newest_first


def _place(world: World, asset_id: str) -> tuple[int, int]:
    ref = world.codec.decode(asset_id)
    if ref is None:
        raise ValueError(f"{asset_id} was deleted but never created")
    return (_UPLOADS if ref.kind is IdKind.UPLOAD else ref.index, ref.ordinal)


def _upload(world: World, row: Rows) -> Upload:
    _, number, ordinal = (int(value) for value in row)
    if number == _UPLOADS:
        return world.uploads[ordinal]
    return world.own_upload(world.indexes[number], world.indexes[number].record(ordinal))
