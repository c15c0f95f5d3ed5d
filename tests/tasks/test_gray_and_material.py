from __future__ import annotations

import numpy as np
import pytest

from visiongen.errors import InputError, UsageError
from visiongen.tasks.codecs.depth import GrayLog
from visiongen.tasks.codecs.gray import AlphaGray, EdgesGray, thin_edges
from visiongen.tasks.codecs.material import OrmMaterial, import_orm


def test_log_depth_is_free_of_unit_and_power() -> None:
    depth = np.exp(np.random.default_rng(0).uniform(-1, 3, (30, 30))).astype(np.float32)
    one, two = GrayLog().encode(depth), GrayLog().encode(3.281 * depth**1.5)
    assert abs(one.astype(int) - two).max() <= 1
    assert one[np.unravel_index(depth.argmin(), depth.shape)][0] == 255


def test_equal_ratios_are_equal_steps() -> None:
    decoded, _ = GrayLog(low=0.001, high=1).decode(
        GrayLog(low=0.001, high=1).encode(2.0 ** np.arange(5)[None])
    )
    assert np.allclose(decoded[0], [1, 0.75, 0.5, 0.25, 0], atol=0.004)


def test_log_depth_of_sky_invalid_and_constant() -> None:
    relative = GrayLog().relative(np.array([[1, 2, np.inf, np.nan, 0, -1]], np.float32))
    assert relative[0, 0] == 1 and relative[0, 2] == 0 and np.isnan(relative[0, 3:]).all()
    assert np.isnan(GrayLog().relative(np.full((2, 2), np.nan, "f4"))).all()
    assert (GrayLog().relative(np.full((2, 2), np.inf, "f4")) == 0).all()
    assert np.isfinite(GrayLog().relative(np.ones((2, 2), "f4"))).all()


def test_known_grays() -> None:
    painted = AlphaGray().encode(np.array([[0, 0.5, 1]], np.float32))
    assert painted[0].tolist() == [[0] * 3, [128] * 3, [255] * 3]
    red, confidence = AlphaGray().decode(np.array([[[255, 0, 0]]], np.uint8))
    assert red[0, 0] == pytest.approx(1 / 3) and confidence[0, 0] < 1e-6


@pytest.mark.parametrize("bad", [-0.01, 1.01, np.nan, 255])
def test_numbers_outside_the_unit_range_are_refused(bad: float) -> None:
    for codec, shape in ((AlphaGray(), (2, 2)), (EdgesGray(), (2, 2)), (OrmMaterial(), (2, 2, 3))):
        with pytest.raises(InputError, match=r"not in \[0, 1\]"):
            codec.encode(np.full(shape, bad, np.float32))


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0, -0.6])
def test_thinning_leaves_the_crest_of_a_ridge(slope: float) -> None:
    """A soft line five pixels wide becomes one a pixel or so wide, on its middle."""
    y, x = np.mgrid[:60, :60]
    away = (y - 30 - slope * (x - 30)) / np.hypot(1, slope)
    strength = np.exp(-(away**2) / 4).astype(np.float32)
    painted = EdgesGray().encode(strength)
    thin, _ = EdgesGray().decode_thin(painted)
    inner = np.s_[8:-8, 8:-8]
    kept = thin[inner] > 0.1
    assert (abs(away[inner][kept]) <= 1).all()
    crossed = (abs(away[inner]) < 4).any(axis=0)
    assert kept.any(axis=0)[crossed].mean() > 0.95 and kept.sum() < 2.2 * crossed.sum()
    decoded = EdgesGray().decode(painted)[0]
    assert np.array_equal(thin[thin > 0], decoded[thin > 0])


def test_thinning_nothing_is_nothing() -> None:
    assert not thin_edges(np.zeros((9, 9), np.float32)).any()


def test_orm_channels() -> None:
    painted = OrmMaterial().encode(np.array([[[1, 0.5, 0]]], np.float32))
    assert painted[0, 0].tolist() == [255, 128, 0]


def test_other_packings() -> None:
    orm = [0.9, 0.3, 1.0]
    for packing, packed in (
        ("orm", orm),
        ("arm", orm),
        ("rma", [0.3, 1.0, 0.9]),
        ("mo-s", [1.0, 0.9, 0.0, 0.7]),
    ):
        assert np.allclose(import_orm(np.array(packed), packing), orm)
    assert import_orm(np.array([[0.2, 0.4]]), "rm").tolist() == [[1, np.float32(0.2), np.float32(0.4)]]
    for packing in ("rgb", "orr", "or", "mrs", ""):
        with pytest.raises(UsageError, match="name each channel"):
            import_orm(np.zeros(len(packing)), packing)
    with pytest.raises(UsageError, match="names 3 channels"):
        import_orm(np.zeros((4, 4)), "orm")
