"""Which segments match a search, and how well. Pure functions over the matrix of an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from connector.simulator.world.models import EmbeddingModel
from connector.simulator.world.segment_matrix import SegmentMatrix
from connector.simulator.world.vectors import Vectors, text_vector

Scores = NDArray[np.float32]

_DEVIATIONS = 4.5
"""Chance alone hardly reaches this many standard deviations among 100,000 segments."""
_LEAST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class SoughtConcepts:
    """What to look for: `text` may be empty if there are pictures, and `pictures` says what each of them shows.

    `options` are embedding options of the model. `lexical` and `semantic` apply to the words that are said.
    """

    text: str
    pictures: tuple[str, ...]
    options: tuple[str, ...]
    operator: Literal["or", "and"]
    lexical: bool
    semantic: bool


def matches(matrix: SegmentMatrix, model: EmbeddingModel, wanted: SoughtConcepts) -> Scores:
    """A score for each row, shape (rows,): 0 for no match, at most 1.

    With one option it is the cosine similarity to the stored vector; with `or` it is the highest of all options, with
    `and` the mean. Words that are said as they are written count as a similarity too.
    """
    query = query_vector(model, wanted)
    least = _DEVIATIONS / np.sqrt(model.dimension)
    scores = [_option_scores(matrix, query, option, wanted, least) for option in wanted.options]
    stacked = np.stack(scores) if scores else np.zeros((1, len(matrix.ranges)), dtype=np.float32)
    if wanted.operator == "and":
        found: Scores = np.where((stacked > 0).all(axis=0), stacked.mean(axis=0), np.float32(0))
    else:
        found = stacked.max(axis=0)
    return found


def query_vector(model: EmbeddingModel, wanted: SoughtConcepts) -> Vectors:
    """Unit vector, shape (dimension,): text and pictures with equal weight."""
    parts: Sequence[str] = [text for text in (wanted.text, *wanted.pictures) if text]
    total = np.sum([text_vector(model, text) for text in parts], axis=0)
    unit: Vectors = (total / np.linalg.norm(total)).astype(np.float32)
    return unit


def _option_scores(matrix: SegmentMatrix, query: Vectors, option: str, wanted: SoughtConcepts, least: float) -> Scores:
    spoken = option == "transcription"
    scores = np.zeros(len(matrix.ranges), dtype=np.float32)
    if not spoken or wanted.semantic:
        near = matrix.vectors[option] @ query
        scores = np.where(near >= least, near, np.float32(0))
    if spoken and wanted.lexical and wanted.text:
        shares = matrix.words.shares(wanted.text)
        scores = np.maximum(scores, np.where(shares >= _LEAST_SHARE, shares, np.float32(0)))
    return scores
