"""An alias moves between two models of the same dimension while a search remembers it, seen with several keys."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from connector.domain.errors import ConfigError
from connector.domain.sink_model import CollectionSpec
from connector.domain.source_model import Index
from connector.qdrant.sink import QdrantSink
from connector.search import AsyncVideoSearch
from tests.conftest import ServerFactory
from tests.contract.asset_points import OPTIONS, asset_points
from tests.qdrant_server import QdrantServer

KEY, ALIAS, DIMENSION = "key-of-the-server", "videos", 512
MODELS = {"one": "marengo3.0", "two": "marengo3.5"}
VECTOR = np.ones(DIMENSION)


def readable_only(*names: str) -> str:
    """A token of Qdrant that may read these collections; an alias counts as one."""
    access = [{"collection": name, "access": "r"} for name in names]
    parts = [_encoded(json.dumps(it).encode()) for it in ({"alg": "HS256", "typ": "JWT"}, {"access": access})]
    signed = ".".join(parts)
    return f"{signed}.{_encoded(hmac.new(KEY.encode(), signed.encode(), hashlib.sha256).digest())}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def searching(server: QdrantServer, key: str) -> AsyncVideoSearch:
    return AsyncVideoSearch(server.url, qdrant_api_key=key, qdrant_grpc_port=server.grpc_port, collections=[ALIAS])


@pytest.fixture
async def server(new_qdrant: ServerFactory, tmp_path: Path) -> AsyncIterator[tuple[QdrantServer, QdrantSink]]:
    running = new_qdrant(QDRANT__SERVICE__API_KEY=KEY, QDRANT__SERVICE__JWT_RBAC="true")
    running.start()
    sink = QdrantSink(running.url, KEY, running.grpc_port, tmp_path)
    for name, model in MODELS.items():
        await sink.ensure(CollectionSpec(name, model, DIMENSION, OPTIONS), {})
        await sink.replace(asset_points(index=Index("index-1", "First", model), dimension=DIMENSION), name, ())
    await sink.aliases.create(ALIAS, "one")
    yield running, sink
    await sink.close()


@pytest.mark.parametrize("names", [(), (ALIAS,), (ALIAS, *MODELS)], ids=["all", "the alias", "alias and collections"])
async def test_a_vector_never_meets_points_of_another_model(
    server: tuple[QdrantServer, QdrantSink], names: tuple[str, ...]
) -> None:
    running, sink = server
    async with searching(running, readable_only(*names) if names else KEY) as search:
        (before,) = await search.query_vector(VECTOR)
        assert (before.model, {it.model for it in before}) == ("marengo3.0", {"marengo3.0"})

        await sink.aliases.move(ALIAS, "two")

        (after,) = await search.query_vector(VECTOR)
        assert {it.model for it in after} == {after.model}
        assert search._finder
        search._finder.lookup.forget()  # as after a few seconds
        (later,) = await search.query_vector(VECTOR)
        assert (later.model, {it.model for it in later}) == ("marengo3.5", {"marengo3.5"})
        with pytest.raises(ConfigError, match=r"no collection of marengo3\.0"):
            await search.query_vector(VECTOR, model="marengo3.0")


async def test_a_collection_that_is_deleted_right_after_the_move_is_not_missed(
    server: tuple[QdrantServer, QdrantSink],
) -> None:
    running, sink = server
    async with searching(running, KEY) as search:
        await search.query_vector(VECTOR)

        await sink.aliases.move(ALIAS, "two")
        await sink._session.call("delete", "one", lambda on: on.client.delete_collection(collection_name="one"))

        (found,) = await search.query_vector(VECTOR)
        assert found.model == "marengo3.5"
