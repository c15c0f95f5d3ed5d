"""What the contract tests share."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def photo() -> np.ndarray:
    """96 x 128 pixels in gray squares of 8."""
    rng = np.random.default_rng(0)
    return np.kron(rng.integers(0, 255, (12, 16, 1)), np.ones((8, 8, 3))).astype(np.uint8)
