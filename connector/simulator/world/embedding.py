"""The segments of one asset as wire JSON: boundaries, captions, vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from connector.simulator.world import cuts
from connector.simulator.world.draws import generator, key, unit
from connector.simulator.world.knobs import Knobs
from connector.simulator.world.models import MODELS, EmbeddingModel
from connector.simulator.world.records import Content, Record
from connector.simulator.world.scenes import Scene
from connector.simulator.world.vectors import Vectors, noisy_vectors, shortest_decimals


@dataclass(frozen=True, slots=True)
class SegmentContent:
    """A time range, as wire numbers, and its scene."""

    start: float
    end: float
    scene: Scene


def moments(seed: int, content: Content) -> list[SegmentContent]:
    """The video cut at its scenes; scenes without `seconds` last 2 to 10 s each."""
    lengths = [scene.seconds for scene in content.scenes]
    if lengths[0] is None:
        edges = cuts.grid(content.duration, content.fps, seed, content.key)
    else:
        edges = cuts.fixed_grid([length or 0.0 for length in lengths], content.duration)
    times = cuts.offsets(edges)
    scenes = content.scenes
    return [
        SegmentContent(start, end, scenes[(content.first + nth) % len(scenes)])
        for nth, (start, end) in enumerate(pairwise(times))
    ]


def own_grid_moments(seed: int, content: Content, option: str) -> list[SegmentContent]:
    """Boundaries of this option only."""
    edges = cuts.grid(content.duration, content.fps, seed, content.key, option)
    return moments_between(seed, content, cuts.offsets(edges))


def moments_between(seed: int, content: Content, edges: Sequence[float]) -> list[SegmentContent]:
    """Time ranges from each edge to the next; each has the scene at its middle."""
    shared = moments(seed, content)
    middles = [(start + end) / 2 for start, end in pairwise(edges)]
    places = np.searchsorted([moment.end for moment in shared], middles, side="right").clip(max=len(shared) - 1)
    return [
        SegmentContent(start, end, shared[place].scene)
        for (start, end), place in zip(pairwise(edges), places, strict=True)
    ]


def transcription(seed: int, content: Content) -> list[dict[str, object]]:
    """The spoken words as wire entries `{start, end, value}`."""
    spoken = [moment for moment in moments(seed, content) if moment.scene.speech]
    return [word for moment in spoken for word in cuts.spoken_words(moment.scene.speech, moment.start, moment.end)]


def sentences(seed: int, content: Content) -> list[dict[str, object]]:
    """The speech, one entry `{start, end, value}` per segment with speech."""
    return [
        {"start": moment.start, "end": moment.end, "value": moment.scene.speech}
        for moment in moments(seed, content)
        if moment.scene.speech
    ]


def segment_list(
    seed: int, record: Record, model: EmbeddingModel, options: Sequence[str], knobs: Knobs
) -> list[msgspec.Raw]:
    """All segments of the options as encoded JSON, in the order that the knob selects."""
    if knobs.empty_segments:
        return []
    keyed = [
        (nth, moment.start, raw)
        for nth, option in enumerate(options)
        for moment, raw in _option_segments(seed, record, model, option, knobs)
    ]
    if knobs.segment_order == "interleaved":
        keyed.sort(key=lambda row: (row[1], row[0]))
    elif knobs.segment_order == "shuffled":
        order = generator("order", seed, record.content.key).permutation(len(keyed))
        keyed = [keyed[place] for place in order]
    return [raw for _, _, raw in keyed]


@dataclass(frozen=True, slots=True)
class OptionRows:
    """The segments of one option: `vectors` has shape (moments, dimension); `present` is False where float is null."""

    moments: list[SegmentContent]
    vectors: Vectors
    present: NDArray[np.bool_]


def option_rows(seed: int, record: Record, model: EmbeddingModel, option: str, knobs: Knobs) -> OptionRows | None:
    """None if the video has nothing for this option."""
    content = record.content
    own = option == "audio" and knobs.audio_grid == "own"
    cut = own_grid_moments(seed, content, option) if own else moments(seed, content)
    captioned = [(moment, caption_of(model, option, moment.scene)) for moment in cut]
    heard = [(moment, caption) for moment, caption in captioned if caption]
    if knobs.empty_segments or not heard:
        return None
    noise_key = (seed, model.name, content.key, record.revision, option)
    vectors = noisy_vectors(model, [caption for _, caption in heard], *noise_key)
    present = unit(key("null", *noise_key), np.arange(len(heard))) >= knobs.null_float
    return OptionRows([moment for moment, _ in heard], vectors, present)


def _option_segments(
    seed: int, record: Record, model: EmbeddingModel, option: str, knobs: Knobs
) -> list[tuple[SegmentContent, msgspec.Raw]]:
    rows = option_rows(seed, record, model, option, knobs)
    if rows is None:
        return []
    numbers = shortest_decimals(rows.vectors)
    return [
        (moment, _segment(moment, option, row if present else None))
        for moment, row, present in zip(rows.moments, numbers, rows.present, strict=True)
    ]


def caption_of(model: EmbeddingModel, option: str, scene: Scene) -> str:
    """The captions of a scene that this option perceives; none for a silent scene."""
    _, captions = model.options[option]
    return " ".join(text for text in (getattr(scene, caption) for caption in captions) if text)


def _segment(moment: SegmentContent, option: str, row: list[float] | None) -> msgspec.Raw:
    return msgspec.Raw(
        msgspec.json.encode(
            {
                "start_offset_sec": moment.start,
                "end_offset_sec": moment.end,
                "embedding_option": option,
                "embedding_scope": "clip",
                "float": row,
            }
        )
    )


def vector_model(record: Record, index_model: EmbeddingModel) -> EmbeddingModel:
    return MODELS[record.model] if record.model is not None else index_model
