"""A deep verify compares vectors and whole payloads of a sample with what the source returns."""

from collections.abc import Callable

import numpy as np
import pytest

from connector.domain.errors import MalformedAsset, Unavailable
from connector.domain.verification import Kind
from connector.engine.deep_verify import DEEP_SAMPLE
from connector.engine.verifier import Verifier
from tests.comparing import differences
from tests.engine.drifts import first, points, swap_a_point_unnoticed, verified
from tests.engine.world import INDEX, World


def turn_a_vector(world: World) -> None:
    vectors = first(world).vectors
    vectors["visual"] = np.roll(vectors["visual"], 1)


def lose_a_vector(world: World) -> None:
    del first(world).vectors["audio"]


def add_a_vector(world: World) -> None:
    first(world).vectors["transcription"] = first(world).vectors["audio"]


def change_the_transcript(world: World) -> None:
    first(world).payload["transcript"] = "other words"


def change_the_options(world: World) -> None:
    first(world).payload["embedding_options"] = ["visual"]


def change_vectors_without_notice(world: World) -> None:
    world.source.change(INDEX, "b", quietly=True)


def change_metadata(world: World) -> None:
    world.source.set_metadata(INDEX, "b", {"category": "new"})


DRIFTS: dict[Callable[[World], None], set[Kind]] = {
    turn_a_vector: {Kind.ALTERED_VECTORS},
    lose_a_vector: {Kind.ALTERED_VECTORS},
    add_a_vector: {Kind.ALTERED_VECTORS},
    change_the_transcript: {Kind.ALTERED_PAYLOAD},
    change_the_options: {Kind.ALTERED_PAYLOAD},
    swap_a_point_unnoticed: {Kind.MISSING_POINTS, Kind.SURPLUS_POINTS},
    change_vectors_without_notice: {Kind.STALE_ASSET},
    change_metadata: {Kind.STALE_ASSET},
}


@pytest.mark.parametrize("inject", DRIFTS, ids=lambda it: it.__name__)
async def test_only_a_deep_verify_finds_it_and_repairs_it(world: World, inject: Callable[[World], None]) -> None:
    inject(world)
    assert (await verified(world, repair=True)).findings == ()

    found = await verified(world, deep=True, repair=True)

    assert {(it.indexed_asset_id, it.kind) for it in found.findings} == {("b", kind) for kind in DRIFTS[inject]}
    assert found.clean
    world.check_i1_sink_equals_source()
    assert (await verified(world, deep=True)).findings == ()


async def test_vectors_that_the_sink_normalized_are_the_same(world: World) -> None:
    """The simulated sink keeps them as they came; Qdrant divides them by their length, in float32."""
    for point in points(world).values():
        for name, vector in point.vectors.items():
            point.vectors[name] = (vector * np.float32(3.7)).astype(np.float16).astype(np.float32)

    assert (await verified(world, deep=True)).findings == ()


async def test_only_a_sample_of_a_large_index_is_retrieved() -> None:
    world = World()
    for number in range(DEEP_SAMPLE + 5):
        world.source.add(INDEX, f"asset-{number}")
    await world.cycle(concurrency=1)
    retrieved, engine = world.source.retrievals.total(), world.engine()
    verifier = Verifier(world.source, world.sink, world.ledger, engine, lambda: world.now, run=engine.run)

    found = await verifier.verify(world.settings, deep=True)

    assert found.deep
    assert (found.deep.compared, found.findings) == (DEEP_SAMPLE, ())
    assert world.source.retrievals.total() == retrieved + DEEP_SAMPLE


async def test_an_asset_that_the_source_cannot_answer_for_is_counted(world: World) -> None:
    world.source.fail_next(1, lambda: MalformedAsset("retrieve asset", "a", "it is broken"), {"retrieve"})

    found = await verified(world, deep=True)

    assert found.deep
    assert (found.deep.compared, found.deep.unanswered) == (2, 1)
    assert found.findings == ()


async def test_a_source_that_is_down_is_an_error_and_no_drift(world: World) -> None:
    world.source.fail_next(1, lambda: Unavailable("retrieve asset", "a", "no answer", side="source"), {"retrieve"})

    found = await verified(world, deep=True, repair=True)

    assert found.error
    assert differences(found, findings=(), clean=False) == {}
    assert found.error["code"] == "source_unavailable"
