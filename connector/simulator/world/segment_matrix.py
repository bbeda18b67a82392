"""All segments of an index as one matrix per embedding option, for searches. The vectors are those that are served."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connector.simulator.world.embedding import option_rows, vector_model
from connector.simulator.world.index_state import SimulatedIndex
from connector.simulator.world.models import EmbeddingModel
from connector.simulator.world.records import Record
from connector.simulator.world.vectors import Vectors
from connector.simulator.world.word_lists import WordLists
from connector.simulator.world.world import World

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AssetClips:
    """One video: its time ranges, what is said in each, and a vector of zeros where an option has nothing."""

    ranges: list[tuple[float, float]]
    speech: list[str]
    vectors: dict[str, Vectors]


@dataclass(frozen=True, slots=True)
class SegmentMatrix:
    """A row for each time range of each asset, ascending by ordinal and time; `vectors` has shape (rows, dimension)."""

    ordinals: Rows
    ranges: list[tuple[float, float]]
    speech: list[str]
    vectors: dict[str, Vectors]
    words: WordLists


@dataclass(frozen=True, slots=True)
class _Built:
    version: tuple[Any, ...]
    matrix: SegmentMatrix
    places: dict[int, tuple[tuple[Any, ...], int, int]]


class SegmentMatrices:
    """Builds the matrix of an index at its first search, and again after a change, from the parts that stay the same.

    Assets are included whatever their status. Call `of` with the world locked.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._built: dict[int, _Built] = {}

    def of(self, state: SimulatedIndex) -> SegmentMatrix:
        knobs = self._world.knobs
        shape = (state.model.name, state.model_options, knobs.audio_grid, knobs.null_float, knobs.empty_segments)
        before = self._built.get(state.number)
        if before is not None and before.version == (state.version, *shape):
            return before.matrix
        if before is not None and before.version[1:] != shape:
            before = None
        self._built[state.number] = built = self._build(state, before, (state.version, *shape))
        return built.matrix

    def _build(self, state: SimulatedIndex, before: _Built | None, version: tuple[Any, ...]) -> _Built:
        model, options = state.model, state.model.enabled(state.model_options)
        records = [record for record in state.living_records() if vector_model(record, model) is model]
        parts: list[AssetClips] = []
        places: dict[int, tuple[tuple[Any, ...], int, int]] = {}
        first = 0
        for record in records:
            stamp = (record.content, record.revision)
            part = _kept(before, record.ordinal, stamp) or self._clips(record, model, options)
            places[record.ordinal] = (stamp, first, first + len(part.ranges))
            first += len(part.ranges)
            parts.append(part)
        speech = [text for part in parts for text in part.speech]
        matrix = SegmentMatrix(
            ordinals=np.repeat(
                np.array([record.ordinal for record in records], dtype=np.int64), [len(part.ranges) for part in parts]
            ),
            ranges=[span for part in parts for span in part.ranges],
            speech=speech,
            vectors={
                name: np.concatenate([part.vectors[name] for part in parts] or [_zeros(0, model)]) for name in options
            },
            words=WordLists.of(speech),
        )
        return _Built(version, matrix, places)

    def _clips(self, record: Record, model: EmbeddingModel, options: tuple[str, ...]) -> AssetClips:
        seed, knobs = self._world.scenario.seed, self._world.knobs
        found = {name: option_rows(seed, record, model, name, knobs) for name in options}
        said = {
            (moment.start, moment.end): moment.scene.speech
            for rows in found.values()
            if rows is not None
            for moment, present in zip(rows.moments, rows.present, strict=True)
            if present
        }
        ranges = sorted(said)
        place = {span: row for row, span in enumerate(ranges)}
        vectors = {name: _zeros(len(ranges), model) for name in options}
        for name, rows in found.items():
            if rows is not None:
                kept = [nth for nth, present in enumerate(rows.present) if present]
                at = [place[rows.moments[nth].start, rows.moments[nth].end] for nth in kept]
                vectors[name][at] = rows.vectors[kept]
        return AssetClips(ranges, [said[span] for span in ranges], vectors)


def _zeros(rows: int, model: EmbeddingModel) -> Vectors:
    return np.zeros((rows, model.dimension), dtype=np.float32)


def _kept(before: _Built | None, ordinal: int, stamp: tuple[Any, ...]) -> AssetClips | None:
    place = None if before is None else before.places.get(ordinal)
    if before is None or place is None or place[0] != stamp:
        return None
    _, first, last = place
    matrix = before.matrix
    vectors = {name: rows[first:last] for name, rows in matrix.vectors.items()}
    return AssetClips(matrix.ranges[first:last], matrix.speech[first:last], vectors)
