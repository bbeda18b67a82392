"""Haystack with real points: the retriever component, alone and in pipelines that are saved and loaded."""

import asyncio
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from haystack import Pipeline
from haystack.utils import Secret

from connector.search import ConfigError, VideoSearch
from connector.search.frameworks.haystack_search import VideoDocumentRetriever
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

KEY = "CONNECTOR_TEST_KEY_OF_TWELVELABS"


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrameworksWorld]:
    with frameworks_world(qdrant_binary, tmp_path_factory) as running:
        yield running


@pytest.fixture
def arguments(world: FrameworksWorld, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv(KEY, world.arguments["twelvelabs_api_key"])
    return world.arguments | {"twelvelabs_api_key": Secret.from_env_var(KEY)}


def test_every_hit_of_the_retriever_has_text_and_place(world: FrameworksWorld, arguments: dict[str, Any]) -> None:
    retriever = VideoDocumentRetriever(**arguments, limit=EVERYTHING, filters=SPORTS)

    found = retriever.run(QUERY)["documents"]

    retriever.close()
    wanted = world.of_sports()
    check_has_silence(wanted)
    assert {it.id for it in found} == wanted.keys()
    for it in found:
        check_text_and_metadata(wanted[it.id], it.content or "", it.meta)
        assert it.score == it.meta["score"]
        json.dumps(it.to_dict())


def test_the_options_are_those_of_the_search(world: FrameworksWorld, arguments: dict[str, Any]) -> None:
    options: dict[str, Any] = {"options": ["visual", "audio"], "time_range": (5, 20), "merge_gap_sec": 2, "limit": 5}
    with VideoSearch(**world.arguments) as search:
        (expected,) = search.query(QUERY, across_models=True, **options)
        (other,) = search.query(QUERY, across_models=True, **options | {"limit": 2, "filters": SPORTS})
    retriever = VideoDocumentRetriever(**arguments, **options)

    found = retriever.run(QUERY)["documents"]
    per_run = retriever.run(QUERY, filters=SPORTS, limit=2)["documents"]
    in_thread = asyncio.run(retriever.run_async(QUERY))["documents"]

    retriever.close()
    assert [(it.id, it.meta["end_offset_sec"], it.score) for it in found] == [
        (it.point_id, it.end_sec, it.score) for it in expected
    ]
    assert [it.id for it in per_run] == [it.point_id for it in other]
    assert found == in_thread


def test_a_pipeline_is_saved_without_keys_and_finds_the_same_when_loaded(
    world: FrameworksWorld, arguments: dict[str, Any]
) -> None:
    retriever = VideoDocumentRetriever(
        **arguments, collections=(COLLECTION,), limit=3, time_range=(0, 60), filters={"category": ["sports", "news"]}
    )
    pipeline = Pipeline()
    pipeline.add_component("videos", retriever)

    saved = pipeline.dumps()
    loaded = Pipeline.loads(saved, allowed_modules=[VideoDocumentRetriever.__module__])

    assert world.arguments["twelvelabs_api_key"] not in saved
    assert KEY in saved
    assert loaded.dumps() == saved
    first = pipeline.run({"videos": {"query": QUERY}})["videos"]["documents"]
    second = asyncio.run(loaded.run_async({"videos": {"query": QUERY}}))["videos"]["documents"]
    assert len(first) == 3
    assert first == second
    for it in (pipeline, loaded):
        it.close()


@pytest.mark.parametrize(
    "filters",
    [
        {"after": date(2026, 1, 1), "before": datetime.fromisoformat("2030-01-01T00:00:00")},
        {"created_at": {"gte": datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))}},
        {("category",): "sports", "season": 2026},
        {("user_metadata", "category"): ("sports", "news")},
        {"category": frozenset({"sports", "news"})},
        {"season": {"gte": np.int64(2025), "lt": np.float64(2026.5)}},
        {"licensed": True},
    ],
)
def test_filters_mean_the_same_when_they_are_loaded(arguments: dict[str, Any], filters: dict[Any, Any]) -> None:
    options: dict[str, Any] = {
        "limit": EVERYTHING,
        "time_range": (np.float32(0), 30),
        "weights": {"visual": np.float64(2)},
    }
    retriever = VideoDocumentRetriever(**arguments, **options, filters=filters)
    pipeline = Pipeline()
    pipeline.add_component("videos", retriever)

    loaded = Pipeline.loads(pipeline.dumps(), allowed_modules=[VideoDocumentRetriever.__module__])
    from_json = VideoDocumentRetriever.from_dict(json.loads(json.dumps(retriever.to_dict())))

    assert loaded.dumps() == pipeline.dumps()
    first = retriever.run(QUERY)["documents"]
    assert first
    assert loaded.run({"videos": {"query": QUERY}})["videos"]["documents"] == first
    assert from_json.run(QUERY)["documents"] == first
    for it in (pipeline, loaded, from_json):
        it.close()


def test_a_key_that_was_given_as_such_is_not_saved(arguments: dict[str, Any]) -> None:
    retriever = VideoDocumentRetriever(**arguments | {"twelvelabs_api_key": Secret.from_token("a-token-of-mine")})

    with pytest.raises(ValueError, match="serialize"):
        retriever.to_dict()
    assert "a-token-of-mine" not in repr(retriever)


def test_a_filter_by_a_key_named_type_imports_nothing(arguments: dict[str, Any]) -> None:
    retriever = VideoDocumentRetriever(**arguments, filters={"type": "not.a.module.to_import"})

    loaded = VideoDocumentRetriever.from_dict(retriever.to_dict())

    assert loaded.to_dict() == retriever.to_dict()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"limit": 0}, "limit"),
        ({"filters": {"field": "meta.category", "operator": "==", "value": "sports"}}, "these are Haystack's"),
        ({"filters": {"operator": "AND", "conditions": []}}, 'Use {"category": "sports"}'),
        ({"time_range": [9, 3]}, "time_range"),
    ],
)
def test_mistakes_are_errors_of_the_search(arguments: dict[str, Any], options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        VideoDocumentRetriever(**arguments, **options)

    assert says in str(raised.value)


def test_a_missing_key_is_an_error_of_the_search(world: FrameworksWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWELVELABS_API_KEY", raising=False)
    retriever = VideoDocumentRetriever(world.server.url, qdrant_grpc_port=world.server.grpc_port)

    with pytest.raises(ConfigError, match="TWELVELABS_API_KEY"):
        retriever.run(QUERY)
    retriever.close()


def test_the_recipe(
    world: FrameworksWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = world.run("haystack_retriever.py", monkeypatch)
    left["pipeline"].close()

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert [line for line in lines if not is_place(line, world.of_sports())] == []
