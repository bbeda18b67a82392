"""Which moves of an alias are possible, on embedded storage: each refusal names the cause and the cure."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import ConfigError
from connector.domain.reindex_job import JobState
from connector.domain.sink_model import Owner
from connector.reindex.moves import current_job
from tests.contract.asset_points import asset_points
from tests.contract.reindex_place import INTO, NEW, OLD, Place, reindex_place, spec


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with reindex_place(tmp_path) as it:
        yield it


async def test_a_new_move(place: Place) -> None:
    move = await place.move({**INTO, "CONNECTOR_TRANSCRIPT": "false"}, connector_transcript=True)

    assert (move.alias_at, move.source.name, move.to_collection, move.found, move.job) == (OLD, OLD, NEW, None, None)
    assert (move.target.connector_transcript, move.target.connector_collection) == (False, "v2-{model}")
    assert move.before == {"CONNECTOR_COLLECTION": "v1-{model}", "CONNECTOR_TRANSCRIPT": "true"}
    assert [index.index_id for index in move.indexes] == ["index-1"]
    assert not move.is_moved


async def test_a_move_that_has_begun_needs_no_changes(place: Place) -> None:
    place.begin()
    await place.sink.ensure(spec(NEW), {})

    for changes in ({}, INTO):
        move = await place.move(changes)
        assert move.job
        assert move.found
        assert (move.to_collection, move.is_moved) == (NEW, False)
    await place.sink.aliases.move("videos", NEW)
    assert (await place.move({})).is_moved
    assert current_job(place.settings(), "videos").to_collection == NEW


async def test_the_next_move_begins_where_the_last_one_ended(place: Place) -> None:
    place.begin(state=JobState.SWITCHED)
    await place.sink.ensure(spec(NEW), {})
    await place.sink.set_owner(NEW, "index-1", Owner("other ledger", "label", {}))
    await place.sink.aliases.move("videos", NEW)

    move = await place.move({"CONNECTOR_COLLECTION": "v3-{model}"}, connector_collection="v2-{model}")

    assert (move.source.name, move.to_collection, move.job) == (NEW, "v3-marengo3.0", None)


async def test_an_alias_that_does_not_exist_yet_is_created_on_request(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"no such alias.*--create-alias.*Aliases in Qdrant: videos"):
        await place.move(alias="films")
    with pytest.raises(ConfigError, match=r"no such alias in Qdrant; did you mean videos\. "):
        await place.move(alias="vidoes")
    with pytest.raises(ConfigError, match=r"no new collection is named; did you mean videos\. "):
        await place.move({}, alias="vidoes")

    move = await place.move(alias="films", create_alias=True)
    assert (move.alias_at, move.source.name) == (None, OLD)
    with pytest.raises(ConfigError, match=r"several collections: v1-marengo2\.7, v1-marengo3\.0"):
        await place.move(
            {**INTO, "CONNECTOR_INDEXES": "index-1"},
            alias="films",
            create_alias=True,
            connector_indexes="index-1,index-2",
        )


async def test_an_empty_collection_of_the_user_may_be_the_target(place: Place) -> None:
    await place.sink._session.call(
        "make", "", lambda on: on.client.create_collection(collection_name=NEW, vectors_config={})
    )

    move = await place.move()

    assert move.found
    assert move.found.instance_id is None


@pytest.mark.parametrize(
    ("changes", "settings", "reason"),
    [
        ({}, {}, r"no new collection is named.*--into NAME"),
        ({"CONNECTOR_TRANSCRIPT": "false"}, {}, "no new collection is named"),
        ({"CONNECTOR_COLLECTION": "v1-{model}"}, {}, "CONNECTOR_COLLECTION is v1-{model} already"),
        ({**INTO, "CONNECTOR_INDEXES": "index-1,index-2"}, {}, "write several collections .v2-marengo2.7, v2-marengo3"),
        ({**INTO, "CONNECTOR_INDEXES": "index-3"}, {}, "no Marengo model"),
        ({**INTO, "CONNECTOR_EMBEDDING_OPTIONS": "smell"}, {}, "none of the wanted embedding options"),
        (INTO, {"overrides": [{"id": "index-1", "collection": "own-{model}"}]}, "has a collection of its own"),
        (INTO, {"connector_collection": "v0-{model}"}, r"points to v1-marengo3.0, which the present settings do not"),
    ],
)
async def test_a_mistake_is_named(place: Place, changes: dict[str, str], settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason.replace("{", r"\{")):
        await place.move(changes, **settings)


async def test_names_that_are_taken(place: Place) -> None:
    with pytest.raises(ConfigError, match="a collection has this name"):
        await place.move(alias=OLD)
    await place.sink.aliases.create(NEW, OLD)
    with pytest.raises(ConfigError, match=r"v2-marengo3\.0 is an alias of v1-marengo3\.0"):
        await place.move()
    await place.sink.aliases.create("films-marengo3.0", OLD)
    with pytest.raises(ConfigError, match=r"the connector writes through it.*Set CONNECTOR_COLLECTION to v1"):
        await place.move(
            {"CONNECTOR_COLLECTION": "v5-{model}"}, alias="films-marengo3.0", connector_collection="films-{model}"
        )
    place.begin(alias="clips")
    with pytest.raises(ConfigError, match="belongs to the reindex of alias clips"):
        await place.move()


async def test_a_collection_in_use_is_never_the_target(place: Place) -> None:
    await place.sink.ensure(spec(NEW), {})
    with pytest.raises(ConfigError, match="not empty"):
        await place.move()
    await place.sink.set_owner(NEW, "index-9", Owner("other ledger", "label", {}))
    with pytest.raises(ConfigError, match="is in use"):
        await place.move()


async def test_a_collection_without_an_owner_is_not_moved_from(place: Place) -> None:
    """Its points would be taken for left-overs and deleted from there."""
    await place.sink.set_owner(OLD, "index-1", None)
    assert (await place.move()).job is None, "there is no point of the index"
    await place.sink.replace(asset_points(dimension=512), OLD, ())

    with pytest.raises(ConfigError, match=r"does not say who owns index index-1.*Run `connector sync`"):
        await place.move()


async def test_an_alias_that_somebody_moved_is_left_alone(place: Place) -> None:
    place.begin()
    await place.sink.ensure(spec("third"), {})
    await place.sink.aliases.move("videos", "third")

    with pytest.raises(ConfigError, match=r"points to third.*somebody moved"):
        await place.move({})
    with pytest.raises(ConfigError, match=r"no reindex of this alias.*Aliases with a reindex: videos"):
        current_job(place.settings(), "films")
