"""Everything that is known of one asset: what the ledger says, and what Qdrant holds."""

import asyncio
from collections.abc import Collection
from typing import Any

from connector.app import App
from connector.domain.errors import ConnectorError, Unavailable
from connector.domain.report import error_facts
from connector.engine.stored_asset import StoredAsset, read_asset
from connector.ledger.asset_facts import asset_facts
from connector.web.asset_view import AssetView

PATIENCE_SEC = 8.0
_AT_ONCE = 2
"""A long video is up to 7,200 payloads."""


class AssetLookup:
    """`patience` is how many seconds Qdrant may take."""

    def __init__(self, app: App, patience: float = PATIENCE_SEC) -> None:
        self._app, self._patience = app, patience
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def find(self, index_id: str, indexed_asset_id: str) -> AssetView | None:
        """None if the ledger does not know the asset. An error of Qdrant is part of the document.

        Raises LedgerUnavailable.
        """
        settings = self._app.settings
        found = await asset_facts(
            self._app.ledger,
            index_id,
            indexed_asset_id,
            settings.connector_max_attempts,
            grace=settings.connector_delete_grace,
            in_hand=self._app.engine.queue.is_in_hand(index_id, indexed_asset_id),
        )
        if found is None:
            return None
        stored, error = await self._stored(found.collections, index_id, indexed_asset_id)
        facts = dict(stored.facts)
        metadata = facts.pop("user_metadata", {})
        known = {key: value for key, value in found.document.items() if value is not None}
        named = {key: known.get(key, facts.get(key)) for key in ("index_name", "asset_id", "filename")}
        document = {
            **found.document,
            **named,
            "facts": _with_listed(facts, found.document["listed"] or {}),
            "user_metadata": metadata,
            "qdrant": {
                "error": error_facts(error) if error else None,
                "points": None if error else len(stored.segments),
                "truncated": stored.truncated,
            },
        }
        return AssetView(document, stored.segments)

    async def _stored(
        self, collections: Collection[str], index_id: str, indexed_asset_id: str
    ) -> tuple[StoredAsset, ConnectorError | None]:
        try:
            async with asyncio.timeout(self._patience), self._slots:
                return await read_asset(self._app.sink, collections, index_id, indexed_asset_id), None
        except ConnectorError as error:
            return StoredAsset(), error
        except TimeoutError:
            cause = f"no response of Qdrant within {self._patience:g} seconds"
            advice = "Check Qdrant; the connector retries automatically"
            return StoredAsset(), Unavailable("read points of asset", indexed_asset_id, cause, advice, side="sink")


def _with_listed(stored: dict[str, Any], listed: dict[str, Any]) -> dict[str, Any]:
    """The facts of the payload; where it has none, those of the listing."""
    keys = ("created_at", "indexed_at", "duration_sec", "fps", "width", "height", "size_bytes")
    return {key: listed.get(key) if stored.get(key) is None else stored[key] for key in keys}
