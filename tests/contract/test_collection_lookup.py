"""Which collections are searched: remembered for a while, and looked up again when one is gone."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from connector.domain.source_model import Index
from connector.qdrant.sink import QdrantSink
from connector.search.collection_lookup import REMEMBERED_SEC, CollectionLookup
from connector.search.moment_finder import MomentFinder
from connector.search.moment_links import link_maker
from connector.search.moment_request import checked
from connector.search.query_embedding import QueryEmbedding
from connector.search.query_inputs import VectorQuery
from connector.search.search_places import SearchPlaces
from connector.twelvelabs.source import TwelveLabsSource
from tests.contract.asset_points import DIMENSION, asset_points, spec
from tests.contract.sinks import QdrantBench
from tests.qdrant_server import Endpoint, drop_collections

QUERY = VectorQuery(np.ones(DIMENSION), None)


def no_source() -> TwelveLabsSource:
    raise AssertionError("no text is searched for")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def alias(collection: str) -> str:
    return f"{collection}-alias"


@pytest.fixture
async def bench(qdrant: Endpoint, tmp_path: Path, collection: str, alias: str) -> AsyncIterator[QdrantBench]:
    """An alias of a collection with one asset, and a second collection with another one."""
    sink = QdrantSink(qdrant.url, qdrant.api_key, qdrant.grpc_port, tmp_path)
    bench = QdrantBench(sink)
    for name, asset, model in ((collection, "old", "marengo9.8"), (f"{collection}-2", "new", "marengo9.9")):
        await sink.ensure(spec(name, model=model), {})
        await sink.replace(asset_points(asset, index=Index("index-1", "First index", model)), name, ())
    await bench.alias(collection, alias)
    yield bench
    await sink.close()
    drop_collections(qdrant, collection)


@pytest.fixture
def finder(bench: QdrantBench, alias: str, clock: Clock, tmp_path: Path) -> MomentFinder:
    places = SearchPlaces("", None, 0, tmp_path, None, "", lambda model, _: model, collections=(alias,))
    return MomentFinder(bench.sink, QueryEmbedding(no_source), CollectionLookup(bench.sink, places, clock))


async def found(finder: MomentFinder) -> tuple[str, str]:
    (moments,) = await finder.find(QUERY, checked(limit=1), link_maker("", None))
    assert moments.error is None
    return moments.collection, moments[0].indexed_asset_id


async def test_an_alias_that_moves_is_followed_without_mixing_models(
    bench: QdrantBench, finder: MomentFinder, collection: str, alias: str, clock: Clock
) -> None:
    assert await found(finder) == (alias, "old")
    await bench.alias(f"{collection}-2", alias)

    assert await found(finder) == (alias, "old"), "still the collection that was looked up"
    clock.now += REMEMBERED_SEC
    assert await found(finder) == (alias, "new")


async def test_a_collection_that_is_gone_is_looked_up_again_at_once(
    bench: QdrantBench, finder: MomentFinder, collection: str, alias: str
) -> None:
    assert await found(finder) == (alias, "old")
    await bench.alias(f"{collection}-2", alias)
    await bench.sink._session.once("drop", "", lambda on: on.client.delete_collection(collection_name=collection))

    assert await found(finder) == (alias, "new")
