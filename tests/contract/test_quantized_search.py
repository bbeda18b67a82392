"""Searches of a collection that its user quantized: similarities are those of the full vectors."""

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from connector.domain.search_scope import PointScope
from connector.qdrant.sink import QdrantSink
from tests.contract.asset_points import OPTIONS, asset_points, spec
from tests.contract.sinks import QdrantBench
from tests.qdrant_server import Endpoint
from tests.waiting import wait_until

DIMENSION, LIMIT = 64, 20
INT8 = models.ScalarQuantization(scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8))
QUANTIZED = models.SearchParams(quantization=models.QuantizationSearchParams(rescore=False))
FULL = models.SearchParams(quantization=models.QuantizationSearchParams(ignore=True))
QUERY = np.linspace(-1, 1, DIMENSION, dtype=np.float32)
VECTORS = dict.fromkeys(OPTIONS, QUERY)
QUANTIZED_SEC = 120


@pytest.fixture
async def quantized(remote: QdrantBench, qdrant: Endpoint, collection: str) -> QdrantBench:
    """With a search index and int8 vectors, which a small collection would not get by itself."""
    await remote.sink.ensure(spec(collection, dimension=DIMENSION), {})
    await remote.sink.replace(asset_points(segments=600, dimension=DIMENSION), collection, ())
    soon = models.OptimizersConfigDiff(indexing_threshold=1, default_segment_number=1)
    with closing(QdrantClient(url=qdrant.url, api_key=qdrant.api_key, check_compatibility=False, timeout=60)) as client:
        client.update_collection(collection, optimizers_config=soon, quantization_config=INT8)

        def score(params: models.SearchParams) -> float:
            found = client.query_points(collection, query=QUERY.tolist(), using="visual", limit=1, search_params=params)
            return found.points[0].score

        wait_until(lambda: score(QUANTIZED) != score(FULL), QUANTIZED_SEC, "the vectors are quantized")
    return remote


@pytest.fixture
async def plain(qdrant: Endpoint, tmp_path: Path) -> AsyncIterator[QdrantSink]:
    """Leaves oversampling to Qdrant."""
    sink = QdrantSink(qdrant.url, qdrant.api_key, qdrant.grpc_port, tmp_path, oversampling=None)
    yield sink
    await sink.close()


async def worst_difference(bench: QdrantBench, sink: QdrantSink, collection: str) -> float:
    """The largest difference between a similarity that was found and the one of the full vectors."""
    stored = await bench.stored(collection)
    unit = QUERY / np.linalg.norm(QUERY)
    found = await sink.moments.find(collection, VECTORS, PointScope(), LIMIT)
    assert len(found) == LIMIT
    return max(
        abs(similarity - float(stored[point.point_id].vectors[name] @ unit))
        for point in found
        for name, similarity in point.similarities.items()
    )


async def test_similarities_are_those_of_the_full_vectors(
    quantized: QdrantBench, plain: QdrantSink, collection: str
) -> None:
    """Also the highest ones, which decide what is near. Left to Qdrant, they are those of int8 vectors."""
    assert await worst_difference(quantized, quantized.sink, collection) < 1e-5
    assert await worst_difference(quantized, plain, collection) > 1e-4

    best = await quantized.sink.moments.similarities(collection, VECTORS, PointScope())
    stored = [it.vectors for it in (await quantized.stored(collection)).values()]
    unit = QUERY / np.linalg.norm(QUERY)
    expected = {name: max(float(vectors[name] @ unit) for vectors in stored) for name in OPTIONS}
    assert {name: it.best for name, it in best.items()} == pytest.approx(expected, abs=1e-5)


async def test_strict_mode_may_forbid_oversampling(quantized: QdrantBench, collection: str) -> None:
    """Then Qdrant decides, and the search still works."""
    strict = models.StrictModeConfig(enabled=True, search_max_oversampling=1.5)
    await quantized.sink._session.once(
        "restrict", "", lambda on: on.client.update_collection(collection, strict_mode_config=strict)
    )

    assert await worst_difference(quantized, quantized.sink, collection) > 1e-4
