"""The concept space: one unit vector per (model, concept). The vector of a text is the normalized sum of its concepts.

As in the vendor's space, exact names and numbers are blurred: all names are near to each other, and all numbers.

Bases of different models are independent, so their vectors are as little comparable as the vendor's.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from connector.simulator.world.draws import generator
from connector.simulator.world.models import EmbeddingModel
from connector.simulator.world.proper_names import PROPER_NAMES
from connector.simulator.world.words import concepts

Vectors = NDArray[np.float32]

NOISE = 0.35
KINSHIP = 0.98
"""The cosine similarity of a name to what all names have in common, and of a number to what all numbers have."""
_COARSE_FROM = 0.125


@lru_cache(maxsize=4096)
def _concept(model: str, dimension: int, concept: str) -> Vectors:
    own = _direction(model, dimension, "concept", concept)
    kind = "number" if concept.isdigit() else "name" if concept in PROPER_NAMES else None
    if kind is None:
        return own
    return _normalized(KINSHIP * _direction(model, dimension, "kind", kind) + math.sqrt(1 - KINSHIP**2) * own)


def _direction(model: str, dimension: int, stream: str, name: str) -> Vectors:
    return _normalized(generator(stream, model, name).standard_normal(dimension, dtype=np.float32))


def _normalized(vector: Vectors) -> Vectors:
    unit: Vectors = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


@lru_cache(maxsize=2048)
def text_vector(model: EmbeddingModel, text: str) -> Vectors:
    """Unit vector, shape (dimension,). A text without words gets its own direction."""
    found = concepts(text) or [f"\x00{text}"]
    total = np.sum([_concept(model.name, model.dimension, concept) for concept in found], axis=0)
    return _normalized(total)


def noisy_vectors(model: EmbeddingModel, captions: list[str], *noise_key: object) -> Vectors:
    """Unit vectors, shape (captions, dimension): each caption's direction plus noise from the key."""
    clean = np.stack([text_vector(model, caption) for caption in captions])
    noise = generator("noise", *noise_key).standard_normal(clean.shape, dtype=np.float32)
    mixed = clean + np.float32(NOISE / np.sqrt(model.dimension)) * noise
    unit: Vectors = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return unit


def shortest_decimals(vectors: Vectors) -> list[list[float]]:
    """Numbers whose JSON text is the shortest decimal that reads back as the same float32.

    The values are put on a decimal grid just coarser than the float32 spacing there (1e-8 below 0.125, else 1e-7). At
    most one grid point lies in the rounding interval of a float32, so the double that any JSON encoder prints is
    already the shortest text.
    """
    exact = vectors.astype(np.float64)
    fine = np.round(exact * 1e8) / 1e8
    large = np.abs(exact) >= _COARSE_FROM
    if large.any():
        fine[large] = np.round(exact[large] * 1e7) / 1e7
    rows: list[list[float]] = fine.tolist()
    return rows
