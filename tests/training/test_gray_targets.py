"""Gray targets and their sources: lines lie on borders, masks on their things, nothing held out is seen."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from visiongen.errors import InputError, MissingDataError, UsageError
from visiongen.training.sources import bsds as source_bsds
from visiongen.training.sources import mattes as source_mattes
from visiongen.training.sources.augment import View
from visiongen.training.sources.bsds import BsdsSource
from visiongen.training.sources.ecssd import EcssdSource
from visiongen.training.sources.mattes import MatteSource
from visiongen.training.targets import Seen
from visiongen.training.targets import gray as targets_gray

H, W = 48, 64
RNG = np.random.default_rng(0)


def seen(things: list[tuple[slice, slice, int]], depth: np.ndarray | None = None) -> Seen:
    """A wall (class 0) with flat boxes (class 1 = "ball") in front."""
    instance = np.ones((H, W), np.int32)
    for number, (rows, columns, _) in enumerate(things, 2):
        instance[rows, columns] = number
    classes = (instance > 1).astype(np.uint8)
    photo = np.full((H, W, 3), 60, np.uint8)
    photo[instance > 1] = (220, 40, 40)
    normals = np.zeros((H, W, 3), np.float32)
    normals[..., 2] = 1
    flat = np.full((H, W), 3, np.float32) if depth is None else depth
    return Seen(
        photo, flat, normals, classes, instance, photo, np.zeros((H, W, 3), np.float32), ("wall", "ball")
    )


BOX = (slice(16, 34), slice(22, 44), 0)
SMALL = (slice(4, 10), slice(2, 9), 0)


def image_of(target: Any) -> np.ndarray:
    return target.map[..., 0] / 255


def test_edges_lie_on_borders_and_are_soft() -> None:
    target = targets_gray.edges(seen([BOX]), RNG)
    values = image_of(target)
    for row in (15, 16, 33, 34):
        assert values[row, 30] == 1
    assert values[25, 30] == 0 and values[2, 2] == 0
    assert ((values > 0.1) & (values < 0.9)).any()
    assert (target.labels[values >= 0.95] == 0).all() and (target.labels[values <= 0.05] == 1).all()
    assert (target.labels[(values > 0.06) & (values < 0.94)] == 255).all()
    assert target.prompt.legend.names == ("edge", "other") and (target.map == target.map[..., :1]).all()


def test_a_slanted_floor_has_no_edges_but_a_jump_has() -> None:
    rows = np.linspace(0.01, 0.3, H, dtype=np.float32)[:, None]
    floor = np.repeat(1 / rows, W, axis=1)  # inverse depth linear in the row: a plane
    assert image_of(targets_gray.edges(seen([], floor), RNG)).max() == 0
    floor[:, 30:] *= 0.5
    jump = image_of(targets_gray.edges(seen([], floor), RNG))
    assert (jump[:, 29:31] == 1).all() and jump[:, :24].max() == 0 and jump[:, 36:].max() == 0


def test_creases_are_as_strong_as_their_angle() -> None:
    def bent(degrees: float) -> float:
        frame = seen([])
        angle = np.radians(degrees)
        frame.normals[:, 32:] = (np.sin(angle), 0, np.cos(angle))
        return float(targets_gray.strength(frame).max())

    assert bent(10) == 0 and 0 < bent(35) < bent(45) < bent(90) == pytest.approx(targets_gray.FOLD)
    right = seen([])
    right.normals[:, 32:] = (1, 0, 0)  # to the last bit: pools keep whole numbers
    assert targets_gray.strength(right).max() == pytest.approx(targets_gray.FOLD)
    right.normals[:, 32:] = 0  # no surface, as in the sky
    assert targets_gray.strength(right).max() == 0


def test_the_thing_that_stands_out() -> None:
    target = targets_gray.salient(seen([BOX, SMALL]), RNG)
    assert target is not None
    mask = np.zeros((H, W), bool)
    mask[BOX[0], BOX[1]] = True
    assert np.array_equal(image_of(target) == 1, mask) and set(np.unique(target.map)) == {0, 255}
    soft = image_of(targets_gray.matting(seen([BOX, SMALL]), RNG))
    assert abs(soft - mask).max() < 0.6 and ((soft > 0) & (soft < 1)).any()
    assert np.array_equal(soft > 0.5, mask)


def test_no_clear_winner_no_target() -> None:
    left, right = (slice(16, 34), slice(8, 28), 0), (slice(16, 34), slice(36, 56), 0)
    for frame in (seen([left, right]), seen([]), seen([SMALL])):
        assert targets_gray.salient(frame, RNG) is None and targets_gray.matting(frame, RNG) is None


# --- sources ------------------------------------------------------------------------------------


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return all(torch.equal(v, b[k]) if isinstance(v, torch.Tensor) else v == b[k] for k, v in a.items())


def levels(batch: dict[str, Any], key: str) -> np.ndarray:
    return ((batch[key].permute(0, 2, 3, 1).numpy() + 1) * 127.5).round().astype(np.uint8)


def check(batch: dict[str, Any], tasks: list[str], size: tuple[int, int]) -> None:
    assert [p.task for p in batch["prompts"]] == tasks
    assert batch["target"].shape[2:] == batch["labels"].shape[1:] == size
    gray, labels = levels(batch, "target")[..., 0] / 255, batch["labels"].numpy()
    assert (gray[labels == 0] >= 0.94).all() and (gray[labels == 1] <= 0.06).all()
    assert (labels[~batch["valid"].numpy()] == 255).all()


@pytest.fixture
def ecssd(tmp_path: Path) -> Path:
    """Red discs on green; number 0601 must never be seen: it is blue all over."""
    root = tmp_path / "ecssd"
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    y, x = np.indices((90, 120))
    for number in (1, 600, 601):
        mask = np.hypot(y - 45, x - 60) < 20 + number % 7
        photo = np.where(mask[..., None], (20, 20, 230), (20, 200, 20)).astype(np.uint8)
        if number == 601:
            photo[:] = (255, 0, 0)
        cv2.imwrite(str(root / "images" / f"{number:04d}.jpg"), photo)
        cv2.imwrite(str(root / "masks" / f"{number:04d}.png"), mask.astype(np.uint8) * 255)
    return root


def test_ecssd(ecssd: Path) -> None:
    options = dict(root=str(ecssd), size=[48, 64], batch=6, jitter=0.0, degrade=0.0)
    source = EcssdSource(tasks=["salient", "matting"], **options)
    for index in range(3):
        batch = source.batch(index, 0)
        check(batch, ["salient", "matting"] * 6, (48, 64))
        photos, maps = levels(batch, "photo").astype(int), levels(batch, "target")[::2, ..., 0]
        red = photos[..., 0] > photos[..., 1]
        assert photos[..., 2].max() < 100, "a held-out photo was trained on"
        assert ((maps > 127) == red).mean() > 0.98
        assert (maps > 127).mean(axis=(1, 2)).min() > 0.05
    assert same(batch, source.batch(2, 0)) and not same(batch, source.batch(2, 1))
    with pytest.raises(MissingDataError):
        EcssdSource(root=str(ecssd / "nowhere")).prepare()
    (ecssd / "masks" / "0600.png").unlink()
    with pytest.raises(InputError, match="0600"):
        EcssdSource(root=str(ecssd)).prepare()


@pytest.fixture
def bsds(tmp_path: Path) -> Path:
    """A bright half; three of four people drew the border, one also a line that nobody else saw."""
    root = tmp_path / "bsds500"
    for part in ("images", "gt"):
        (root / "train" / part).mkdir(parents=True)
    photo = np.zeros((96, 128, 3), np.uint8)
    photo[:, 64:] = 220
    lines = np.zeros((4, 96, 128), bool)
    for person, shift in enumerate((0, 1, -1)):
        lines[person, :, 63 + shift] = True
    lines[3, 20, :40] = True
    cv2.imwrite(str(root / "train" / "images" / "7.jpg"), photo)
    np.savez(root / "train" / "gt" / "7.npz", boundaries=np.packbits(lines, axis=-1), shape=lines.shape)
    return root


def test_bsds(bsds: Path) -> None:
    source = BsdsSource(root=str(bsds), size=[48, 64], batch=4, jitter=0.0, degrade=0.0, whole=0.5)
    shown = 0
    for index in range(3):
        batch = source.batch(index, 0)
        check(batch, ["edges"] * 4, (48, 64))
        photos, maps = levels(batch, "photo")[..., 0].astype(int), levels(batch, "target")[..., 0] / 255
        for photo, painted in zip(photos, maps, strict=True):
            border = np.flatnonzero(abs(np.diff(photo[30])) > 60)
            if len(border):  # the window shows it
                shown += 1
                at = border.mean() + 0.5
                crest = np.flatnonzero(painted[30] >= painted[30].max() - 0.02).mean()
                assert abs(crest - at) <= 1.5 and painted[30].max() == pytest.approx(0.75, abs=0.05)
    assert shown >= 3
    assert not batch["valid"].all(), "the line of one person in four must be left out of the loss"
    assert same(batch, source.batch(2, 0))
    (bsds / "train" / "gt" / "7.npz").write_bytes(b"")
    with pytest.raises(InputError, match=r"7\.npz"):
        BsdsSource(root=str(bsds)).prepare()


def test_lines_are_marked_where_the_view_shows_them() -> None:
    y, x, strength = np.float32([10, 40]), np.float32([20, 90]), np.float32([1, 0.5])
    out = source_bsds.mark(y, x, strength, View(0, 0, 96, 128, (48, 64), False))
    assert np.argwhere(out == 1).mean(axis=0) == pytest.approx((4.75, 9.75), abs=0.3)
    mirrored = source_bsds.mark(y, x, strength, View(0, 0, 96, 128, (48, 64), True))
    assert np.array_equal(mirrored, out[:, ::-1])
    window = source_bsds.mark(y, x, strength, View(30, 80, 24, 32, (24, 32), False))
    assert window.max() == 0.5 and np.argwhere(window).mean(axis=0) == pytest.approx((10, 10), abs=0.6)


@pytest.mark.parametrize("step", [(1, 0), (0, 1), (1, 1), (1, -1)])
@pytest.mark.parametrize("enlarged", [1, 2, 3, 4.5])
def test_an_enlarged_line_has_no_gaps(step: tuple[int, int], enlarged: float) -> None:
    along = np.arange(20, dtype=np.float32)
    y, x = 10 + along * step[0], (30 if step[1] < 0 else 10) + along * step[1]
    size = (int(40 * enlarged), int(40 * enlarged))
    marks = source_bsds.mark(y, x, np.ones(20, np.float32), View(0, 0, 40, 40, size, False))
    lines = targets_gray.draw_lines(marks)
    crest = lines.max(axis=1 if step[0] else 0)
    first, last = int(12 * enlarged), int(28 * enlarged)
    assert crest[first:last].min() > 0.8
    assert (marks > 0).sum() <= 4 * 20 * enlarged + 8  # and is not much wider than two pixels


@pytest.fixture
def mattes(tmp_path: Path, ecssd: Path) -> dict[str, str]:
    root = tmp_path / "matting_alpha"
    (root / "alphamatting_train27").mkdir(parents=True)
    (root / "lego_cutouts_rgba").mkdir()
    y, x = np.indices((90, 120))
    alpha = np.clip((30 - np.hypot(y - 45, x - 60)) / 6 + 0.5, 0, 1)
    front = np.broadcast_to(np.array([30, 30, 220.0]), (90, 120, 3))  # red, in OpenCV's order
    photo = alpha[..., None] * front + (1 - alpha[..., None]) * np.array([200, 200, 20.0])
    for number in (1, 15):
        shown = photo if number == 1 else np.full_like(photo, 0)
        base = root / "alphamatting_train27" / f"GT{number:02d}"
        cv2.imwrite(f"{base}_rgb.jpg", shown.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 98])
        cv2.imwrite(f"{base}_alpha.png", (alpha * 255).astype(np.uint8))
    rgba = np.dstack([front, alpha * 255]).astype(np.uint8)
    cv2.imwrite(str(root / "lego_cutouts_rgba" / "one.png"), rgba)
    backs = tmp_path / "backs"
    backs.mkdir()
    cv2.imwrite(str(backs / "a.jpg"), np.full((64, 64, 3), (200, 20, 20), np.uint8))
    return {"root": str(root), "masks": str(ecssd), "backgrounds": [str(backs)]}  # type: ignore[dict-item]


@pytest.mark.parametrize("kind", range(4))
def test_mattes_fit_what_is_composed(kind: int, mattes: dict[str, str]) -> None:
    shares = [float(k == kind) for k in range(4)]
    source = MatteSource(**mattes, size=[48, 64], batch=4, shares=shares, jitter=0.0, degrade=0.0)  # type: ignore
    covered = 0.0
    for index in range(3):
        batch = source.batch(index, 0)
        check(batch, ["matting"] * 4, (48, 64))
        photos, alpha = levels(batch, "photo").astype(float), levels(batch, "target")[..., 0] / 255
        assert photos.max() > 150, "a held-out photo was trained on"
        # Red in front of blue (or cyan): how much less blue is there says alpha.
        blue = photos[..., 2]
        blurred = 0.06 if kind else 0.1
        expected = np.clip((200 - blue) / 170, 0, 1)
        assert abs(expected - alpha).mean() < blurred
        covered += alpha.mean()
    assert covered > 0.1
    assert same(batch, source.batch(2, 0))


def test_backgrounds_may_be_a_zip_file(mattes: dict[str, Any], tmp_path: Path) -> None:
    [folder] = mattes["backgrounds"]
    packed = tmp_path / "backs.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(Path(folder) / "a.jpg", "photos/a.jpg")
    both = [MatteSource(**{**mattes, "backgrounds": [path]}, size=[48, 64]) for path in (folder, str(packed))]
    assert same(both[0].batch(1, 0), both[1].batch(1, 0))


def test_fraying_moves_only_the_border() -> None:
    mask = np.zeros((H, W), np.float32)
    mask[10:40, 12:52] = 1
    frayed = source_mattes.fray(mask, np.random.default_rng(0))
    assert frayed[20:30, 24:40].min() > 0.99 and frayed[:2].max() < 0.05
    assert 0.02 < ((frayed > 0.05) & (frayed < 0.95)).mean() < 0.4


def test_mattes_refuse(mattes: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="shares"):
        MatteSource(shares=[1, 2])
    with pytest.raises(UsageError, match="unknown task"):
        MatteSource(tasks=["depth"])
    with pytest.raises(UsageError, match="backgrounds is empty"):
        MatteSource(backgrounds=[])


def test_a_floor_has_no_lines_however_much_it_is_enlarged() -> None:
    """Inverse depth of a plane, enlarged by copying rows, is a staircase; its steps are no edges."""
    rows = np.arange(120, dtype=np.float32)[:, None].repeat(160, 1)
    depth = np.where(rows > 40, 60 / np.maximum(rows - 40, 1), np.inf).astype(np.float32)
    for side in (120, 84, 60):
        top = 41 if side < 79 else 120 - side
        view = View(top, 0, side, side * 4 // 3, (192, 256), False)
        horizon = round((41 - top) * 192 / side)
        lines = targets_gray.strength(floor(view, depth))[horizon + 8 :]
        assert lines.max() < 0.1, side
    wall = depth.copy()
    wall[:, 80:] = np.minimum(wall[:, 80:], 3)  # something nearer does have a border
    assert targets_gray.strength(floor(View(0, 0, 120, 160, (192, 256), False), wall)).max() == 1


def floor(view: View, depth: np.ndarray) -> Seen:
    """One thing with one normal everywhere, seen through ``view``."""
    h, w = view.size
    normals = np.zeros((h, w, 3), np.float32)
    normals[..., 1] = 1
    return Seen(
        photo=np.zeros((h, w, 3), np.uint8), depth=view.nearest(depth), normals=normals,
        classes=np.zeros((h, w), np.uint8), instance=np.ones((h, w), np.int32),
        base_colour=np.zeros((h, w, 3), np.uint8), orm=np.zeros((h, w, 3), np.float32), names=("road",),
        enlarged=h / view.height,
    )  # fmt: skip


def test_rendered_objects_have_no_dark_fringe(tmp_path: Path) -> None:
    """Straight alpha over black: shrinking must not mix what cannot be seen into the border."""
    folder = tmp_path / "lego_cutouts_rgba"
    folder.mkdir()
    image = np.zeros((1000, 1000, 4), np.uint8)
    image[203:797, 203:797] = (40, 80, 160, 255)
    cv2.imwrite(str(folder / "one.png"), image)
    (found,) = source_mattes.read_objects(tmp_path)
    seen = found.alpha > 8
    assert (seen & (found.alpha < 250)).sum() > 0
    assert (np.abs(found.colours[seen].astype(int) - (160, 80, 40)) <= 1).all()


def test_nearest_takes_neither_side_always() -> None:
    ramp = np.arange(8).repeat(2)[:, None].repeat(4, 1) * 10 + np.tile([0, 1], 8)[:, None]
    rows = [View(0, 0, 16, 4, (8, 2), flip).nearest(ramp)[:, 0] % 10 for flip in (False, True)]
    assert (rows[0] == 0).all() and (rows[1] == 1).all()
