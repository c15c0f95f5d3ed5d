"""Levels and numbers, pixels and tokens: there and back."""

from __future__ import annotations

import numpy as np
import torch

from visiongen.units import PATCH, covered, to_levels, to_unit, touched


def test_levels_come_back() -> None:
    levels = torch.arange(256, dtype=torch.uint8)
    values = to_unit(levels)
    assert values.dtype == torch.float32 and float(values.min()) == -1 and float(values.max()) == 1
    assert torch.equal(to_levels(values).to(torch.uint8), levels)
    assert torch.equal(to_levels(values.to(torch.float64)).to(torch.uint8), levels)
    assert to_levels(torch.tensor([-1.2, 1.7])).tolist() == [0, 255]
    assert np.array_equal(to_unit(np.arange(256, dtype=np.float32)), values.numpy())


def test_a_token_is_touched_by_any_of_its_pixels() -> None:
    pixels = np.zeros((2 * PATCH, 3 * PATCH), bool)
    pixels[PATCH - 1, PATCH] = True
    assert touched(pixels).tolist() == [[False, True, False], [False, False, False]]
    grown = covered(touched(pixels))
    assert grown.shape == pixels.shape and grown.sum() == PATCH**2 and grown[pixels].all()
    assert np.array_equal(touched(grown), touched(pixels))
