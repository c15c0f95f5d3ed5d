"""Photos from maps, and holes filled: what the generator is shown, and what must not change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.errors import InputError, UsageError
from visiongen.fill import TEXT, cover, keep_mask
from visiongen.prompt import Legend
from visiongen.tasks import inpaint, predict
from visiongen.tasks.codecs import write_map_png
from visiongen.tasks.codecs.importers.normals import DirectXNormals
from visiongen.tasks.codecs.legend import LegendNearest
from visiongen.tasks.codecs.panoptic import BorderPanoptic
from visiongen.tasks.depth import Depth
from visiongen.tasks.image import window
from visiongen.training.targets.holes import fill_order

LEGEND = Legend.parse("road=#804080,sky=#8080ff")
RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (60, 90, 3), np.uint8)


@pytest.fixture(scope="module")
def nano() -> EmbeddedBackbone:
    return EmbeddedBackbone.random("nano")


def test_a_map_file_says_what_it_is(tmp_path: Path, known_backbone) -> None:
    labels = np.kron([[0, 1], [1, 0]], np.ones((24, 32), int)).astype(np.uint8)
    codec = LegendNearest(LEGEND)
    path = write_map_png(tmp_path / "a.map.png", codec.encode(labels), codec)
    result = predict("image", path, backbone=known_backbone())
    assert result.prompt.text == "photo from segment" and result.prompt.legend == LEGEND
    assert result.task == "image" and result.unit == "sRGB" and result.photo_name == "a.map.png"
    assert result.geometry.work_size == (48, 64), "painted at the map's own size"
    depth = Depth().codec().encode(np.full((400, 600), 3, np.float32))
    path = write_map_png(tmp_path / "d.png", depth, Depth().codec())
    result = predict("image", path, backbone=known_backbone())
    assert result.prompt.text == "photo from depth" and result.prompt.legend is None
    assert result.geometry.work_size == (168, 256) and result.labels.shape == (400, 600, 3)
    path = write_map_png(tmp_path / "n.png", PHOTO, DirectXNormals())
    with pytest.raises(InputError, match=r"n\.png: painted with normals/directx@1"):
        predict("image", path, backbone=known_backbone())
    panoptic = BorderPanoptic(Legend.parse("car=#ff0000,border=#ffffff"), things=("car",))
    path = write_map_png(tmp_path / "p.png", panoptic.encode(labels * 0 + 1), panoptic)
    with pytest.raises(InputError, match=r"p\.png: painted with panoptic/border@1"):
        predict("image", path, backbone=known_backbone())


def test_a_map_is_never_mixed(known_backbone) -> None:
    """What the generator is shown of a legend map holds the legend's colours alone, at any size."""
    labels = RNG.integers(0, 2, (90, 77)).astype(np.uint8)
    painted = LegendNearest(LEGEND).encode(labels)
    for size in (32, 160):
        result = predict(
            "image", painted, source="semantic", legend=LEGEND, backbone=known_backbone(), long_side=size
        )
        assert {tuple(c) for c in result.seen.reshape(-1, 3).tolist()} == set(LEGEND.colours)


@pytest.mark.parametrize("source", ["semantic", "depth", "normals", "edges"])
def test_sources(source: str, known_backbone) -> None:
    result = predict("image", PHOTO, source=source, backbone=known_backbone())
    assert result.prompt.text.startswith("photo from ") and result.labels.shape == PHOTO.shape
    assert (result.prompt.legend is not None) == (source == "semantic")
    dark = predict("image", PHOTO, source=source, extra="at night", backbone=known_backbone())
    assert dark.prompt.text == f"{result.prompt.text} at night"


def test_refusals(known_backbone) -> None:
    backbone = known_backbone()
    for options, words in (
        ({}, "what does the map show"),
        ({"source": "sound"}, "source 'sound'"),
        ({"source": "depth", "legend": LEGEND}, "legend"),
    ):
        with pytest.raises(UsageError, match=words):
            predict("image", PHOTO, backbone=backbone, **options)
    assert not backbone.seen


def test_keep_and_cover() -> None:
    hole = np.zeros((40, 48), bool)
    hole[17, 9] = True
    keep = keep_mask(hole, margin=0)
    assert (~keep).sum() == 1 and not keep[2, 1]
    assert (~keep_mask(hole)).sum() == 9
    shown = cover(np.full((40, 48, 3), 9, np.uint8), keep)
    assert (shown[16:24, 8:16] == 128).all() and (shown == 128).sum() == 3 * 64


def test_window_is_twice_the_hole() -> None:
    hole = np.zeros((400, 600), bool)
    hole[100:200, 500:600] = True
    top, left, high, wide = window(hole)
    assert (high, wide) == (200, 200) and (top, left) == (50, 400)
    assert window(np.ones((30, 20), bool)) == (0, 0, 30, 20)
    speck = np.zeros((400, 600), bool)
    speck[100:104, 300:310] = True
    assert window(speck) == (70, 273, 64, 64), "at least 64 pixels"


def test_outside_the_mask_nothing_changes(nano: EmbeddedBackbone, tmp_path: Path) -> None:
    photo = RNG.integers(0, 256, (150, 211, 3), np.uint8)
    mask = np.zeros((150, 211), bool)
    mask[70:95, 30:61] = True
    result = inpaint(photo, mask, backbone=nano, long_side=96)
    assert np.array_equal(result.labels[~mask], photo[~mask])
    assert (result.labels[mask] != photo[mask]).mean() > 0.9
    assert (result.confidence[~mask] == 1).all() and result.confidence[mask].max() < 1
    assert result.prompt.text == TEXT and result.task == "image"
    held = result.prompt.held
    assert held is not None and np.array_equal(result.tokens[held.keep], encoded(nano, held.image)[held.keep])
    top, left, high, wide = result.stats["window"]
    inside = mask[top : top + high, left : left + wide]
    assert inside.sum() == mask.sum() and result.stats["kept"] == held.keep.sum()
    told = result.as_dict()
    assert told["size"] == [150, 211] and told["geometry"]["input_size"] == [high, wide] != told["size"]
    Pictures.fromarray(photo).save(tmp_path / "p.png")
    Pictures.fromarray((mask * 255).astype(np.uint8)).save(tmp_path / "m.png")
    again = inpaint(tmp_path / "p.png", tmp_path / "m.png", backbone=nano, long_side=96)
    assert np.array_equal(again.labels, result.labels) and again.photo_name == "p.png"


def encoded(backbone: EmbeddedBackbone, image: np.ndarray) -> np.ndarray:
    import torch

    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
    return backbone.tokenizer.encode(pixels)[0].numpy()


def test_the_hole_does_not_leak(nano: EmbeddedBackbone) -> None:
    """Whatever lies under the mask, the same is painted."""
    mask = np.zeros(PHOTO.shape[:2], bool)
    mask[20:40, 30:60] = True
    other = PHOTO.copy()
    other[mask] = RNG.integers(0, 256, (int(mask.sum()), 3))
    one, two = (inpaint(p, mask, backbone=nano, long_side=96) for p in (PHOTO, other))
    assert np.array_equal(one.map, two.map)


def test_samples_differ_and_reproduce(nano: EmbeddedBackbone) -> None:
    mask = np.ones(PHOTO.shape[:2], bool)
    mask[:, :60] = False
    a, b, c = (inpaint(PHOTO, mask, backbone=nano, mode="sample", seed=s).labels for s in (1, 1, 2))
    assert np.array_equal(a, b) and not np.array_equal(a, c)


def test_bad_masks(nano: EmbeddedBackbone, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no hole"):
        inpaint(PHOTO, np.zeros(PHOTO.shape[:2], bool), backbone=nano)
    with pytest.raises(InputError, match="but the photo is 90x60"):
        inpaint(PHOTO, np.ones((10, 10), bool), backbone=nano)
    hole = np.zeros(PHOTO.shape[:2], bool)
    hole[8:40, 8:40] = True
    for odd in (hole.astype(np.uint8), hole.astype(float), np.where(hole, np.nan, 0.0)):
        with pytest.raises(InputError, match=r"give bool \(mask > 0\.5\)"):
            inpaint(PHOTO, odd, backbone=nano)
    with pytest.raises(InputError, match="the whole photo"):
        inpaint(PHOTO, ~(hole & ~hole), backbone=nano)
    with pytest.raises(InputError, match="mask: a NoneType"):
        inpaint(PHOTO, None, backbone=nano)  # type: ignore[arg-type]


def test_an_order_to_learn_filling() -> None:
    photo = RNG.integers(0, 256, (64, 80, 3), np.uint8)
    given, target = fill_order(photo, np.random.default_rng(0))
    assert np.array_equal(target.map, photo) and target.prompt.text == TEXT
    assert target.prompt.task == "image" and target.prompt.held is not None and target.valid is not None
    assert (given[target.valid] == 128).all() and (given[~target.valid] == photo[~target.valid]).all()
    assert np.array_equal(target.valid, ~np.kron(target.prompt.held.keep, np.ones((8, 8), bool)))


def test_a_maps_own_codec_is_not_overruled(tmp_path: Path, known_backbone) -> None:
    codec = LegendNearest(LEGEND)
    path = write_map_png(tmp_path / "a.map.png", codec.encode(np.zeros((48, 64), np.uint8)), codec)
    with pytest.raises(InputError, match="its source is semantic, not depth"):
        predict("image", path, source="depth", backbone=known_backbone())
    with pytest.raises(InputError, match="own legend is"):
        predict("image", path, legend=Legend.parse("cup=#804080"), backbone=known_backbone())
    same = predict("image", path, source="semantic", legend=LEGEND, backbone=known_backbone())
    assert same.prompt.legend == LEGEND


def test_masks_as_people_draw_them(nano: EmbeddedBackbone, tmp_path: Path) -> None:
    hole = np.zeros(PHOTO.shape[:2], bool)
    hole[8:40, 8:40] = True
    plain = inpaint(PHOTO, hole, backbone=nano, long_side=64)
    layer = np.zeros((*hole.shape, 4), np.uint8)
    layer[hole] = 255  # white where the hole is, transparent elsewhere
    Pictures.fromarray(layer).save(tmp_path / "layer.png")
    white = np.dstack([np.full_like(layer[..., :3], 255), layer[..., 3]])  # what is transparent is white, too
    as_pil = Pictures.open(tmp_path / "layer.png")
    gray = np.where(hole, 128, 127).astype(np.uint8)
    for mask in (tmp_path / "layer.png", as_pil, Pictures.fromarray(white), white, hole[..., None], gray):
        found = inpaint(PHOTO, mask, backbone=nano, long_side=64)
        assert np.array_equal(found.labels, plain.labels)
