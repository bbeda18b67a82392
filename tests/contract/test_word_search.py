"""Hybrid search: on a Qdrant server over gRPC and REST, and embedded."""

from collections.abc import Iterable

import numpy as np
import pytest
from qdrant_client import models

from connector.domain.bm25 import TRANSCRIPT_BM25, query_words
from connector.domain.search_scope import PointScope
from connector.domain.sink_model import FoundPoint
from connector.qdrant.word_search import MOST_WORDS, WantedWords
from connector.search.payload_filters import conditions_of
from tests.contract.asset_points import DIMENSION, OPTIONS, OTHER_INDEX, asset_points, spec
from tests.contract.sinks import QdrantBench

QUERY = dict.fromkeys(OPTIONS, np.ones(DIMENSION, np.float32))
SAID = (
    "Nakamura has the invoice with the number 48213",
    "Okafor has the invoice with the number 90017",
    "",
    "the goal and the whistle",
    "the lawyer repairs the ship",
    "the crowd sings the whole song of the club",
)


@pytest.fixture
async def bench(real_bench: QdrantBench, collection: str) -> QdrantBench:
    sink = real_bench.sink
    await sink.ensure(spec(collection, sparse_transcript=True), {})
    await sink.replace(asset_points("said", len(SAID), words=SAID, sparse_transcript=True), collection, ())
    other = asset_points("other", 1, index=OTHER_INDEX, words=["Nakamura sings"], sparse_transcript=True)
    await sink.replace(other, collection, ())
    return real_bench


def wanted(text: str, least_share: float = 0.0) -> WantedWords:
    return WantedWords(query_words(text), 7, least_share)


async def by_words(
    bench: QdrantBench, collection: str, text: str, scope: PointScope | None = None, **given: float
) -> dict[str, float]:
    """Transcript -> share of the query, best first."""
    scope = scope or PointScope()
    found = await bench.sink.moments.find(collection, {}, scope, 10, words=wanted(text, **given))
    assert all(it.similarities.keys() == {TRANSCRIPT_BM25} for it in found)
    return {it.payload["transcript"]: it.similarities[TRANSCRIPT_BM25] for it in found}


async def test_an_exact_number_is_found_by_words_alone(bench: QdrantBench, collection: str) -> None:
    found = await by_words(bench, collection, "Nakamura, 48213")

    assert list(found) == [SAID[0], "Nakamura sings"]
    assert found[SAID[0]] == pytest.approx(1.0)
    assert 0.3 < found["Nakamura sings"] < 0.5, "the name is in two segments, the number in one"


async def test_common_words_are_a_small_share(bench: QdrantBench, collection: str) -> None:
    """`the` is in five of six; words that nobody says count as the rarest."""
    found = await by_words(bench, collection, "the octopus climbs")

    assert set(found) == {SAID[0], SAID[1], SAID[3], SAID[4], SAID[5]}
    assert all(share < 0.15 for share in found.values())
    assert await by_words(bench, collection, "the octopus climbs", least_share=0.5) == {}


async def test_one_word_is_the_whole_query(bench: QdrantBench, collection: str) -> None:
    assert await by_words(bench, collection, "invoice!") == {SAID[0]: 1.0, SAID[1]: 1.0}
    assert await by_words(bench, collection, "octopus") == {}
    assert await by_words(bench, collection, "?!") == {}


async def test_words_are_searched_within_the_scope(bench: QdrantBench, collection: str) -> None:
    """Their rarity is that of the whole collection."""
    other = PointScope(("index-2",))
    everywhere = await by_words(bench, collection, "Nakamura 48213")

    assert await by_words(bench, collection, "Nakamura 48213", other) == {
        "Nakamura sings": pytest.approx(everywhere["Nakamura sings"])
    }
    nothing = PointScope(conditions=conditions_of({"filename": "another.mp4"}))
    assert await by_words(bench, collection, "Nakamura 48213", nothing) == {}


async def test_words_are_one_more_member_of_the_fusion(bench: QdrantBench, collection: str) -> None:
    """Each segment adds its share / (2 + rank), times the weight."""
    reader, scope = bench.sink.moments, PointScope()
    dense = await reader.find(collection, QUERY, scope, 10)
    hybrid = await reader.find(collection, QUERY, scope, 10, words=wanted("Nakamura 48213"))
    weights = {TRANSCRIPT_BM25: 3.0}
    weighted = await reader.find(collection, QUERY, scope, 10, weights=weights, words=wanted("Nakamura 48213"))

    def scores(points: Iterable[FoundPoint]) -> dict[str, float]:
        return {it.payload["transcript"]: it.score for it in points}

    share = (await by_words(bench, collection, "Nakamura 48213"))["Nakamura sings"]
    expected = scores(dense)
    expected[SAID[0]] += 1 / 2
    expected["Nakamura sings"] += share / 3
    assert scores(hybrid) == pytest.approx(expected)
    assert [it.score for it in hybrid] == pytest.approx(sorted(expected.values(), reverse=True))
    expected[SAID[0]] += 2 / 2
    expected["Nakamura sings"] += 2 * share / 3
    assert scores(weighted) == pytest.approx(expected)


async def test_a_query_without_words_that_are_said_is_dense(bench: QdrantBench, collection: str) -> None:
    reader, scope = bench.sink.moments, PointScope()
    dense = await reader.find(collection, QUERY, scope, 10)

    for text in ("octopus", "…"):
        found = await reader.find(collection, QUERY, scope, 10, words=wanted(text))
        assert {it.point_id: it.score for it in found} == pytest.approx({it.point_id: it.score for it in dense})


async def test_a_very_long_query(bench: QdrantBench, collection: str) -> None:
    """Words after the first MOST_WORDS do not count."""
    padding = " ".join(f"padding{number}" for number in range(MOST_WORDS))

    assert list(await by_words(bench, collection, f"48213 {padding}")) == [SAID[0]]
    assert await by_words(bench, collection, f"{padding} 48213") == {}


async def test_a_copy_by_another_program_is_not_found(bench: QdrantBench, collection: str) -> None:
    await bench.sink._session.once(
        "put",
        "",
        lambda on: on.client.upsert(
            collection_name=collection,
            points=[
                models.PointStruct(
                    id="99999999-2222-3333-4444-555555555555",
                    vector={TRANSCRIPT_BM25: models.SparseVector(indices=list(query_words("48213")), values=[2.0])},
                    payload={"indexed_asset_id": "said", "transcript": "48213"},
                )
            ],
            wait=True,
        ),
    )

    assert set(await by_words(bench, collection, "48213")) == {SAID[0]}


async def test_strict_mode_may_allow_one_query_at_a_time(remote: QdrantBench, collection: str) -> None:
    await remote.sink.ensure(spec(collection, sparse_transcript=True), {})
    await remote.sink.replace(asset_points("said", len(SAID), words=SAID, sparse_transcript=True), collection, ())
    strict = models.StrictModeConfig(enabled=True, search_max_batchsize=1, max_query_limit=10)
    await remote.sink._session.once(
        "restrict",
        "",
        lambda on: on.client.update_collection(collection_name=collection, strict_mode_config=strict),
    )

    assert list(await by_words(remote, collection, "Nakamura 48213")) == [SAID[0]]
