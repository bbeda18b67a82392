"""The filters that select points. None can be empty: an empty filter selects every point there is."""

from collections.abc import Sequence

from qdrant_client import models


def of_index(index_id: str) -> models.Filter:
    return models.Filter(must=[_is("index_id", index_id)])


def of_asset(index_id: str, indexed_asset_id: str, *, but_revision: str | None = None) -> models.Filter:
    """All points of the asset, or those of every revision but one."""
    return models.Filter(
        must=[_is("index_id", index_id), _is("indexed_asset_id", indexed_asset_id)],
        must_not=None if but_revision is None else [_is("revision", but_revision)],
    )


def of_indexes(index_ids: Sequence[str]) -> models.Filter | None:
    """None, everything, for no index ids: for reading only."""
    if not index_ids:
        return None
    return models.Filter(must=[models.FieldCondition(key="index_id", match=models.MatchAny(any=list(index_ids)))])


def _is(key: str, value: str) -> models.FieldCondition:
    """Raises ValueError for an empty value."""
    if not value:
        raise ValueError(f"{key} is empty: a filter over it would not select what is meant")
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))
