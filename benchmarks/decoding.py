"""Decodes an asset of 1,800 segments of 512 dimensions: msgspec in two passes compared with json; time and memory."""

import json
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from connector.twelvelabs import asset_decoding
from connector.twelvelabs.calls import Call

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
            "float": [float(str(value)) for value in generator.standard_normal(DIMENSION, dtype=np.float32)],
        }
        for row in range(SEGMENTS)
    ]
    embedding = {"model_name": "marengo3.0", "video_embedding": {"segments": segments}}
    return json.dumps({"_id": "asset", "status": "ready", "embedding": embedding}).encode()


def two_passes(content: bytes) -> None:
    call = Call("retrieve asset", "asset", "")
    found = asset_decoding.read_asset(bytearray(content), call, OPTIONS, "marengo3.0", transcript=True)
    assert found.columns is not None
    assert sum(len(column.vectors) for column in found.columns) == SEGMENTS


def with_json(content: bytes) -> None:
    segments = json.loads(content)["embedding"]["video_embedding"]["segments"]
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
    content = body()
    ours, theirs = seconds(two_passes, content), seconds(with_json, content)
    print(f"  CPU  {ours:.3f} s against {theirs:.3f} s: {theirs / ours:.1f} times as fast")
    ours_peak, theirs_peak = peak(two_passes, content), peak(with_json, content)
    ratio = theirs_peak / ours_peak
    print(f"  peak {ours_peak / 1e6:.0f} MB against {theirs_peak / 1e6:.0f} MB: {ratio:.1f} times less")
