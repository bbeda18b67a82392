"""Aliases of collections: on a server over both transports, and in embedded storage."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from qdrant_client import QdrantClient, models

from connector.domain.errors import ConfigError, ConnectorError
from connector.domain.events import Event, SinkRequestEnded
from connector.domain.sink_model import CollectionSpec
from connector.qdrant.sink import QdrantSink
from tests.qdrant_server import Endpoint, drop_collections, free_port

OPTIONS = ("visual", "audio")


@pytest.fixture(params=["embedded", "grpc", "rest"])
async def sink(request: pytest.FixtureRequest, tmp_path: Path, collection: str) -> AsyncIterator[QdrantSink]:
    if request.param == "embedded":
        embedded = QdrantSink("embedded", None, 0, tmp_path)
        yield embedded
        await embedded.close()
        return
    server: Endpoint = request.getfixturevalue("qdrant")
    remote = QdrantSink(
        server.url, server.api_key, server.grpc_port if request.param == "grpc" else free_port(), tmp_path
    )
    yield remote
    await remote.close()
    drop_collections(server, collection)


async def two_models(sink: QdrantSink, collection: str) -> tuple[str, str, str]:
    """An alias, and two collections of models with the same dimension."""
    one, two = f"{collection}-1", f"{collection}-2"
    await sink.ensure(CollectionSpec(one, "marengo3.0", 8, OPTIONS), {})
    await sink.ensure(CollectionSpec(two, "marengo3.5", 8, OPTIONS), {})
    return f"{collection}-alias", one, two


async def test_an_alias_moves_there_and_back(sink: QdrantSink, collection: str) -> None:
    assert await sink.aliases.target(f"{collection}-alias") is None
    alias, one, two = await two_models(sink, collection)

    await sink.aliases.create(alias, one)
    assert (await sink.aliases.all())[alias] == one
    for target in (two, two, one):
        await sink.aliases.move(alias, target)
        assert await sink.aliases.target(alias) == target
    info = await sink.inspect(alias)
    assert info
    assert (info.name, info.real_name, info.queried_name, info.model) == (alias, one, one, "marengo3.0")
    for name, pointing in ((alias, (alias,)), (one, (alias,)), (two, ())):
        described = await sink.inspect(name)
        assert described
        assert described.aliases == pointing


async def test_an_alias_cannot_have_the_name_of_a_collection_nor_lead_nowhere(
    sink: QdrantSink, collection: str
) -> None:
    alias, one, two = await two_models(sink, collection)

    with pytest.raises(ConfigError, match=r"already exists.*Choose a name"):
        await sink.aliases.create(one, two)
    with pytest.raises(ConnectorError):
        await sink.aliases.move(alias, f"{collection}-nowhere")
    assert await sink.aliases.target(alias) is None


@pytest.mark.parametrize("moved_after", ["inspect Qdrant collection", "list Qdrant's aliases"])
async def test_what_an_alias_says_is_of_one_collection(
    qdrant: Endpoint, tmp_path: Path, collection: str, moved_after: str
) -> None:
    """Although it moves between the requests: model and real name belong together, or a query would mix models."""
    moved: list[str] = []

    def move(event: Event, /) -> None:
        if isinstance(event, SinkRequestEnded) and event.operation == moved_after and armed and not moved:
            moved.append(event.collection)
            client.update_collection_aliases(
                [
                    models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)),
                    models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=two, alias_name=alias)),
                ]
            )

    armed = False
    client = QdrantClient(url=qdrant.url, check_compatibility=False)
    sink = QdrantSink(qdrant.url, qdrant.api_key, qdrant.grpc_port, tmp_path, observe=move)
    try:
        alias, one, two = await two_models(sink, collection)
        await sink.aliases.create(alias, one)
        armed = True

        info = await sink.inspect(alias)

        assert moved
        assert info
        assert (info.real_name, info.model) in {(one, "marengo3.0"), (two, "marengo3.5")}
        again = await sink.inspect(alias)
        assert again
        assert (again.real_name, again.model) == (two, "marengo3.5")
    finally:
        await sink.close()
        client.close()
        drop_collections(qdrant, collection)
