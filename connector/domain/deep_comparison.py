"""Compare the points of an asset that was just retrieved with those that are stored. Pure.

Qdrant normalizes the vectors of a collection with distance Cosine, and may store them with half precision, so they are
compared after normalization and with a tolerance.
"""

from collections.abc import Mapping

import numpy as np

from connector.domain.arrays import Float32
from connector.domain.bm25 import SparseVector
from connector.domain.ledger_model import Applied
from connector.domain.points import AssetPoints
from connector.domain.sink_model import StoredPoint
from connector.domain.verification import DriftFinding, Kind

RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE = 1e-3, 1e-5
"""Half precision has 11 bits; float32 arithmetic differs in the last ones."""
_NOT_COMPARED = {"fingerprint", "hls_url"}
"""A fingerprint may be older than that of the ledger, if its change had no effect on the points; links expire."""


def compare_points(built: AssetPoints, stored: Mapping[str, StoredPoint], applied: Applied) -> list[DriftFinding]:
    """`stored` are the points in the collection of `applied`, which is a closed row."""
    name, place, found = built.indexed_asset_id, applied.collection, len(stored)
    if (built.revision, len(built)) != (applied.revision, applied.points):
        return [DriftFinding(name, Kind.STALE_ASSET, place, len(built), found, found)]
    if applied.metadata_revision not in (None, built.metadata_revision):
        return [DriftFinding(name, Kind.STALE_ASSET, place, len(built), found, found)]
    wanted = _vectors(built)
    present = [row for row, point_id in enumerate(built.ids) if point_id in stored]
    counts = {
        Kind.MISSING_POINTS: len(built) - len(present),
        Kind.SURPLUS_POINTS: found - len(present),
        Kind.ALTERED_PAYLOAD: sum(
            not _same_payload(built.payload(row, tuple(wanted[row])), stored[built.ids[row]].payload) for row in present
        ),
        Kind.ALTERED_VECTORS: sum(
            not same_vectors(wanted[row], stored[built.ids[row]].vectors)
            or not _same_sparse(built, row, stored[built.ids[row]].sparse)
            for row in present
        ),
    }
    return [DriftFinding(name, kind, place, len(built), found, count) for kind, count in counts.items() if count]


def same_vectors(wanted: Mapping[str, Float32], stored: Mapping[str, Float32]) -> bool:
    """True if both have the same named vectors, and these the same direction."""
    return wanted.keys() == stored.keys() and all(_is_close(stored[name], it) for name, it in wanted.items())


def _same_sparse(built: AssetPoints, row: int, stored: SparseVector | None) -> bool:
    """Switched off, the sparse vector is nobody's business: the user may have written one."""
    if built.sparse is None:
        return True
    wanted = built.sparse[row]
    if wanted is None or stored is None:
        return wanted is stored
    return wanted.indices == stored.indices and np.allclose(stored.values, wanted.values, rtol=RELATIVE_TOLERANCE)


def _is_close(stored: Float32, wanted: Float32) -> bool:
    if stored.shape != wanted.shape:
        return False
    return np.allclose(_unit(stored), _unit(wanted), rtol=RELATIVE_TOLERANCE, atol=ABSOLUTE_TOLERANCE)


def _unit(vector: Float32) -> Float32:
    length = np.linalg.norm(vector)
    unit: Float32 = vector / length if length else vector
    return unit


def _vectors(built: AssetPoints) -> dict[int, dict[str, Float32]]:
    """The named vectors of each row; every row has one at least."""
    by_row: dict[int, dict[str, Float32]] = {}
    for option, named in built.vectors.items():
        for place, row in enumerate(named.rows.tolist()):
            by_row.setdefault(row, {})[option] = named.matrix[place]
    return by_row


def _same_payload(wanted: Mapping[str, object], stored: Mapping[str, object]) -> bool:
    """Keys of other programs may stand beside ours. A missing key counts as null."""
    return all(stored.get(key) == value for key, value in wanted.items() if key not in _NOT_COMPARED)
