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
from visiongen.tasks.codecs import read_map_png
from visiongen.tasks.depth import Depth
from visiongen.tasks.image import Image
from visiongen.tasks.semantic import Semantic
from visiongen.tasks.tiles import feather, spans


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 300), st.integers(1, 50))
def test_spans_cover_every_pixel(blocks: int, tile_blocks: int) -> None:
    length, tile = blocks * 8, tile_blocks * 8
    found = spans(length, tile)
    tile = max(16, tile)  # a tile of 8 could not overlap
    assert found[0].start == 0 and found[-1].stop == length
    for span in found:
        assert span.start % 8 == 0 and span.stop - span.start == min(tile, length)
        weight = feather(span, length)
        assert weight.shape == (min(tile, length),) and (weight > 0).all() and (weight <= 1).all()
    for one, two in itertools.pairwise(found):
        assert one.start < two.start and one.stop - two.start >= tile * 0.25


def test_a_photo_of_one_tile_is_the_untiled_prediction(known_backbone) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    for name in ("semantic", "normals"):
        whole = predict(name, photo, backbone=known_backbone(), long_side=96)
        tiled = predict(name, photo, backbone=known_backbone(), long_side=96, tile=True)
        assert np.allclose(whole.labels, tiled.labels, atol=1e-5)
        gap = np.abs(whole.map.astype(int) - tiled.map).max()
        assert gap <= (name == "normals"), "painted anew: a unit vector's rounding may be another one"


class Moody:
    """Paints the known answer a little differently in every scene, as generators do."""

    weights = None

    def __init__(self, known, change) -> None:
        self.known, self.change, self.count = known, change, 0

    def scene(self, photo=None, size=None):
        self.count += 1
        scene = self.known.scene(photo, size)
        truth, count = scene.labels, self.count
        scene.labels = lambda prompt: self.change(truth(prompt), count)
        return scene


def ids_of(labels: np.ndarray) -> np.ndarray:
    """Numbers by first appearance: instances have no order of their own."""
    _, first, index = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[index].reshape(labels.shape)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("semantic", lambda labels, count: (labels + (np.indices(labels.shape)[1] % 7 < count % 4)) % 11),
        ("depth", lambda labels, count: labels * (1 + count % 3)),
        ("matting", lambda labels, count: np.clip(labels + 0.1 * (count % 3), 0, 1)),
        ("normals", lambda labels, count: labels if count % 2 else np.roll(labels, 3, axis=1)),
        ("referring", lambda labels, count: labels if count == 1 else np.ones_like(labels)),
        ("panoptic", lambda labels, count: labels if count % 2 else np.roll(labels, 3, axis=1)),
        ("instance", lambda labels, count: labels if count % 2 else np.roll(labels, 3, axis=1)),
    ],
)
def test_the_map_of_tiles_decodes_to_their_labels(name: str, change, known_backbone, tmp_path: Path) -> None:
    """Tiles that disagree are aligned and averaged; the map that is saved is that of the outcome."""
    photo = np.zeros((96, 192, 3), np.uint8)
    photo[...] = np.where(np.arange(192) < 96, 60, 190)[:, None]
    photo[40:, 20:60, :2] = 130
    result = predict(name, photo, backbone=Moody(known_backbone(), change), long_side=64, tile=True)
    assert result.geometry.work_size == (96, 192), "labels and map are compared pixel by pixel"
    painted, codec = read_map_png(next(p for p in result.save(tmp_path, "x") if p.name.endswith(".map.png")))
    found = codec.decode(painted)[0]
    if name == "instance":
        assert result.labels.max() >= 2 and np.array_equal(ids_of(found), ids_of(result.labels))
    elif result.labels.dtype.kind in "biu":
        assert np.array_equal(found, result.labels)
    elif name == "depth":
        assert np.allclose(found, result.labels, rtol=0.01)
    else:
        assert np.abs(found - result.labels).max() < 0.01


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


def test_tiles_fade_into_each_other_over_a_quarter_of_their_side(known_backbone) -> None:
    """Four tiles of one strength each, and what their weights make of them pixel by pixel."""
    photo = np.zeros((64, 160, 3), np.uint8)
    values = [0.0, 1.0, 0.2, 0.6, 0.8]  # of the whole, which no pixel shows, and of the tiles
    backbone = Moody(known_backbone(), lambda labels, count: np.full_like(labels, values[count - 1]))
    found = predict("edges", photo, backbone=backbone, long_side=96, tile=True)
    assert found.geometry.work_size == (64, 160) and backbone.count == 5

    def fade(at: int, start: int, stop: int, length: int) -> float:
        if not start <= at < stop:
            return 0.0
        reach = (stop - start) / 4
        left = (at + 0.5 - start) / reach if start else 1.0
        right = (stop - at - 0.5) / reach if stop < length else 1.0
        return min(1.0, left, right)

    places = [(y, x) for y in ((0, 40), (24, 64)) for x in ((0, 96), (64, 160))]
    wanted = np.zeros((64, 160))
    for y in range(64):
        for x in range(160):
            weights = [fade(y, *rows, 64) * fade(x, *columns, 160) for rows, columns in places]
            wanted[y, x] = np.dot(weights, values[1:]) / sum(weights)
    assert abs(found.labels - wanted).max() < 1e-4
    assert found.labels[0, 0] == 1 and len(np.unique(found.labels.round(3))) > 50
    half = predict("edges", photo, backbone=known_backbone(0.5), long_side=96, tile=True)
    assert half.confidence == pytest.approx(0.5), "the painter's own, weighed as the labels are"


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


class Sown:
    """Keeps the seeds by which it was asked to paint."""

    weights = None

    def __init__(self, known) -> None:
        self.known, self.seeds = known, []

    def scene(self, photo=None, size=None):
        scene = self.known.scene(photo, size)
        paint = scene.paint
        scene.paint = lambda prompts, sampler: self.seeds.append(sampler.seed) or paint(prompts, sampler)
        return scene


def test_every_tile_draws_its_own_numbers(known_backbone) -> None:
    runs = []
    for seed in (7, 7, 8):
        backbone = Sown(known_backbone())
        photo = np.zeros((96, 128, 3), np.uint8)
        found = predict("depth", photo, backbone=backbone, long_side=64, tile=True, mode="sample", seed=seed)
        assert found.sample["seed"] == seed == backbone.seeds[0] and len(backbone.seeds) > 4
        assert len(set(backbone.seeds)) == len(backbone.seeds)
        runs.append(backbone.seeds)
    assert runs[0] == runs[1] and not set(runs[0]) & set(runs[2])
