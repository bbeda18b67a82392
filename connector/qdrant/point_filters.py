"""Selects points: Qdrant filters, and the check that a point is our own.

No filter can be empty, because an empty filter selects all points. Points of others are never changed or deleted: a
point is our own if its id equals the id computed from its payload.
"""

from collections.abc import Iterable, Sequence

from qdrant_client import models

from connector.domain.points import is_own
from connector.domain.sink_model import Tally


def own(records: Iterable[models.Record]) -> list[models.Record]:
    """The points that this connector wrote. The records must contain ID_KEYS."""
    return [record for record in records if is_own(str(record.id), record.payload or {})]


def of_index(index_id: str) -> models.Filter:
    return models.Filter(must=[_is("index_id", index_id)])


def of_asset(index_id: str, indexed_asset_id: str) -> models.Filter:
    return models.Filter(must=[_is("index_id", index_id), _is("indexed_asset_id", indexed_asset_id)])


def within(index_id: str, indexed_asset_id: str | None) -> models.Filter:
    """The points of the asset; without one, those of the index."""
    return of_index(index_id) if indexed_asset_id is None else of_asset(index_id, indexed_asset_id)


def of_assets(index_id: str, indexed_asset_ids: Sequence[str]) -> models.Filter:
    """The points of these assets. Raises ValueError without any."""
    if not all(indexed_asset_ids) or not indexed_asset_ids:
        raise ValueError("no asset, or an empty id: the filter would select the wrong points")
    among = models.FieldCondition(key="indexed_asset_id", match=models.MatchAny(any=list(indexed_asset_ids)))
    return models.Filter(must=[_is("index_id", index_id), among])


def of_revision(index_id: str, indexed_asset_id: str, revision: str) -> models.Filter:
    """The asset's points of this revision."""
    return models.Filter(
        must=[_is("index_id", index_id), _is("indexed_asset_id", indexed_asset_id), _is("revision", revision)]
    )


def of_other_revisions(index_id: str, indexed_asset_id: str, revision: str) -> models.Filter:
    """The asset's points of all other revisions."""
    return models.Filter(
        must=[_is("index_id", index_id), _is("indexed_asset_id", indexed_asset_id)],
        must_not=[_is("revision", revision)],
    )


def of_tally(index_id: str, tally: Tally) -> models.Filter:
    """The index's points that have one of these revisions or metadata revisions."""
    either = {"revision": tally.revisions, "metadata_revision": tally.metadata_revisions}
    return models.Filter(
        must=[_is("index_id", index_id)],
        should=[models.FieldCondition(key=key, match=models.MatchAny(any=sorted(it))) for key, it in either.items()],
    )


def of_indexes(index_ids: Sequence[str]) -> models.Filter | None:
    """A filter on these index ids; None, which selects everything, without ids. For reading only."""
    if not index_ids:
        return None
    return models.Filter(must=[models.FieldCondition(key="index_id", match=models.MatchAny(any=list(index_ids)))])


def having(option: str, within: models.Filter | None) -> models.Filter:
    """The points within this filter that have this named vector. For reading only."""
    return models.Filter(must=[models.HasVectorCondition(has_vector=option), *([within] if within else [])])


def _is(key: str, value: str) -> models.FieldCondition:
    """Raises ValueError for an empty value."""
    if not value:
        raise ValueError(f"{key} is empty: a filter on it would select the wrong points")
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))
