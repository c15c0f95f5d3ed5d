"""world-depth and world-normals: fixed frames, codec row, blind guess, a real generator's shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visiongen.benchmarks.datasets.world import WorldBenchmark
from visiongen.benchmarks.priors import rows as row_prior
from visiongen.benchmarks.runner import Options, run


def small(name: str) -> WorldBenchmark:
    """The benchmark with few, small frames."""
    benchmark = WorldBenchmark(name)
    size = {"height": 48, "width": 64, "long_side": 64, "blind_frames": 10}
    benchmark.protocol = benchmark.protocol | size
    return benchmark


def test_frames_are_fixed_and_the_limit_does_not_change_them() -> None:
    benchmark = small("world-depth")
    two, one = benchmark.items(None, "test", 2), benchmark.items(None, "test", 1)
    assert [item.id for item in two] == ["seed1000000", "seed1000001"]
    assert one[0].digest == two[0].digest != two[1].digest
    photo, depth = two[0].photo(), two[0].truth()
    assert photo.shape == (48, 64, 3) and photo.dtype == np.uint8 and photo.std() > 5
    assert depth.shape == (48, 64) and depth.dtype == np.float32 and (depth[np.isfinite(depth)] > 0).all()
    normals = small("world-normals").items(None, "test", 1)[0].truth()
    length = np.linalg.norm(normals, axis=-1)
    assert np.isnan(length).any() == np.isinf(depth).any()
    assert length[np.isfinite(length)] == pytest.approx(1, abs=1e-3)
    towards = normals[..., 2][np.isfinite(length)]
    assert towards.mean() > 0.2  # visible surfaces face the camera


@pytest.mark.parametrize("name", ["world-depth", "world-normals"])
def test_codec_row_is_near_perfect_and_blind_is_between(name: str, tmp_path: Path, known_backbone) -> None:
    benchmark = small(name)
    backbone = known_backbone()
    backbone.name = "known"
    result = run(benchmark, backbone, tmp_path, Options(limit=6, rows=("blind", "codec")))
    assert result["partial"] and result["n_scored"] == 6 and not result["failures"]
    codec, blind = result["rows"]["codec"], result["rows"]["blind"]
    assert codec is not None and blind is not None
    primary = result["primary"]
    assert codec[primary]["value"] < (0.01 if name == "world-depth" else 0.5)  # metres share | degrees
    assert blind[primary]["value"] > 10 * codec[primary]["value"]  # type: ignore[operator]
    for score in (*result["scores"].values(), *codec.values(), *blind.values()):
        assert score["value"] is not None and np.isfinite(score["value"])
        assert score["ci95"] is not None and score["ci95"][0] <= score["ci95"][1]
    if name == "world-depth":
        names = {n.split("@")[1] for n in result["scores"] if n.startswith("AbsRel@") and "/" not in n}
        assert names == {"median", "lsq_depth", "lsq_disparity", "lsq_log", "ransac_log"}
        assert {"AbsRel", "AbsRel/pooled", "delta1", "RMSE", "SILog"} <= set(result["scores"])
    else:
        assert {"mean", "median", "<5", "<11.25", "<22.5", "<30", "mean/per_image"} <= set(result["scores"])


def test_row_prior_leaves_sky_and_invalid_out() -> None:
    depth = np.array([[[np.inf, np.inf], [2.0, 8.0], [3.0, np.nan]]])
    assert row_prior(depth) == pytest.approx([3.0, 4.0, 3.0])
    normals = np.full((1, 3, 2, 3), np.nan)
    normals[0, 1] = [[0, 0, 1], [0, 0.6, 0.8]]
    normals[0, 2] = [0, 1, 0]
    rows = row_prior(normals)
    assert np.linalg.norm(rows, axis=-1) == pytest.approx(1)
    assert rows[2] == pytest.approx([0, 1, 0]) and rows[0, 0] == 0


def test_ceiling_row_runs_through_the_embedded_tokenizer(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from visiongen.backbones.embedded import EmbeddedBackbone

    backbone = EmbeddedBackbone.random("nano")
    options = Options(limit=1, mode="draft", rows=("codec", "ceiling"))
    result = run(small("world-depth"), backbone, tmp_path, options)
    codec, ceiling = result["rows"]["codec"], result["rows"]["ceiling"]
    assert codec is not None and ceiling is not None and not result["failures"]
    assert ceiling["AbsRel"]["value"] > codec["AbsRel"]["value"]  # type: ignore[operator]
    assert result["decoding"]["tokens"] == 48
