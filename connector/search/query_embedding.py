"""Query -> vector of a model. The client of TwelveLabs is made on first use, and recent texts are remembered."""

from collections import OrderedDict
from collections.abc import Callable

from connector.domain.arrays import Float32
from connector.domain.query_media import QueryMedia
from connector.twelvelabs.source import TwelveLabsSource

REMEMBERED = 256


class QueryEmbedding:
    """For one event loop. Raises what `Source.embed_text` raises, and ConfigError without a key."""

    def __init__(self, make_source: Callable[[], TwelveLabsSource]) -> None:
        self._make_source = make_source
        self._source: TwelveLabsSource | None = None
        self._vectors: OrderedDict[tuple[str, str], Float32] = OrderedDict()

    async def of(self, model: str, query: str | QueryMedia) -> Float32:
        """Shape (dimension,)."""
        if self._source is None:
            self._source = self._make_source()
        if isinstance(query, QueryMedia):
            return await self._source.embed_media(model, query)
        key = (model, query)
        if key not in self._vectors:
            self._vectors[key] = await self._source.embed_text(model, query)
            if len(self._vectors) > REMEMBERED:
                self._vectors.popitem(last=False)
        self._vectors.move_to_end(key)
        return self._vectors[key]

    async def close(self) -> None:
        if self._source:
            await self._source.close()
