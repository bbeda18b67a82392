"""Says exactly what `sync --allow-deletes` will delete, before it does. Only these deletes are then allowed."""

import time
from collections.abc import Mapping, Sequence

from connector.app import App
from connector.cli.output import counted, err, text
from connector.domain.errors import ConnectorError
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Checkpoint
from connector.engine.delete_preview import due_deletes

Allowed = Mapping[str, frozenset[str]]
"""Index id -> the assets whose deletes are allowed."""


async def announce_deletes(app: App, indexes: Sequence[IndexSettings]) -> Allowed:
    """Print the deletes of each index on stderr, and return them: none of an index that cannot be listed."""
    return {settings.index_id: await _announce(app, settings) for settings in indexes}


async def _announce(app: App, settings: IndexSettings) -> frozenset[str]:
    try:
        index = await app.source.index(settings.index_id)
        rows = await due_deletes(app.engine.surveyor, app.ledger, settings, index, time.time())
    except ConnectorError as error:
        err.print(f"Index {text(settings.index_id)}: its deletes cannot be listed, so none is allowed: {text(error)}")
        return frozenset()
    name = text(f"{index.name} ({index.index_id})")
    if not rows:
        err.print(f"Index {name}: nothing to delete.")
        return frozenset()
    points = sum(row.applied.points for row in rows if row.applied)
    err.print(
        f"Index {name}: {counted(len(rows), 'asset')} with {counted(points, 'point')} will be deleted from Qdrant:"
    )
    for row in rows:
        err.print(f"  {_described(row)}")
    return frozenset(row.indexed_asset_id for row in rows)


def _described(row: Checkpoint) -> str:
    points = counted(row.applied.points, "point") if row.applied else "number of points unknown"
    where = ", ".join(sorted(row.collections))
    filename = row.listed.filename if row.listed else None
    return text(f"{row.indexed_asset_id} {filename or ''}".rstrip() + f" ({points} in {where})")
