from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.errors import UsageError
from visiongen.prompt import Legend
from visiongen.tasks import predict, predict_many
from visiongen.tasks.depth import Depth
from visiongen.tasks.image import Image
from visiongen.tasks.semantic import Semantic
from visiongen.tasks.tiles import feather, spans


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 300), st.integers(1, 50))
def test_spans_cover_and_own_every_pixel_once(blocks: int, tile_blocks: int) -> None:
    length, tile = blocks * 8, tile_blocks * 8
    found = spans(length, tile)
    assert found[0].start == 0 and found[-1].stop == length
    owned = [p for s in found for p in range(s.own_start, s.own_stop)]
    assert owned == list(range(length))
    for span in found:
        assert span.start % 8 == 0 and span.stop - span.start == min(tile, length)
        assert span.start <= span.own_start < span.own_stop <= span.stop
        weight = feather(span, length)
        assert weight.shape == (min(tile, length),) and (weight > 0).all() and (weight <= 1).all()
    for one, two in itertools.pairwise(found):
        assert two.start > one.start
        assert one.stop - two.start >= min(tile * 0.25, tile - 8) - 4


def test_a_photo_of_one_tile_is_the_untiled_prediction(known_backbone) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    for name in ("semantic", "normals"):
        whole = predict(name, photo, backbone=known_backbone(), long_side=96)
        tiled = predict(name, photo, backbone=known_backbone(), long_side=96, tile=True)
        assert np.allclose(whole.labels, tiled.labels, atol=1e-5)
        assert np.array_equal(whole.map, tiled.map)


def test_blending_is_in_label_space(known_backbone) -> None:
    """Where tiles disagree on the class no third class appears; on depth, no wild one."""
    semantic, depth = Semantic(), Depth()
    legend = Legend.parse("a=#ff0000,b=#808000,c=#00ff00")  # b is the mix of a and c
    codec = semantic.codec(legend)
    one, two = (semantic.soften(codec.encode(np.full((8, 8), k)), codec)[0] for k in (0, 2))
    for weight in np.linspace(0, 1, 11):
        labels, factor = semantic.harden(weight * one + (1 - weight) * two)
        assert set(np.unique(labels)) <= {0, 2} and factor.max() <= 1
    walk = depth.codec()
    one, two = (depth.soften(walk.encode(np.full((8, 8), d, "f4")), walk)[0] for d in (2.0, 8.0))
    middle, _ = depth.harden((one + two) / 2)
    assert np.allclose(middle, 4, rtol=0.01)  # the geometric mean


def test_sky_against_ground_is_a_vote() -> None:
    depth, walk = Depth(), Depth().codec()
    sky, near = (depth.soften(walk.encode(np.full((8, 8), d, "f4")), walk)[0] for d in (np.inf, 2.0))
    assert np.isinf(depth.harden(0.6 * sky + 0.4 * near)[0]).all()
    assert np.allclose(depth.harden(0.4 * sky + 0.6 * near)[0], 2, rtol=0.01)


def test_tiles_of_depth_take_the_wholes_scale() -> None:
    """A crop alone looks nearer or farther; the median shift in log depth undoes that."""
    depth, walk = Depth(), Depth().codec()
    truth = np.linspace(2, 9, 64).reshape(8, 8).astype(np.float32)
    whole, _ = depth.soften(walk.encode(truth), walk)
    wrong, _ = depth.soften(walk.encode(truth * 3), walk)
    assert np.allclose(depth.harden(depth.align(wrong, whole))[0], truth, rtol=0.02)
    relative = Depth(relative=True)
    values = np.linspace(0, 1, 64).reshape(8, 8, 1).astype(np.float32)
    assert np.allclose(relative.align(values * 0.3 + 0.1, values), values, atol=1e-5)
    flat = relative.align(np.full_like(values, 0.7), values)
    assert np.allclose(flat, values.mean())


def test_unknown_stays_unknown(known_backbone) -> None:
    semantic = Semantic(unknown_distance=10)
    legend = Legend.parse("a=#ff0000,b=#00ff00")
    codec = semantic.codec(legend)
    painted = codec.encode(np.array([[0, 255], [1, 255]]))
    labels, factor = semantic.harden(semantic.soften(painted, codec)[0])
    assert labels.tolist() == [[0, 255], [1, 255]] and (factor[:, 1] == 0).all()


def test_many_classes_in_half_precision(known_backbone) -> None:
    k = 150
    legend = Legend(tuple(map(str, range(k))), tuple((i, 255 - i, i // 2) for i in range(k)))
    photo = np.repeat(np.arange(240, dtype=np.uint8)[:, None, None], 96, 1).repeat(3, 2)
    result = predict("semantic", photo, legend=legend, backbone=known_backbone(), long_side=96, tile=True)
    truth = photo[..., 0].astype(int) * k // 256
    assert (abs(result.labels.astype(int) - truth) <= 1).mean() > 0.99


def test_whole_side_is_an_option(known_backbone) -> None:
    photo = np.zeros((400, 600, 3), np.uint8)
    result = predict("normals", photo, backbone=known_backbone(), long_side=96, tile=240)
    assert result.geometry.work_size == (160, 240) and result.labels.shape == (400, 600, 3)


def test_tasks_share_each_tile(known_backbone) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (128, 160, 3), np.uint8)
    backbone = known_backbone()
    results = predict_many(["depth", "normals"], photo, backbone=backbone, long_side=64, tile=True)
    tiles = results[0].stats["tiles"]
    assert len(backbone.seen) == tiles + 1 and results[1].stats["tokens"] == 10 * (tiles + 1)


MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
from conftest import KnownBackbone
from visiongen.tasks import predict_many
photo = np.zeros((3000, 4000, 3), np.uint8)
photo[...] = np.arange(4000)[None, :, None] % 251
names = ["semantic", "depth", "normals"]
for result in predict_many(names, photo, backbone=KnownBackbone(0.9), long_side=640, tile=True):
    assert result.labels.shape[:2] == (3000, 4000)
result.save(sys.argv[2], "large")  # the normals, the largest of the three
# not ru_maxrss where there is another way: a child's starts with that of the process that made it
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
peak = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
print((peak[0] if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) // 1024)
"""


@pytest.mark.slow
def test_twelve_megapixels_stay_under_two_gigabytes(tmp_path: Path) -> None:
    """Three tasks at once, at the photo's own size; torch itself adds about 0.4 GB."""
    here = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-c", MEMORY, here, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1500


def test_a_photo_longer_than_what_is_painted_in_one_piece(known_backbone) -> None:
    photo = np.zeros((1200, 9000, 3), np.uint8)
    found = predict("depth", photo, backbone=known_backbone(), long_side=2048, tile=True)
    assert found.labels.shape == (1200, 9000)


@pytest.mark.parametrize("tile", [False, True])
def test_a_map_is_not_asked_beside_a_photo(tile: bool) -> None:
    backbone, image = EmbeddedBackbone.random("nano"), np.zeros((64, 96, 3), np.uint8)
    image[::3] = 200
    with pytest.raises(UsageError, match="one of them reads a map"):
        predict_many([Image("depth"), "depth"], image, backbone=backbone, long_side=48, tile=tile)
