"""The clients of a reindex while it is looked up."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from connector.app import make_sink, make_source
from connector.ports import Source
from connector.qdrant.sink import QdrantSink
from connector.reindex.moves import Move, find_move
from connector.settings.connector_settings import Settings
from connector.settings.target_settings import parse_changes


@asynccontextmanager
async def opened_move(
    settings: Settings, alias: str, given: Sequence[str], *, create_alias: bool
) -> AsyncIterator[tuple[Move, Source, QdrantSink]]:
    """`given` are NAME=VALUE texts. Raises ConfigError if the move is not possible."""
    changes = parse_changes(given)
    async with AsyncExitStack() as stack:
        source, sink = make_source(settings), make_sink(settings)
        stack.push_async_callback(source.close)
        stack.push_async_callback(sink.close)
        yield await find_move(alias, settings, changes, sink, source, create_alias=create_alias), source, sink
