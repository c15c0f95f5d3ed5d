"""docs/make_failures.py: which images are shown, and that the truth beside them is the truth."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from bench_helpers import Reader, make_camvid
from PIL import Image

from visiongen.benchmarks.report.read import Run, read_run
from visiongen.benchmarks.report.source import Source
from visiongen.benchmarks.runner import Options, run
from visiongen.tasks.codecs.legend import LegendNearest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))
import make_failures

COUNT = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over frames that are ours, by a generator that reads the red channel, and one over photos."""
    out = tmp_path_factory.mktemp("runs")
    run("world-semantic", Reader(), out / "ours", Options(rows=(), limit=COUNT))
    data = make_camvid(tmp_path_factory.mktemp("data") / "camvid11")
    run("camvid11", Reader(), out / "theirs", Options(data=data, rows=(), limit=COUNT))
    return out


@pytest.fixture
def ours(folder: Path) -> Run:
    return read_run(folder / "ours")


def test_photos_of_datasets_are_never_shown(folder: Path, ours: Run) -> None:
    both = [read_run(folder / "theirs"), ours]
    assert [found.result["benchmark"] for found in make_failures.published(both)] == ["world-semantic"]


def test_random_ones_depend_on_the_seed_alone(ours: Run) -> None:
    names = [name for name, _ in make_failures.drawn(ours, 0, COUNT)]
    assert sorted(names) == sorted(ours.plan["images"])
    assert [name for name, _ in make_failures.drawn(ours, 0, 2)] == names[:2]
    assert len({tuple(n for n, _ in make_failures.drawn(ours, seed, COUNT)) for seed in range(8)}) > 1
    better = Run(ours.folder, ours.plan, ours.result, records={})  # another release: other scores
    assert [name for name, _ in make_failures.drawn(better, 0, COUNT)] == names


def test_the_worst_are_the_worst(ours: Run) -> None:
    values = sorted(value for _, value in ours.image_scores())
    assert [value for _, value in make_failures.worst(ours, 3)] == values[:3], "mIoU: lower is worse"


def test_truth_and_painting_are_what_they_are_called(ours: Run) -> None:
    (name, _), *_ = make_failures.drawn(ours, 0, 1)
    source = Source.open(ours, None, [name])
    item = source.item(name)
    photo, truth, painted = make_failures.pictures(source, item)
    legend = item.options["legend"]
    assert np.array_equal(photo, item.photo())
    ids = LegendNearest(legend).decode(truth)[0]
    scorer = source.benchmark.scorer
    wanted = scorer.labels(scorer.shrink(item.truth(), ids.shape[:2]), item.options)
    known = wanted < len(legend)
    assert known.any() and np.array_equal(ids[known], wanted[known])
    found = source.predictions(item, photo.shape[:2])["semantic"]
    (expected,) = Reader().scene(found.geometry.apply(photo)).paint([found.prompt])
    assert np.array_equal(painted, expected.image)


def test_both_pictures_are_written_and_small(folder: Path, tmp_path: Path) -> None:
    make_failures.main([str(folder), "--each", "1", "--out", str(tmp_path)])
    for name in ("random", "worst"):
        picture = Image.open(tmp_path / f"{name}.png")
        assert picture.size[0] > 3 * make_failures.HEIGHTS[0], "photo, truth and painting side by side"
        assert (tmp_path / f"{name}.png").stat().st_size < make_failures.BUDGET


def test_a_picture_shrinks_until_it_fits() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    large, small = (make_failures.fitted([[("noise", noise)]], budget) for budget in (10**6, 12_000))
    assert len(small) <= 12_000 < len(large)
    sizes = [Image.open(io.BytesIO(content)).size for content in (large, small)]
    assert sizes[0][1] > sizes[1][1] >= make_failures.HEIGHTS[-1]
