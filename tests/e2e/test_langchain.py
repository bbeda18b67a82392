"""LangChain with real points: embeddings, the retriever, and its own vector store on our collection."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.load import dumps
from langchain_core.runnables import RunnableLambda
from langchain_qdrant import QdrantVectorStore
from qdrant_client import QdrantClient, models

from connector.search import AsyncVideoSearch, ConfigError, VideoSearch
from connector.search.frameworks.langchain_search import MarengoEmbeddings, VideoRetriever
from tests.e2e.frameworks_world import (
    EVERYTHING,
    QUERY,
    SPORTS,
    FrameworksWorld,
    check_has_silence,
    check_text_and_metadata,
    frameworks_world,
    is_place,
)
from tests.e2e.recipes import COLLECTION


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrameworksWorld]:
    with frameworks_world(qdrant_binary, tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="module")
def search(world: FrameworksWorld) -> Iterator[VideoSearch]:
    with VideoSearch(**world.arguments) as running:
        yield running


def store(world: FrameworksWorld, search: VideoSearch, client: QdrantClient) -> QdrantVectorStore:
    return QdrantVectorStore(client, COLLECTION, MarengoEmbeddings(search), vector_name="visual")


@pytest.fixture
def client(world: FrameworksWorld) -> Iterator[QdrantClient]:
    with_rest = QdrantClient(url=world.server.url, check_compatibility=False)
    yield with_rest
    with_rest.close()


async def test_embeddings_are_those_of_the_search(world: FrameworksWorld, search: VideoSearch) -> None:
    """With and without asyncio, and of both models."""
    embeddings, older = MarengoEmbeddings(search), MarengoEmbeddings(search, model="Marengo-retrieval-2.7")

    vector = embeddings.embed_query(QUERY)

    np.testing.assert_allclose(vector, search.embed_text(QUERY))
    assert (len(vector), len(older.embed_query(QUERY)), type(vector[0])) == (512, 1024, float)
    assert embeddings.embed_documents([QUERY, "other"])[0] == vector
    assert await embeddings.aembed_query(QUERY) == vector
    async with AsyncVideoSearch(**world.arguments) as asynchronous:
        of_loop = MarengoEmbeddings(asynchronous)
        assert (await of_loop.aembed_documents([QUERY, "other"]))[0] == vector
        with pytest.raises(ConfigError, match="Call the asynchronous method, or pass a VideoSearch"):
            of_loop.embed_query(QUERY)


def test_every_hit_of_the_retriever_has_text_and_place(world: FrameworksWorld, search: VideoSearch) -> None:
    found = VideoRetriever(search=search, limit=EVERYTHING, filters=SPORTS).invoke(QUERY)

    wanted = world.of_sports()
    check_has_silence(wanted)
    assert {document.id for document in found} == wanted.keys()
    assert {wanted[str(document.id)]["embedding_model"] for document in found} == {"marengo3.0", "marengo2.7"}
    for document in found:
        check_text_and_metadata(wanted[str(document.id)], document.page_content, document.metadata)
        assert document.metadata["score"] > 0


@pytest.mark.parametrize(
    "options",
    [
        {"limit": 3},
        {"options": ["transcription"], "filters": {"season": {"gte": 2026}}},
        {"weights": {"visual": 0, "transcription": 2}, "group_by_asset": True},
        {"time_range": (5.0, 20.0), "merge_gap_sec": 2.0, "limit": 5},
        {"near_only": True},
        {"rerank": lambda _, moments: [it.start_sec for it in moments], "limit": 4},
    ],
)
async def test_the_options_are_those_of_the_search(
    world: FrameworksWorld, search: VideoSearch, options: dict[str, Any]
) -> None:
    """At construction and per call; and in the loop of an AsyncVideoSearch."""
    (expected,) = search.query(QUERY, across_models=True, **options)
    places = [(it.point_id, it.start_sec, it.end_sec, it.score) for it in expected]

    found = VideoRetriever(search=search, **options).invoke(QUERY)
    per_call = VideoRetriever(search=search).invoke(QUERY, **options)
    in_thread = await VideoRetriever(search=search, **options).ainvoke(QUERY)
    async with AsyncVideoSearch(**world.arguments) as asynchronous:
        in_loop = await VideoRetriever(search=asynchronous).ainvoke(QUERY, **options)

    assert places
    assert _places(found) == places
    assert found == per_call == in_thread == in_loop


def test_an_index_can_be_chosen(world: FrameworksWorld, search: VideoSearch) -> None:
    index_id = world.simulator.control.index_ids[1]

    found = VideoRetriever(search=search, indexes=[index_id]).invoke(QUERY)

    assert {document.metadata["index_id"] for document in found} == {index_id}


def test_mistakes_are_errors_of_the_search(search: VideoSearch) -> None:
    with pytest.raises(ConfigError, match="limit"):
        VideoRetriever(search=search, limit=0)
    with pytest.raises(ConfigError, match="option smell"):
        VideoRetriever(search=search, options=["smell"]).invoke(QUERY)
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        VideoRetriever(search=search, filter=SPORTS)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="top_k"):
        VideoRetriever(search=search).invoke(QUERY, top_k=3)


def test_a_chain_takes_it_and_no_key_is_shown(world: FrameworksWorld, search: VideoSearch) -> None:
    retriever = VideoRetriever(search=search, limit=2, rerank=lambda _, moments: [1.0 for _ in moments])
    count: RunnableLambda[list[Document], int] = RunnableLambda(len)

    assert (retriever | count).invoke(QUERY) == 2
    shown = f"{retriever!r} {dumps(retriever)} {retriever.model_dump()}"
    assert world.connector.settings["TWELVELABS_API_KEY"] not in shown


@pytest.mark.parametrize("key", ["user_metadata.category", "metadata.user_metadata.category"])
def test_every_hit_of_their_store_has_text_and_place(
    world: FrameworksWorld, search: VideoSearch, client: QdrantClient, key: str
) -> None:
    """With its own filters, by a payload key or one of `metadata`."""
    sports = models.FieldCondition(key=key, match=models.MatchValue(value="sports"))

    found = store(world, search, client).similarity_search_with_score(
        QUERY, k=EVERYTHING, filter=models.Filter(must=[sports])
    )

    wanted = world.of_sports("visual")
    check_has_silence(wanted)
    assert {document.metadata["_id"] for document, _ in found} == wanted.keys()
    for document, _ in found:
        check_text_and_metadata(wanted[document.metadata["_id"]], document.page_content, document.metadata)


def test_a_wrong_vector_name_is_refused_and_deletes_nothing(
    world: FrameworksWorld, search: VideoSearch, client: QdrantClient
) -> None:
    """The advice that docs/integrations.md warns of."""
    with pytest.raises(Exception, match="force_recreate"):
        QdrantVectorStore(client, COLLECTION, MarengoEmbeddings(search))

    newer = [it for it in world.points.values() if it["embedding_model"] == "marengo3.0"]
    assert client.count(COLLECTION).count == len(newer)


@pytest.mark.parametrize("recipe", ["langchain_retriever.py", "langchain_store.py"])
def test_the_recipes(
    world: FrameworksWorld, recipe: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = world.run(recipe, monkeypatch)
    if "store" in left:
        left["client"].close()
        left["store"].embeddings._search.close()
    else:
        left["retriever"].search.close()

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert [line for line in lines if not is_place(line, world.of_sports())] == []


def _places(documents: list[Document]) -> list[tuple[str | None, float, float, float]]:
    return [
        (it.id, it.metadata["start_offset_sec"], it.metadata["end_offset_sec"], it.metadata["score"])
        for it in documents
    ]
