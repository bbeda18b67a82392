"""The contract of `Source.retrieve`: every implementation, the fake too, passes it."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from connector.domain.source_model import RetrievedAsset
from tests.contract.source_worlds import WORLDS, World, world_of

OPTIONS = {"marengo3.0": {"visual", "audio", "transcription"}, "marengo2.7": {"visual-text", "audio"}}
DIMENSION = {"marengo3.0": 512, "marengo2.7": 1024}


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with world_of(request.param) as world:
        yield world


def options_of(found: RetrievedAsset | None) -> set[str]:
    assert found is not None
    assert found.columns is not None
    return {column.option for column in found.columns}


@pytest.mark.parametrize("model", ["marengo3.0", "marengo2.7"])
async def test_an_asset_is_retrieved_with_all_options_of_its_model(model: str, world: World) -> None:
    """Columns are parallel arrays: float64 offsets, float32 vectors of the model's dimension."""
    index_id = world.add_index(model)
    asset_id = world.add(index_id, segments=3)

    found = await world.source.retrieve(await world.source.index(index_id), asset_id, None, transcript=True)

    assert found is not None
    assert found.model == model
    assert options_of(found) == OPTIONS[model]
    for column in found.columns or ():
        assert column.scope == "clip"
        assert column.vectors.shape == (3, DIMENSION[model])
        assert column.vectors.dtype == np.float32
        assert column.start_sec.shape == column.end_sec.shape == (3,)
        assert column.start_sec.dtype == column.end_sec.dtype == np.float64
        assert (column.start_sec < column.end_sec).all()


async def test_a_retrieval_repeated_is_equal_bit_by_bit(world: World) -> None:
    index_id = world.add_index("marengo3.0")
    asset_id = world.add(index_id)
    index = await world.source.index(index_id)

    first, second = [await world.source.retrieve(index, asset_id, None, transcript=True) for _ in range(2)]

    assert first is not None
    assert second is not None
    assert first.asset == second.asset
    for mine, other in zip(first.columns or (), second.columns or (), strict=True):
        assert mine.vectors.tobytes() == other.vectors.tobytes()


async def test_changed_content_has_other_vectors(world: World) -> None:
    index_id = world.add_index("marengo3.0")
    asset_id = world.add(index_id)
    index = await world.source.index(index_id)
    before = await world.source.retrieve(index, asset_id, ("visual",), transcript=False)
    world.change(index_id, asset_id)
    after = await world.source.retrieve(index, asset_id, ("visual",), transcript=False)

    assert before is not None
    assert after is not None
    assert before.columns is not None
    assert after.columns is not None
    assert before.columns[0].vectors.tobytes() != after.columns[0].vectors.tobytes()


@pytest.mark.parametrize(
    ("model", "wanted", "columns"),
    [
        ("marengo3.0", ("visual",), {"visual"}),
        ("marengo3.0", ("audio",), {"audio"}),
        ("marengo3.0", ("audio", "transcription"), {"audio", "transcription"}),
        ("marengo3.0", ("visual-text",), {"visual"}),
        ("marengo2.7", ("visual",), {"visual-text"}),
        ("marengo2.7", ("visual", "transcription"), {"visual-text"}),
        ("marengo2.7", ("audio",), {"audio"}),
    ],
)
async def test_only_wanted_options_are_answered(
    model: str, wanted: tuple[str, ...], columns: set[str], world: World
) -> None:
    """`visual` of one model generation is `visual-text` of another; speech has no counterpart."""
    index_id = world.add_index(model)
    asset_id = world.add(index_id)

    found = await world.source.retrieve(await world.source.index(index_id), asset_id, wanted, transcript=False)

    assert options_of(found) == columns


async def test_an_index_has_only_the_options_it_was_made_with(world: World) -> None:
    """Requesting a missing option is no error: there are just no embeddings."""
    index_id = world.add_index("marengo3.0", ("visual",))
    asset_id = world.add(index_id)
    index = await world.source.index(index_id)

    assert options_of(await world.source.retrieve(index, asset_id, None, transcript=True)) == {"visual"}
    nothing = await world.source.retrieve(index, asset_id, ("audio",), transcript=True)
    assert options_of(nothing) == set()
    assert nothing is not None
    assert nothing.model == "marengo3.0"


async def test_no_options_means_no_embedding(world: World) -> None:
    """But there is metadata, with values of every type."""
    metadata = {"category": "news", "batch": 5, "rating": 9.3, "ok": True, "tags": ["a", "b"]}
    index_id = world.add_index("marengo3.0")
    asset_id = world.add(index_id, metadata=metadata)

    found = await world.source.retrieve(await world.source.index(index_id), asset_id, (), transcript=False)

    assert found is not None
    assert found.user_metadata == metadata
    assert found.columns is None
    assert found.transcription is None


async def test_words_come_with_the_asset_when_asked_for(world: World) -> None:
    index_id = world.add_index("marengo3.0")
    asset_id = world.add(index_id)
    index = await world.source.index(index_id)

    spoken = await world.source.retrieve(index, asset_id, None, transcript=True)
    unasked = await world.source.retrieve(index, asset_id, None, transcript=False)

    assert spoken is not None
    assert spoken.transcription is not None
    assert len(spoken.transcription.values) == len(spoken.transcription.start_sec) > 0
    assert (spoken.transcription.start_sec <= spoken.transcription.end_sec).all()
    assert unasked is not None
    assert unasked.transcription is None


async def test_silence_has_neither_words_nor_transcription_segments(world: World) -> None:
    index_id = world.add_index("marengo3.0")
    asset_id = world.add(index_id, silent=True)

    found = await world.source.retrieve(await world.source.index(index_id), asset_id, None, transcript=True)

    assert options_of(found) == {"visual", "audio"}
    assert found is not None
    assert found.transcription is None or found.transcription.values == ()


@pytest.mark.parametrize("status", ["pending", "indexing", "failed", "levitating"])
async def test_an_asset_that_is_not_ready_has_no_embedding_yet(status: str, world: World) -> None:
    index_id = world.add_index("marengo3.0")
    asset_id = world.add(index_id)
    world.set_status(index_id, asset_id, status)

    found = await world.source.retrieve(await world.source.index(index_id), asset_id, None, transcript=True)

    assert found is not None
    assert found.asset.status == status
    assert found.columns is None


@pytest.mark.parametrize(("old", "new"), [("marengo2.7", "marengo3.0"), ("marengo3.0", "marengo2.7")])
async def test_an_asset_that_moved_to_another_model_is_answered_for_that_model(
    old: str, new: str, world: World
) -> None:
    """Even though the caller still has the old description of the index."""
    index_id = world.add_index(old)
    asset_id = world.add(index_id)
    index = await world.source.index(index_id)
    world.migrate(index_id, new)

    for wanted, columns in ((None, OPTIONS[new]), (("visual",), OPTIONS[new] & {"visual", "visual-text"})):
        found = await world.source.retrieve(index, asset_id, wanted, transcript=True)
        assert found is not None
        assert found.model == new
        assert options_of(found) == columns


async def test_an_index_without_embeddings_answers_without(world: World) -> None:
    index_id = world.add_index(None)
    asset_id = world.add(index_id)

    found = await world.source.retrieve(await world.source.index(index_id), asset_id, None, transcript=False)

    assert found is not None
    assert found.columns is None
