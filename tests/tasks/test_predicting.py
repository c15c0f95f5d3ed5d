from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.errors import InputError, UsageError
from visiongen.geometry import Geometry
from visiongen.image import as_photo
from visiongen.prompt import Legend
from visiongen.registry import TASKS
from visiongen.tasks import predict, predict_many
from visiongen.tasks.depth import Depth
from visiongen.tasks.semantic import DEFAULT_LEGEND
from visiongen.world.classes import CAMVID_NAMES

PHOTO = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)


def test_one_reading_for_many_tasks(known_backbone) -> None:
    backbone = known_backbone()
    names = ["semantic", "depth", "normals"]
    many = predict_many(names, PHOTO, backbone=backbone, long_side=96)
    assert [p.task for p in many] == names and len(backbone.seen) == 1
    for name, shared in zip(names, many, strict=True):
        alone = predict(name, PHOTO, backbone=known_backbone(), long_side=96)
        assert np.array_equal(alone.labels, shared.labels)


def test_path_and_orientation(tmp_path: Path, known_backbone) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(PHOTO).save(tmp_path / "turned.png", exif=exif)
    result = predict("depth", tmp_path / "turned.png", backbone=known_backbone(), long_side=96)
    assert result.labels.shape == (96, 64) and result.photo_name == "turned.png"
    upright = predict("depth", np.rot90(PHOTO, -1).copy(), backbone=known_backbone(), long_side=96)
    assert np.array_equal(result.labels, upright.labels)


def test_legends(known_backbone) -> None:
    default = predict("semantic", PHOTO, backbone=known_backbone())
    assert default.legend == DEFAULT_LEGEND and len(DEFAULT_LEGEND) == 11
    text = "a=#102030,b=#e0c0a0"
    result = predict("semantic", PHOTO, legend=text, backbone=known_backbone())
    assert result.legend == Legend.parse(text) and set(np.unique(result.labels)) == {0, 1}
    colours = {tuple(c) for c in result.picture().reshape(-1, 3).tolist()}
    assert colours == set(result.legend.colours)
    share = result.summary()["share"]
    assert set(share) == {"a", "b"} and sum(share.values()) == pytest.approx(1, abs=1e-4)


def test_default_legend_names_are_the_training_names() -> None:
    assert DEFAULT_LEGEND.names == CAMVID_NAMES


def test_task_options(known_backbone) -> None:
    many = predict_many(["depth", "normals"], PHOTO, backbone=known_backbone(), relative=True)
    assert [p.unit for p in many] == ["relative", "unit vector"]
    assert many[0].prompt.text == "relative depth"
    task = predict(Depth(relative=True), PHOTO, backbone=known_backbone())
    assert np.array_equal(task.labels, many[0].labels)
    strict = predict("semantic", PHOTO, backbone=known_backbone(), unknown_distance=5.0)
    assert strict.codec.spec()["unknown_distance"] == 5.0


def test_usage_errors(known_backbone) -> None:
    backbone = known_backbone()
    cases = [
        (lambda: predict("dpeth", PHOTO, backbone=backbone), "did you mean 'depth'"),
        (lambda: predict("depth", PHOTO, backbone=backbone, legend="a=#000000"), "legend"),
        (lambda: predict("depth", PHOTO, backbone=backbone, colour=3), "option 'colour'"),
        (lambda: predict("depth", PHOTO, backbone=backbone, mode="fast"), "mode 'fast'"),
        (lambda: predict("depth", PHOTO, backbone=backbone, long_side=2), "long_side=2"),
        (lambda: predict("depth", PHOTO, backbone=backbone, top_k=0), "top_k"),
        (lambda: predict("depth", PHOTO, backbone=backbone, top_p=0.5), "top_p: mode verified does not"),
        (lambda: predict_many([], PHOTO, backbone=backbone), "none given"),
    ]
    for call, words in cases:
        with pytest.raises(UsageError, match=words):
            call()
    assert not backbone.seen


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((10, 20000, 3), np.uint8),
        np.zeros((64, 64), np.uint8),
        np.full((64, 64, 3), np.nan, np.float32),
    ],
)
def test_unusable_arrays(photo: np.ndarray, known_backbone) -> None:
    with pytest.raises(InputError):
        predict("depth", photo, backbone=known_backbone())


def test_known_labels_come_back(known_backbone) -> None:
    """Depth and sky of a photo whose answer is known, at the painted size and enlarged."""
    photo = np.zeros((64, 96, 3), np.uint8)
    photo[:32, :, 1] = 255  # sky
    photo[32:, :, 1] = 64  # 5 m
    result = predict("depth", photo, backbone=known_backbone(), long_side=48)
    assert np.isinf(result.labels[:31]).all()
    assert np.allclose(result.labels[33:], 5, rtol=0.005)
    assert set(np.unique(np.isinf(result.labels))) == {False, True}
    relative = result.relative()  # type: ignore[attr-defined]
    assert (relative[:31] == 0).all() and relative.min() >= 0 and relative.max() <= 1


def test_each_task_is_painted_at_its_own_size_unless_told(known_backbone) -> None:
    backbone = known_backbone()
    names = ["depth", "semantic", "normals"]
    sizes = {p.task: max(p.geometry.work_size) for p in predict_many(names, PHOTO, backbone=backbone)}
    assert sizes == {name: TASKS.get(name).long_side for name in names}
    assert len(set(sizes.values())) > 1
    told = predict_many(names, PHOTO, backbone=backbone, long_side=96)
    assert [p.task for p in told] == names and {max(p.geometry.work_size) for p in told} == {96}


def test_photos_of_other_kinds(known_backbone) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    found = predict("depth", Image.fromarray(photo), backbone=known_backbone(), long_side=24)
    same = predict("depth", photo, backbone=known_backbone(), long_side=24)
    assert np.array_equal(found.labels, same.labels)
    turned = Image.fromarray(photo)
    turned.getexif()[0x0112] = 6
    assert predict("depth", turned, backbone=known_backbone(), long_side=24).labels.shape == (24, 16)
    for odd in (None, 5, photo.tolist(), b"x"):
        with pytest.raises(InputError, match=r"photo: a \w+; give a path, a PIL image"):
            predict("depth", odd, backbone=known_backbone())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"long_side": "64"}, "long_side='64'"),
        ({"long_side": float("nan")}, "long_side=nan"),
        ({"long_side": 10**6}, "long_side=1000000: at most 8192"),
        ({"long_side": np.int64(10**6)}, "long_side=1000000: at most 8192"),
        ({"tile": "yes"}, "tile='yes'"),
        ({"mirror": "no"}, "mirror='no'"),
        ({"backbone": "nano"}, "EmbeddedBackbone.load"),
        ({"legend": ["road", "sky"]}, "give names with colours"),
        ({"legend": 5}, "give names with colours"),
    ],
)
def test_arguments_of_a_wrong_kind(options: dict, told: str, known_backbone) -> None:
    photo = np.zeros((16, 24, 3), np.uint8)
    with pytest.raises(UsageError, match=re.escape(told)):
        predict("semantic", photo, **{"backbone": known_backbone(), **options})
    with pytest.raises(UsageError, match="give a list"):
        predict_many("depth", photo, backbone=known_backbone())


@pytest.mark.parametrize("task", [["depth", "normals"], TASKS.get("depth"), None])
def test_what_is_no_task(task: object, known_backbone) -> None:
    with pytest.raises(UsageError, match="give a name or a task object; predict_many takes a list"):
        predict(task, np.zeros((16, 24, 3), np.uint8), backbone=known_backbone())


@pytest.mark.parametrize("kind", ["0 to 1", "16 bits", "0 to 255", "gray", "one channel", "RGBA", "first"])
def test_an_array_of_another_kind_is_told_what_makes_it_a_photo(kind: str) -> None:
    """What stands behind "give" is tried."""
    right = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    photo = {
        "0 to 1": right / 255,
        "16 bits": right.astype(np.uint16) * 257,
        "0 to 255": right.astype(int),
        "gray": right[..., 0],
        "one channel": right[..., :1],
        "RGBA": np.dstack([right, right[..., :1]]),
        "first": right.transpose(2, 0, 1),
    }[kind]
    with pytest.raises(
        InputError, match=re.escape(f"{photo.dtype} {photo.shape} is not uint8 RGB")
    ) as caught:
        as_photo(photo)
    remedy = re.search(r"(?:give|last:) (.+?)(?:, or .*)?$", str(caught.value))
    assert remedy
    found = as_photo(eval(remedy[1], {"np": np, "photo": photo}))
    gray = kind in ("gray", "one channel")
    assert np.array_equal(found, np.repeat(right[..., :1], 3, axis=2) if gray else right)


MANY = Legend(tuple(map(str, range(256))), tuple((i, i, i) for i in range(256)))


@pytest.mark.parametrize(
    ("task", "options", "told"),
    [
        ("panoptic", {"things": ("nope",)}, "'nope' is no class of the legend"),
        ("panoptic", {"things": "Car"}, "'Car' is no class of the legend; choose from sky, building, pole"),
        ("panoptic", {"things": 5}, "things=5: give names of the legend"),
        ("panoptic", {"min_area": 0}, "min_area=0"),
        ("panoptic", {"legend": "border=#ffffff,car=#ff0000"}, "'border' must be the legend's last entry"),
        ("semantic", {"unknown_distance": "far"}, "unknown_distance='far'"),
        ("semantic", {"legend": MANY}, "256 entries"),
    ],
)
def test_what_cannot_be_read_is_refused_before_painting(
    task: str, options: dict, told: str, known_backbone
) -> None:
    """A usage mistake: it must stop a batch at its first photo, not fail every one after its painting."""
    backbone = known_backbone()
    with pytest.raises(UsageError, match=re.escape(told)):
        predict(task, PHOTO, backbone=backbone, **options)
    assert not backbone.seen


def test_a_legend_as_a_mapping_or_pairs(known_backbone) -> None:
    photo = np.zeros((16, 24, 3), np.uint8)
    for given in ({"road": "#804080", "sky": (1, 2, 3)}, [("road", "#804080"), ("sky", (1, 2, 3))]):
        found = predict("semantic", photo, legend=given, backbone=known_backbone(), long_side=24)
        assert found.legend == Legend.parse("road=#804080,sky=#010203")


def test_what_was_seen_is_not_the_callers_buffer(known_backbone) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    before = frame.copy()
    result = predict("semantic", frame, backbone=known_backbone(), long_side=96)
    frame[:] = 0
    assert np.array_equal(result.seen, before)


def test_tasks_that_see_the_same_share_one_view(known_backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, apply = [], Geometry.apply

    def once(self: Geometry, photo: np.ndarray) -> np.ndarray:
        shown.append(self.work_size)
        return apply(self, photo)

    monkeypatch.setattr(Geometry, "apply", once)
    predict_many(["depth", "normals", "edges"], PHOTO, backbone=known_backbone(), long_side=64)
    assert len(shown) == 1
