"""The Sink contract for `transcript-bm25`: written with the points, and required only where it is wanted."""

import pytest

from connector.domain.bm25 import IDF, TRANSCRIPT_BM25, SparseVector, transcript_vector
from connector.domain.errors import SinkMismatch
from tests.contract.asset_points import DIMENSION, OPTIONS, asset_points, spec
from tests.contract.sinks import Bench

FITTING = dict.fromkeys(OPTIONS, DIMENSION)
WORDS = ("Nakamura has the invoice", "", "number 48213, the number")


async def sparse_vectors(bench: Bench, collection: str) -> list[SparseVector | None]:
    """Of the asset, by time."""
    found = await bench.sink.points(collection, "index-1", "asset-1")
    return [it.sparse for it in sorted(found.values(), key=lambda it: float(it.payload["start_offset_sec"]))]


async def test_a_new_collection_gets_the_sparse_vector_only_if_it_is_wanted(bench: Bench, collection: str) -> None:
    wanted = await bench.sink.ensure(spec(f"{collection}-1", sparse_transcript=True), {})
    plain = await bench.sink.ensure(spec(f"{collection}-2"), {})

    assert (wanted.sparse, plain.sparse) == ({TRANSCRIPT_BM25: IDF}, {})
    assert wanted.vectors == plain.vectors == dict.fromkeys(OPTIONS, (DIMENSION, "Cosine"))


@pytest.mark.parametrize("first", [True, False])
async def test_points_have_the_vector_of_their_words(bench: Bench, collection: str, first: bool) -> None:
    """Where nothing is said there is none; the options of the payload are embeddings only."""
    await bench.sink.ensure(spec(collection, sparse_transcript=True), {})

    await bench.sink.replace(asset_points(words=WORDS, sparse_transcript=True), collection, (), first=first)

    assert await sparse_vectors(bench, collection) == [transcript_vector(text) for text in WORDS]
    for point in (await bench.sink.points(collection, "index-1", "asset-1")).values():
        assert set(point.vectors) == set(point.payload["embedding_options"]) == set(OPTIONS)


async def test_switching_it_on_and_off_replaces_the_points(bench: Bench, collection: str) -> None:
    """The revision tells them apart, although transcripts and embeddings are the same."""
    await bench.sink.ensure(spec(collection, sparse_transcript=True), {})
    off, on = asset_points(words=WORDS), asset_points(words=WORDS, sparse_transcript=True)
    assert off.revision != on.revision
    assert off.metadata_revision == on.metadata_revision

    await bench.sink.replace(off, collection, ())
    assert await sparse_vectors(bench, collection) == [None, None, None]
    await bench.sink.replace(on, collection, ())
    assert await sparse_vectors(bench, collection) == [transcript_vector(text) for text in WORDS]
    await bench.sink.replace(off, collection, ())
    assert await sparse_vectors(bench, collection) == [None, None, None]


async def test_many_points_with_many_words(bench: Bench, collection: str) -> None:
    """More than one request over every transport."""
    await bench.sink.ensure(spec(collection, sparse_transcript=True), {})
    texts = [" ".join(f"word{number}" for number in range(row, row + 400)) for row in range(600)]

    await bench.sink.replace(asset_points(segments=600, words=texts, sparse_transcript=True), collection, ())

    found = await sparse_vectors(bench, collection)
    assert [it and it.indices for it in found] == [it and it.indices for it in map(transcript_vector, texts)]


async def test_a_collection_without_it_is_refused_where_it_is_wanted(bench: Bench, collection: str) -> None:
    """And stays as it was: Qdrant cannot add a sparse vector."""
    await bench.sink.ensure(spec(collection), {})
    await bench.sink.replace(asset_points(), collection, ())
    before = await bench.sink.inspect(collection)

    with pytest.raises(SinkMismatch, match="no sparse vector named transcript-bm25") as refused:
        await bench.sink.ensure(spec(collection, sparse_transcript=True), {})

    assert refused.value.advice
    assert "`connector reindex`" in refused.value.advice
    assert await bench.sink.inspect(collection) == before
    assert await bench.sink.count(collection, "index-1") == 3
    assert before
    fit = bench.sink.fit(before, spec(collection, sparse_transcript=True), {})
    assert fit.differences == ("it has no sparse vector named transcript-bm25 (CONNECTOR_SPARSE_TRANSCRIPT=true)",)
    assert fit.advice == refused.value.advice


async def test_a_collection_with_it_also_serves_without_it(bench: Bench, collection: str) -> None:
    await bench.sink.ensure(spec(collection, sparse_transcript=True), {})

    info = await bench.sink.ensure(spec(collection), {})

    assert bench.sink.fit(info, spec(collection), {}).differences == ()
    await bench.sink.replace(asset_points(words=WORDS), collection, ())
    assert await sparse_vectors(bench, collection) == [None, None, None]


async def test_a_collection_of_the_user_needs_the_modifier(bench: Bench, collection: str) -> None:
    await bench.make(f"{collection}-1", FITTING, "Cosine", sparse={TRANSCRIPT_BM25: "none", "theirs": "none"})
    await bench.make(f"{collection}-2", FITTING, "Cosine", sparse={TRANSCRIPT_BM25: IDF, "theirs": "none"})

    with pytest.raises(SinkMismatch, match="sparse vector transcript-bm25 has modifier none, not idf"):
        await bench.sink.ensure(spec(f"{collection}-1", sparse_transcript=True), {})

    adopted = await bench.sink.ensure(spec(f"{collection}-2", sparse_transcript=True), {})
    assert adopted.instance_id
    assert adopted.sparse == {TRANSCRIPT_BM25: IDF, "theirs": "none"}


async def test_other_differences_are_named_too(bench: Bench, collection: str) -> None:
    await bench.make(collection, {**FITTING, "audio": 4}, "Cosine")

    with pytest.raises(SinkMismatch, match="audio has dimension 4, not 8; it has no sparse vector"):
        await bench.sink.ensure(spec(collection, sparse_transcript=True), {})
