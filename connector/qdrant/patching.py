"""Changing payload keys of an asset's points, nulls included."""

from collections.abc import Collection, Mapping
from typing import Any

from connector.qdrant import filters, requests
from connector.qdrant.session import Session

PAGE = 256


async def patch(session: Session, collection: str, index_id: str, asset: str, payload: Mapping[str, Any]) -> None:
    """Every point of the asset has these keys with these values; its other keys and its vectors stay.

    Qdrant's set_payload removes a key whose new value is null. So nulls go by overwriting the payload of the points
    that do not have them already; in a usual refresh there are none.
    """
    only = filters.of_asset(index_id, asset)
    present = {key: value for key, value in payload.items() if value is not None}
    await requests.set_payload(session, collection, present, only)
    absent = payload.keys() - present.keys()
    if not absent:
        return
    async for records in requests.scroll(session, collection, only, sorted(absent), PAGE):
        stale = [record.id for record in records if not _all_null(record.payload or {}, absent)]
        if stale:
            await _overwrite(session, collection, stale, dict.fromkeys(absent))


def _all_null(payload: Mapping[str, Any], keys: Collection[str]) -> bool:
    return payload.keys() >= set(keys) and all(payload[key] is None for key in keys)


async def _overwrite(session: Session, collection: str, ids: list[Any], nulls: Mapping[str, None]) -> None:
    payloads = await requests.payloads(session, collection, ids)
    changed = {point_id: {**payload, **nulls} for point_id, payload in payloads.items()}
    await requests.overwrite_payloads(session, collection, changed)
