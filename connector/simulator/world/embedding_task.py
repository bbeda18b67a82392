"""A task of the Embed API: embeds media that are in no index, and keeps the result for seven days."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from connector.simulator.world.embedding import caption_of, moments, moments_between
from connector.simulator.world.models import EmbeddingModel
from connector.simulator.world.records import Content
from connector.simulator.world.vectors import Vectors, noisy_vectors

FUSED = "fused"
KEPT_MS = 7 * 86_400_000
_SHORTEST_CLIP = 2.0

Media = Literal["video", "audio", "image"]
Progress = Literal["processing", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class MediaSource:
    """`facts` are the part of the metadata that says where the media come from: input_url or input_filename."""

    content: Content
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EmbeddingOrder:
    """What to embed: `span` in seconds of the media, and `edges`, the boundaries of the clips in it.

    `options` are options of the model, or FUSED for the combination of the others. `clip_length` None means that the
    clips follow the scenes.
    """

    model: EmbeddingModel
    media: Media
    source: MediaSource
    options: tuple[str, ...]
    scopes: tuple[str, ...]
    span: tuple[float, float]
    edges: tuple[float, ...]
    clip_length: float | None
    dimension: int


@dataclass(frozen=True, slots=True)
class EmbeddingTask:
    """`version` is that of the Embed API. The task ends at `done_ms` as `fate` says."""

    id: str
    version: Literal[1, 2]
    order: EmbeddingOrder
    created_ms: int
    done_ms: int
    fate: Literal["ready", "failed"]

    def status(self, now_ms: int) -> Progress:
        return "processing" if now_ms < self.done_ms else self.fate

    def updated_ms(self, now_ms: int) -> int:
        return self.created_ms if now_ms < self.done_ms else self.done_ms

    def is_kept(self, now_ms: int) -> bool:
        return now_ms < self.created_ms + KEPT_MS


@dataclass(frozen=True, slots=True)
class EmbeddedRange:
    """`vector` has the shape (dimension of the order,)."""

    option: str
    scope: str
    start: float
    end: float
    vector: Vectors


def fixed_edges(start: float, end: float, length: float) -> tuple[float, ...]:
    """Clips of equal length; a last one of less than two seconds is dropped, unless it is the only one."""
    edges = [start]
    while edges[-1] + length < end - 1e-6:
        edges.append(round(edges[-1] + length, 6))
    if end - edges[-1] >= _SHORTEST_CLIP or len(edges) == 1:
        edges.append(end)
    return tuple(edges)


def scene_edges(seed: int, content: Content, start: float, end: float, shortest: float) -> tuple[float, ...]:
    """Clips that follow the scenes, each of at least `shortest` seconds if the range is that long."""
    edges = [start]
    for moment in moments(seed, content):
        if moment.end - edges[-1] >= shortest and moment.end < end:
            edges.append(moment.end)
    if end - edges[-1] < shortest and len(edges) > 1:
        edges.pop()
    return (*edges, end)


def embedded(seed: int, order: EmbeddingOrder) -> Iterator[EmbeddedRange]:
    """All vectors of the order: by option, first the clips, then the whole."""
    clips = moments_between(seed, order.source.content, order.edges)
    kinds = [option for option in order.options if option != FUSED] or list(order.model.options)
    rows: dict[str, dict[int, Vectors]] = {}
    for option in kinds:
        captions = {nth: caption_of(order.model, option, clip.scene) for nth, clip in enumerate(clips)}
        heard = {nth: caption for nth, caption in captions.items() if caption}
        if heard:
            noise_key = (seed, order.model.name, order.source.content.key, option, order.edges)
            rows[option] = dict(zip(heard, noisy_vectors(order.model, list(heard.values()), *noise_key), strict=True))
    for option in order.options:
        yield from _ranges(order, option, _fused(rows) if option == FUSED else rows.get(option, {}))


def _fused(rows: Mapping[str, Mapping[int, Vectors]]) -> dict[int, Vectors]:
    found: dict[int, list[Vectors]] = {}
    for vectors in rows.values():
        for nth, vector in vectors.items():
            found.setdefault(nth, []).append(vector)
    return {nth: _mean(vectors) for nth, vectors in sorted(found.items())}


def _ranges(order: EmbeddingOrder, option: str, vectors: Mapping[int, Vectors]) -> Iterator[EmbeddedRange]:
    spans = list(pairwise(order.edges))
    for scope in order.scopes:
        if scope in {"video", "asset"} and vectors:
            whole = _mean(list(vectors.values()))[: order.dimension]
            yield EmbeddedRange(option, scope, *order.span, whole)
        elif scope not in {"video", "asset"}:
            for nth, vector in vectors.items():
                yield EmbeddedRange(option, "clip", *spans[nth], vector[: order.dimension])


def _mean(vectors: list[Vectors]) -> Vectors:
    total = np.sum(vectors, axis=0)
    unit: Vectors = (total / np.linalg.norm(total)).astype(np.float32)
    return unit
