"""Collections of unknown models, and collections that do not fit."""

from dataclasses import replace

import pytest

from connector.domain.sink_model import CollectionInfo
from tests.comparing import differences
from tests.engine.cycle_cases import NEW
from tests.engine.world import INDEX, World


@pytest.fixture
async def unknown() -> World:
    """An index of an unknown model, whose first asset has no audio."""
    world = World()
    world.source.remove_index(INDEX)
    world.source.add_index(INDEX, "marengo4.0")
    world.source.add(INDEX, "a")
    world.source.deform(INDEX, "a", only=["visual"])
    return world


async def test_the_collection_of_an_unknown_model_has_all_that_was_asked_for(unknown: World) -> None:
    """Independent of the options of the first asset."""
    assert (await unknown.cycle()).clean
    unknown.source.add(INDEX, "b")

    report = await unknown.cycle()

    assert (report.upserted, report.clean) == (1, True)
    assert set(unknown.sink.stored["twelvelabs-marengo4.0"].info.vectors) == {"visual", "audio"}


async def test_the_settings_do_not_narrow_the_collection_of_an_unknown_model(unknown: World) -> None:
    """Settings are easier to change than a collection."""
    unknown.settings = replace(unknown.settings, embedding_options=("visual",))
    assert (await unknown.cycle()).clean
    unknown.settings = replace(unknown.settings, embedding_options=None)
    unknown.source.add(INDEX, "b")

    report = await unknown.engine().cycle(unknown.settings)

    assert differences(report, error=None, failed=0, upserted=1) == {}
    assert set(unknown.sink.stored["twelvelabs-marengo4.0"].info.vectors) == {"visual", "audio"}


async def test_a_vector_that_an_unknown_models_collection_lacks_is_said_once_for_the_index(unknown: World) -> None:
    """The index gained an option: no asset is at fault, and the message lists the solutions."""
    assert (await unknown.cycle()).clean
    unknown.source.extend(INDEX, "smell")
    retrieved = unknown.source.retrievals.total()

    report = await unknown.cycle()

    assert report.error
    assert report.error["code"] == "sink_mismatch"
    assert differences(report, failed=0, problems=()) == {}
    assert "it has no vector named smell" in report.error["message"]
    assert "CONNECTOR_EMBEDDING_OPTIONS" in report.error["message"]
    assert "CONNECTOR_COLLECTION" in report.error["message"]
    assert unknown.source.retrievals.total() == retrieved
    unknown.settings = replace(unknown.settings, embedding_options=("visual", "audio"))
    assert (await unknown.cycle()).error is None


async def test_an_asset_of_another_dimension_than_its_unknown_model_fails_alone(unknown: World) -> None:
    await unknown.cycle()
    unknown.source.add(INDEX, "odd")
    unknown.source.deform(INDEX, "odd", dimension=12)
    unknown.source.add(INDEX, "b")

    first, second = await unknown.cycle(), await unknown.cycle()

    assert differences(first, failed=1, upserted=1, error=None) == {}
    assert (second.failed, second.error) == (1, None)
    assert "dimension" in first.problems[0].reason


async def test_an_unfit_collection_is_refused_before_anything_is_retrieved(world: World) -> None:
    foreign = CollectionInfo(
        NEW, 0, {"visual": (768, "Cosine")}, model="marengo9.9", instance_id="x", layout_version="1.0"
    )
    world.sink.put_collection(foreign)
    retrievals = world.source.retrievals.total()

    report = await world.cycle()

    assert report.error
    assert report.error["code"] == "sink_mismatch"
    assert "marengo9.9" in report.error["message"]
    assert world.source.retrievals.total() == retrievals
