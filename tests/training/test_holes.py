"""Random holes: of the wanted area, never nothing and never everything, the same from the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from visiongen.training.targets.holes import draw, fill_order, hole


@pytest.mark.parametrize("size", [(15, 20), (36, 48), (3, 2), (1, 2)])
def test_a_hole_leaves_something_and_takes_something(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for share in (None, 0.0, 0.5, 1.0):
        for _ in range(20):
            keep = draw(rng, *size, share)
            assert keep.shape == size and keep.dtype == bool and keep.any() and not keep.all()


def test_area_and_shapes() -> None:
    rng = np.random.default_rng(1)
    masks = [hole(rng, (15, 20), 0.3) for _ in range(60)]
    assert {int(m.sum()) for m in masks} == {90}
    pieces = [int((np.diff(m.astype(int), axis=1) != 0).sum()) for m in masks]
    assert min(pieces) <= 15 and max(pieces) > 60, "one large piece, and many small ones"


def test_deterministic() -> None:
    first, second = (np.random.default_rng(3) for _ in range(2))
    one = draw(first, 9, 9, 0.4)
    assert np.array_equal(one, draw(second, 9, 9, 0.4))
    assert not np.array_equal(one, draw(first, 9, 9, 0.4)), "the generator moves on"


def test_what_a_hole_hides_is_in_no_token_beside_it() -> None:
    """Two photos that differ in the hole alone hold the same tokens around it."""
    from visiongen.backbones.embedded import EmbeddedBackbone

    encode = EmbeddedBackbone.random("nano").tokenizer.encode
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    held = []
    for hidden in (0, 255):
        shown, target = fill_order(photo, np.random.default_rng(7))
        keep = target.prompt.held.keep
        gone = np.kron(~keep, np.ones((8, 8), bool))
        other = np.where(gone[..., None], np.uint8(hidden), photo)
        again, target = fill_order(other, np.random.default_rng(7))
        assert np.array_equal(again, shown) and np.array_equal(target.map, other)
        image = torch.from_numpy(target.prompt.held.image).permute(2, 0, 1)[None].float() / 127.5 - 1
        held.append(encode(image)[0][torch.from_numpy(keep)])
    assert torch.equal(*held)
