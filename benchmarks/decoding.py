"""Decompresses and decodes an asset of 1,800 segments of 512 dimensions: as it arrives, msgspec in two passes, json."""

import gzip
import json
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from connector.domain.source_model import RetrievedAsset
from connector.twelvelabs import asset_decoding
from connector.twelvelabs.asset_scanning import AssetReader
from connector.twelvelabs.calls import Call
from connector.twelvelabs.response_body import ResponseBody

SEGMENTS, DIMENSION, REPEATS = 1800, 512, 3
OPTIONS = ("visual", "audio", "transcription")


def body() -> bytes:
    generator = np.random.default_rng(1)
    segments = [
        {
            "start_offset_sec": 6.0 * (row // 3),
            "end_offset_sec": 6.0 * (row // 3) + 6.0,
            "embedding_option": OPTIONS[row % 3],
            "embedding_scope": "clip",
            "float": generator.standard_normal(DIMENSION).tolist(),
        }
        for row in range(SEGMENTS)
    ]
    embedding = {"model_name": "marengo3.0", "video_embedding": {"segments": segments}}
    return json.dumps({"_id": "asset", "status": "ready", "embedding": embedding}).encode()


CALL = Call("retrieve asset", "asset", "")


def received(packed: bytes) -> ResponseBody:
    """The body as the transport hands it over."""
    found = ResponseBody(len(packed) * 100, gzipped=True)
    for at in range(0, len(packed), 65536):
        found.add(packed[at : at + 65536])
    return found


def as_it_arrives(packed: bytes) -> None:
    found = AssetReader(OPTIONS, "marengo3.0", transcript=True).scan(received(packed), CALL)
    assert found is not None
    check(found)


def two_passes(packed: bytes) -> None:
    whole = received(packed).whole()
    check(asset_decoding.read_asset(whole, CALL, OPTIONS, "marengo3.0", transcript=True))


def check(found: RetrievedAsset) -> None:
    assert found.columns is not None
    assert sum(len(column.vectors) for column in found.columns) == SEGMENTS


def with_json(packed: bytes) -> None:
    segments = json.loads(gzip.decompress(packed))["embedding"]["video_embedding"]["segments"]
    vectors = np.array([segment["float"] for segment in segments], dtype=np.float32)
    assert vectors.shape == (SEGMENTS, DIMENSION)


def seconds(work: Callable[[bytes], None], content: bytes) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        work(content)
        times.append(time.process_time() - started)
    return min(times)


def peak(work: Callable[[bytes], None], content: bytes) -> int:
    tracemalloc.start()
    work(content)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def main() -> None:
    content = gzip.compress(body(), 6)
    ways = {"as it arrives": as_it_arrives, "two passes": two_passes, "json": with_json}
    times = {name: seconds(work, content) for name, work in ways.items()}
    peaks = {name: peak(work, content) for name, work in ways.items()}
    for name in ways:
        print(
            f"  {name:14} CPU {times[name]:.3f} s ({times['json'] / times[name]:.1f} times as fast as json), "
            f"peak {peaks[name] / 1e6:.0f} MB ({peaks['json'] / peaks[name]:.1f} times less)"
        )
