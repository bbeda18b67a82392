"""Matrices, small and in memory of their own, are arrays like any other."""

import numpy as np
import pytest

from connector.domain.arrays import new_matrix


@pytest.mark.parametrize("shape", [(0, 512), (1, 1), (3, 1024), (2400, 512)])
def test_a_new_matrix_can_be_filled(shape: tuple[int, int]) -> None:
    values = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
    first, second = new_matrix(*shape), new_matrix(*shape)
    first[:], second[:] = values, -values

    assert first.flags.c_contiguous
    np.testing.assert_array_equal(first, values, strict=True)
