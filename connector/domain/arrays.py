"""The arrays that hold embeddings. Apart from `source_model`, so that most commands start without numpy."""

import numpy as np
from numpy.typing import NDArray

from connector.domain.mapped_memory import mapped

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

_MAPPED_FROM = 1024 * 1024


def new_matrix(rows: int, columns: int) -> Float32:
    """Shape (rows, columns), to be filled."""
    size = 4 * rows * columns
    if size < _MAPPED_FROM:
        return np.empty((rows, columns), np.float32)
    return np.frombuffer(mapped(size), np.float32).reshape(rows, columns)
