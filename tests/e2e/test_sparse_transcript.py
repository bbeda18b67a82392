"""Sparse vectors of transcripts with the real command: written, searched, and refused where they do not fit."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from connector.domain.bm25 import TRANSCRIPT_BM25
from connector.search import ConfigError, Moment, VideoSearch
from connector.simulator import run_in_thread
from connector.simulator.golden import GoldenQuery, GoldenSet, golden_set
from tests.command import Command
from tests.e2e.recipes import lines, run, write_recipes
from tests.qdrant_server import server_for_tests

COLLECTION = "twelvelabs-marengo3.0"
ON = {"CONNECTOR_SPARSE_TRANSCRIPT": "true"}
PLAIN = {"CONNECTOR_COLLECTION": "plain-{model}", "CONNECTOR_DATA_DIR": "plain"}


@dataclass(frozen=True, slots=True)
class Place:
    """`settings` are those of the connector that has synced with sparse vectors into COLLECTION."""

    golden: GoldenSet
    connector: Command
    client: QdrantClient

    def search(self, **changes: Any) -> VideoSearch:
        settings = self.connector.settings
        given = {
            "qdrant_grpc_port": int(settings["QDRANT_GRPC_PORT"]),
            "twelvelabs_api_key": settings["TWELVELABS_API_KEY"],
            "twelvelabs_base_url": settings["TWELVELABS_BASE_URL"],
        }
        return VideoSearch(settings["QDRANT_URL"], **{**given, **changes})

    def queries(self, kind: str) -> list[GoldenQuery]:
        return [query for query in self.golden.queries if query.kind == kind]


@pytest.fixture(scope="module")
def place(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    golden = golden_set(11, videos=20)
    with (
        server_for_tests(qdrant_binary, tmp_path_factory.mktemp("qdrant"), {}) as server,
        run_in_thread(golden.scenario) as simulator,
    ):
        server.start()
        settings = {
            "TWELVELABS_API_KEY": "test-key",
            "TWELVELABS_BASE_URL": simulator.base_url,
            "QDRANT_URL": server.url,
            "QDRANT_GRPC_PORT": str(server.grpc_port),
            "QDRANT_API_KEY": "",
            "CONNECTOR_INDEXES": "*",
            **ON,
        }
        connector = Command(write_recipes(tmp_path_factory.mktemp("recipes"), simulator.base_url), settings)
        synced = connector.run("sync", "--json")
        assert synced.code == 0, synced.stderr
        client = QdrantClient(url=server.url, check_compatibility=False)
        yield Place(golden, connector, client)
        client.close()


def answers(query: GoldenQuery) -> set[tuple[str, float]]:
    return {(it.indexed_asset_id, it.start_sec) for it in query.judgements if it.grade == 2}


def found(moments: list[Moment]) -> set[tuple[str, float]]:
    return {(it.indexed_asset_id, it.start_sec) for it in moments}


def test_every_point_on_which_something_is_said_has_a_sparse_vector(place: Place) -> None:
    points, _ = place.client.scroll(COLLECTION, limit=1000, with_vectors=True)

    assert len(points) == place.golden.segments
    assert {bool(it.payload and it.payload["transcript"]) for it in points} == {True, False}
    for point in points:
        assert point.payload
        assert isinstance(point.vector, dict)
        assert (TRANSCRIPT_BM25 in point.vector) == bool(point.payload["transcript"])
        assert set(point.vector) - {TRANSCRIPT_BM25} == set(point.payload["embedding_options"])


def test_nothing_is_left_to_do_and_a_deep_verify_finds_nothing(place: Place) -> None:
    again = place.connector.run("sync", "--json").index(place.golden.index_id)
    verified = place.connector.run("verify", "--deep", "--json")

    assert (again["unchanged"], again["upserted"]) == (20, 0)
    assert verified.code == 0, verified.stdout


def test_a_deep_verify_finds_sparse_vectors_that_are_lost_and_repairs_them(place: Place) -> None:
    spoken = models.Filter(must_not=[models.FieldCondition(key="transcript", match=models.MatchValue(value=""))])
    place.client.delete_vectors(COLLECTION, vectors=[TRANSCRIPT_BM25], points=spoken, wait=True)

    found = place.connector.run("verify", "--deep", "--json").index(place.golden.index_id)
    repaired = place.connector.run("verify", "--deep", "--repair", "--json")

    assert {it["kind"] for it in found["findings"]} == {"altered_vectors"}
    assert repaired.code == 0, repaired.stdout
    having = models.Filter(must=[models.HasVectorCondition(has_vector=TRANSCRIPT_BM25)])
    said = place.client.count(COLLECTION, count_filter=spoken).count
    assert place.client.count(COLLECTION, count_filter=having).count == said > 0


def test_exact_names_and_numbers_are_found(place: Place) -> None:
    """By the command too, which lists near moments only."""
    with place.search() as search:
        for query in place.queries("exact")[::5]:
            ((*moments,),) = search.query(query.text, limit=5)
            assert answers(query) <= found(moments), query.text
            assert max(it.scores.get(TRANSCRIPT_BM25, 0.0) for it in moments) == pytest.approx(1.0)
    query = place.queries("exact")[0]
    ended = place.connector.run("search", query.text, "--json")
    (model,) = ended.json["models"]
    assert (model["near"], ended.code) == (True, 0)
    assert (model["hits"][0]["indexed_asset_id"], model["hits"][0]["start_offset_sec"]) in answers(query)
    assert model["hits"][0]["similarities"][TRANSCRIPT_BM25] == pytest.approx(1.0)
    assert "rare ones count more" in place.connector.run("search", query.text, "--option", TRANSCRIPT_BM25).stdout


def test_what_nobody_says_is_found_as_without_words(place: Place) -> None:
    with place.search() as search:
        (seen,), (nothing,) = (
            search.query(place.queries(kind)[0].text, limit=5, near_only=True) for kind in ("seen", "negative")
        )

    assert answers(place.queries("seen")[0]) <= found(list(seen))
    assert (nothing.near, len(nothing)) == (False, 1)
    assert TRANSCRIPT_BM25 not in nothing[0].scores


def test_words_alone_need_no_key(place: Place) -> None:
    query = place.queries("exact")[0]
    with place.search(twelvelabs_api_key=None) as search:
        ((*moments,),) = search.query(query.text, options=[TRANSCRIPT_BM25], limit=5)
        (near,), (far,), (absent,), (silent,) = (
            search.query(text, options=[TRANSCRIPT_BM25], near_only=True)
            for text in (
                query.text,
                f"the {place.queries('negative')[0].text}",
                place.queries("negative")[0].text,
                "?!",
            )
        )

    assert answers(query) <= found(moments)
    assert (near.near, answers(query) <= found(list(near))) == (True, True)
    assert all(it.scores[TRANSCRIPT_BM25] >= 0.5 for it in near)
    assert [(it.near, len(it)) for it in (far, absent, silent)] == [(False, 1), (False, 0), (False, 0)]
    assert [it.scores.keys() for it in moments] == [{TRANSCRIPT_BM25}] * len(moments)


def test_a_weight_of_zero_leaves_words_out(place: Place) -> None:
    text = place.queries("exact")[0].text
    with place.search() as search:
        ((*without,),) = search.query(text, weights={TRANSCRIPT_BM25: 0})
        ((*plain,),) = search.query(text, options=["visual", "audio", "transcription"], weights={"visual": 1})

    assert [(it.point_id, it.score) for it in without] == [(it.point_id, it.score) for it in plain]


def test_only_a_text_is_searched_by_words(place: Place) -> None:
    vector = np.ones(512)
    with place.search() as search:
        ((best, *_),) = search.query_vector(vector)
        assert TRANSCRIPT_BM25 not in best.scores
        ((like, *_),) = search.similar(best.index_id, best.indexed_asset_id, best.start_sec)
        assert TRANSCRIPT_BM25 not in like.scores
        with pytest.raises(ConfigError, match="only a text can be searched by its words"):
            search.query_vector(vector, options=[TRANSCRIPT_BM25])


def test_the_recipes_find_what_is_said(place: Place) -> None:
    directory = place.connector.directory
    query = next(it for it in place.queries("exact") if it.text.split()[-1].isdigit())
    for recipe in ("hybrid.py", "word_query.py", "words_and_meaning.py"):
        content = (directory / recipe).read_text(encoding="utf-8")
        (directory / recipe).write_text(content.replace("Nakamura invoice 48213", query.text), encoding="utf-8")

    spoken = " ".join(lines(run(place.connector, "hybrid.py")))
    by_curl = run(place.connector, "exact.sh").json["result"]["points"]

    *by_library, exact = lines(run(place.connector, "words_and_meaning.py"))

    assert query.text.split()[-1] in spoken
    assert query.text.split()[-1] in by_library[0]
    assert (len(by_library), int(exact) > 0) == (3, True)
    assert (by_curl[0]["payload"]["indexed_asset_id"], by_curl[0]["payload"]["start_offset_sec"]) in answers(query)


def test_switching_it_on_over_an_existing_collection_is_refused_and_nothing_is_lost(place: Place) -> None:
    off = PLAIN | {"CONNECTOR_SPARSE_TRANSCRIPT": "false"}
    assert place.connector.run("sync", **off).code == 0
    before = place.client.scroll("plain-marengo3.0", limit=1000, with_vectors=True)[0]

    refused = place.connector.run("sync", "--json", **PLAIN)
    checked = place.connector.run("check", "--json", **PLAIN)

    error = refused.index(place.golden.index_id)["error"]
    assert refused.code != 0
    assert "it has no sparse vector named transcript-bm25" in error["message"]
    assert "connector reindex" in error["message"]
    assert "CONNECTOR_SPARSE_TRANSCRIPT=false keeps this one" in error["message"]
    (finding,) = [it for it in checked.json["checks"] if it["name"] == "collection plain-marengo3.0"]
    assert finding["status"] == "wrong"
    assert "it has no sparse vector named transcript-bm25" in finding["message"]
    assert "connector reindex" in finding["message"]
    after = place.client.scroll("plain-marengo3.0", limit=1000, with_vectors=True)[0]
    assert after == before != []
    again = place.connector.run("sync", "--json", **off).index(place.golden.index_id)
    assert (again["unchanged"], again["upserted"]) == (20, 0)
    with place.search(collections=["plain-marengo3.0"]) as search:
        assert TRANSCRIPT_BM25 not in search.query("Nakamura 48213")[0][0].scores
        with pytest.raises(ConfigError, match=r"no collection has it.*CONNECTOR_SPARSE_TRANSCRIPT=true"):
            search.query("Nakamura 48213", options=[TRANSCRIPT_BM25])
