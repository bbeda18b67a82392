"""Segment boundaries of a video, and the speech in each segment."""

import math

import numpy as np
from numpy.typing import NDArray

from connector.simulator.world.draws import generator

MEAN_SECONDS = 6.0
Grid = NDArray[np.float32]


def grid(duration: float, fps: float, *grid_key: object) -> Grid:
    """Boundaries, shape (segments + 1,), float32 on frames; neighbours are 2 to 10 seconds apart, the vendor's length.

    Offsets therefore carry float32 noise such as 7.5666666, as the vendor's do.
    """
    count = max(1, round(duration / MEAN_SECONDS))
    lengths = generator("grid", *grid_key).uniform(0.75, 1.25, count)
    edges = np.concatenate(([0.0], np.cumsum(lengths) * (duration / lengths.sum())))
    edges[1:-1] = np.round(edges[1:-1] * fps) / fps
    edges[-1] = duration
    return edges.astype(np.float32)


def fixed_grid(lengths: list[float], duration: float) -> Grid:
    """Boundaries from the given lengths, repeated up to the duration."""
    edges = [0.0]
    for turn in range(math.ceil(duration / sum(lengths)) * len(lengths)):
        edge = edges[-1] + lengths[turn % len(lengths)]
        if edge >= duration - 1e-6:
            break
        edges.append(edge)
    return np.array([*edges, duration], dtype=np.float32)


def offsets(edges: Grid) -> list[float]:
    """The boundaries as numbers whose JSON text is the shortest float32 decimal."""
    return [float(str(edge)) for edge in edges]


def spoken_words(speech: str, start: float, end: float) -> list[dict[str, object]]:
    """The wire's transcription entries: the words share the segment's time evenly and stay strictly inside it."""
    words = speech.split()
    step = (end - start) / (len(words) + 1)
    first = start + step / 2
    return [
        {"start": round(first + nth * step, 3), "end": round(first + (nth + 0.9) * step, 3), "value": word}
        for nth, word in enumerate(words)
    ]
