"""Which collections fit, as a table."""

from dataclasses import replace
from typing import Any

import pytest
from qdrant_client import models

from connector.domain.errors import ConfigError
from connector.domain.sink_model import LAYOUT_VERSION, CollectionInfo, CollectionSpec
from connector.qdrant.collection_layout import (
    STAMP,
    describe,
    metadata_key,
    misfit,
    payload_indexes,
    searchable,
    stamp,
    type_of,
)
from tests.comparing import differences

SPEC = CollectionSpec("c", "marengo3.0", 512, ("visual", "audio"))
OURS = CollectionInfo(
    "c",
    points=7,
    vectors={"visual": (512, "Cosine"), "audio": (512, "Cosine"), "theirs": (3, "Dot")},
    model="marengo3.0",
    layout_version="1.7",
    instance_id="i",
)
UNSTAMPED = replace(OURS, model=None, layout_version=None, instance_id=None)


@pytest.mark.parametrize(
    ("info", "differences"),
    [
        (OURS, []),
        (replace(UNSTAMPED, points=0), []),
        (UNSTAMPED, ["it holds 7 points that this connector did not write"]),
        (replace(OURS, model="marengo3.5"), ["it belongs to model marengo3.5, not marengo3.0"]),
        (replace(OURS, layout_version="2.0"), ["its layout version is 2.0, but this connector writes 1.1"]),
        (
            replace(OURS, vectors={"": (512, "Cosine")}),
            ["it has no vector named visual", "it has no vector named audio"],
        ),
        (
            replace(OURS, vectors={"visual": (1024, "Cosine"), "audio": (512, "Euclid")}),
            ["vector visual has dimension 1024, not 512", "vector audio has distance Euclid, not Cosine"],
        ),
    ],
)
def test_misfit_names_every_difference(info: CollectionInfo, differences: list[str]) -> None:
    assert misfit(SPEC, info) == differences


def found(vectors: Any, metadata: Any, points: int | None = 3) -> models.CollectionInfo:
    """As the client returns it, reduced to the fields that are read."""
    config = models.CollectionConfig.model_construct(params=models.CollectionParams(vectors=vectors), metadata=metadata)
    return models.CollectionInfo.model_construct(points_count=points, config=config, payload_schema={})


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"owner": "them"}, {STAMP: "text"}, {STAMP: {"model": 3}}, {STAMP: {"model": "marengo3.0"}}],
)
def test_metadata_that_is_no_stamp_of_ours_is_none(metadata: Any) -> None:
    """Users own this field, so it may contain anything."""
    info = describe("c", found(None, metadata))

    assert differences(info, model=None, layout_version=None, instance_id=None) == {}
    assert info.vectors == {}


def test_a_stamp_is_read_back() -> None:
    vectors = {"visual": models.VectorParams(size=512, distance=models.Distance.COSINE)}

    info = describe("c", found(vectors, {**stamp(SPEC, "i-1"), "owner": "them"}))

    assert differences(info, model="marengo3.0", instance_id="i-1", layout_version=LAYOUT_VERSION) == {}
    assert info.vectors == {"visual": (512, "Cosine")}


def test_a_collection_with_one_unnamed_vector_is_described() -> None:
    info = describe("c", found(models.VectorParams(size=4, distance=models.Distance.DOT), None, points=None))

    assert (info.vectors, info.points) == ({"": (4, "Dot")}, 0)


def test_only_our_own_vectors_of_the_querys_dimension_are_searched() -> None:
    cosine = models.Distance.COSINE
    vectors = {
        name: models.VectorParams(size=size, distance=cosine)
        for name, size in {"visual": 512, "audio": 512, "theirs": 512, "small": 3}.items()
    }

    assert searchable(found(vectors, stamp(SPEC, "i")), 512) == ("visual", "audio")
    assert searchable(found(vectors, stamp(SPEC, "i")), 3) == ()
    assert searchable(found(vectors, None), 3) == ("small",)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("category", "user_metadata.category"),
        ("batch_no-1", "user_metadata.batch_no-1"),
        ("two words", 'user_metadata."two words"'),
        ("a.b", 'user_metadata."a.b"'),
        ("größe", 'user_metadata."größe"'),
    ],
)
def test_metadata_keys_become_json_paths(key: str, path: str) -> None:
    assert metadata_key(key) == path


@pytest.mark.parametrize("key", ["", 'quo"te'])
def test_a_key_without_a_path_is_a_configuration_error(key: str) -> None:
    with pytest.raises(ConfigError, match="user_metadata key"):
        payload_indexes({key: "keyword"})


def test_metadata_indexes_are_typed() -> None:
    kinds = ("keyword", "integer", "float", "bool", "datetime", "text", "uuid")

    indexes = payload_indexes({f"key-{kind}": kind for kind in kinds})

    assert [type_of(indexes[f"user_metadata.key-{kind}"]) for kind in kinds] == list(kinds)
    assert type_of(indexes["index_id"]) == "keyword"
