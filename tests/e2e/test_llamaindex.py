"""LlamaIndex with real points: the embedding, the retriever, and its own vector store on our collection."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.schema import MetadataMode, NodeWithScore
from llama_index.core.vector_stores import MetadataFilters
from qdrant_client import QdrantClient

from connector.search import AsyncVideoSearch, ConfigError, VideoSearch
from connector.search.frameworks.llamaindex_search import MarengoEmbedding, VideoNodeRetriever, video_index
from tests.e2e.frameworks_world import (
    EVERYTHING,
    QUERY,
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


async def test_embeddings_are_those_of_the_search(world: FrameworksWorld, search: VideoSearch) -> None:
    embedding = MarengoEmbedding(search)

    vector = embedding.get_query_embedding(QUERY)

    assert vector == search.embed_text(QUERY).tolist()
    assert len(MarengoEmbedding(search, model_name="marengo2.7").get_query_embedding(QUERY)) == 1024
    assert embedding.get_text_embedding_batch([QUERY, "other"])[0] == vector
    assert await embedding.aget_query_embedding(QUERY) == await embedding.aget_text_embedding(QUERY) == vector
    async with AsyncVideoSearch(**world.arguments) as asynchronous:
        of_loop = MarengoEmbedding(asynchronous)
        assert await of_loop.aget_query_embedding(QUERY) == vector
        with pytest.raises(ConfigError, match="pass a VideoSearch"):
            of_loop.get_query_embedding(QUERY)
    assert embedding.to_dict() == MarengoEmbedding(search).to_dict()
    assert world.connector.settings["TWELVELABS_API_KEY"] not in f"{embedding!r} {embedding.to_dict()}"


def test_every_hit_of_the_retriever_has_text_and_place(world: FrameworksWorld, search: VideoSearch) -> None:
    found = VideoNodeRetriever(search, limit=EVERYTHING, filters={"category": "sports"}).retrieve(QUERY)

    wanted = world.of_sports()
    check_has_silence(wanted)
    assert {it.node_id for it in found} == wanted.keys()
    for it in found:
        check_text_and_metadata(wanted[it.node_id], it.text, it.metadata)
        assert it.score == it.metadata["score"]
        prompt = it.get_content(MetadataMode.LLM)
        assert wanted[it.node_id]["indexed_asset_id"] in prompt
        assert prompt.count(wanted[it.node_id]["transcript"] or it.text) == 1


async def test_the_options_are_those_of_the_search(world: FrameworksWorld, search: VideoSearch) -> None:
    (expected,) = search.query(
        QUERY, across_models=True, weights={"transcription": 2}, time_range=(5, 20), merge_gap_sec=2, limit=5
    )

    def retriever(of: VideoSearch | AsyncVideoSearch) -> VideoNodeRetriever:
        return VideoNodeRetriever(of, weights={"transcription": 2}, time_range=(5, 20), merge_gap_sec=2, limit=5)

    found, in_thread = retriever(search).retrieve(QUERY), await retriever(search).aretrieve(QUERY)
    async with AsyncVideoSearch(**world.arguments) as asynchronous:
        in_loop = await retriever(asynchronous).aretrieve(QUERY)

    assert len(expected) == 5
    assert _places(found) == [(it.point_id, it.start_sec, it.end_sec, it.score) for it in expected]
    assert _places(found) == _places(in_thread) == _places(in_loop)


def test_mistakes_are_errors_of_the_search(search: VideoSearch) -> None:
    theirs: Any = MetadataFilters.from_dicts([{"key": "category", "value": "sports"}])
    with pytest.raises(ConfigError, match="not a mapping"):
        VideoNodeRetriever(search, filters=theirs)
    with pytest.raises(TypeError, match="similarity_top_k"):
        VideoNodeRetriever(search, similarity_top_k=3)  # type: ignore[call-arg]  # the name is wrong


@pytest.mark.parametrize("key", ["user_metadata.category", "metadata.user_metadata.category"])
def test_every_hit_of_their_store_has_text_and_place(world: FrameworksWorld, search: VideoSearch, key: str) -> None:
    """With its own filters, by a payload key or one of `metadata`."""
    client = QdrantClient(url=world.server.url, check_compatibility=False)
    index = video_index(COLLECTION, "visual", search, client=client)
    sports = MetadataFilters.from_dicts([{"key": key, "value": "sports"}])

    found = index.as_retriever(similarity_top_k=EVERYTHING, filters=sports).retrieve(QUERY)

    client.close()
    wanted = world.of_sports("visual")
    check_has_silence(wanted)
    assert {it.node_id for it in found} == wanted.keys()
    for it in found:
        check_text_and_metadata(wanted[it.node_id], it.text, it.metadata)


@pytest.mark.parametrize("recipe", ["llamaindex_retriever.py", "llamaindex_store.py"])
def test_the_recipes(
    world: FrameworksWorld, recipe: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = world.run(recipe, monkeypatch)
    if "index" in left:
        left["index"].vector_store.client.close()
        left["index"]._embed_model._search.close()
    else:
        left["retriever"]._retrieval.search.close()

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert [line for line in lines if not is_place(line, world.of_sports())] == []


def _places(nodes: list[NodeWithScore]) -> list[tuple[str, float, float, float | None]]:
    return [(it.node_id, it.metadata["start_offset_sec"], it.metadata["end_offset_sec"], it.score) for it in nodes]
