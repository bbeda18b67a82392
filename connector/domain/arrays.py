"""Types of the arrays that hold embeddings. Apart from `source_model`, so that most commands start without numpy."""

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
