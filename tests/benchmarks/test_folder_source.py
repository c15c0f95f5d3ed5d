"""Training on labelled photos of one's own: what is painted is what a benchmark of the folder asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from own_folders import BLOCKS, MASK, PHOTO, SEMANTIC, TASKS, H, W, folder, save

from visiongen.benchmarks.datasets import folder_source
from visiongen.benchmarks.datasets.folder import open_folder
from visiongen.benchmarks.datasets.folder_source import ORDERS, FolderSource
from visiongen.benchmarks.rows import CodecRow
from visiongen.errors import InputError, UsageError
from visiongen.geometry import Geometry
from visiongen.registry import TASKS as KINDS
from visiongen.training.batches import Batch
from visiongen.training.painting import Painting

PLAIN: dict[str, Any] = {"size": [H, W], "whole": 1.0, "flips": False, "jitter": 0.0, "degrade": 0.0}
ALL = {"split": "all", "subset": 0.0, **PLAIN}


def painted(batch: Batch, place: int = 0) -> np.ndarray:
    image = (batch["target"][place].permute(1, 2, 0).numpy() + 1) * 127.5
    return np.asarray(image.round().astype(np.uint8))


@pytest.mark.parametrize("task", sorted(set(TASKS) - {"edges"}))
def test_the_target_scores_as_the_codec_does(task: str, tmp_path: Path) -> None:
    toml, label, end = TASKS[task]
    benchmark = open_folder(folder(tmp_path, f"{toml}\nlong_side = 64", {"a": label}, end))
    source = FolderSource(root=str(tmp_path), batch=2, **ALL)
    batch = source.batch(3, 1)
    prompt = batch["prompts"][0]
    named = prompt.legend.names if task in ("semantic", "panoptic") else ()
    assert set(source.words) == set(named) - {"border"}  # weights say that they know them
    assert prompt.task == task and len(batch["prompts"]) == 2
    kind = KINDS.get(task)(**({"things": ("car", "bus")} if task == "panoptic" else {}))
    item = benchmark.items(None, "all")[0]
    found = kind.decode(painted(batch), Geometry.painted((H, W), (H, W)), prompt, None)
    answer = benchmark.scorer.answer(found, item.options)
    codec = CodecRow(benchmark, benchmark.legend()).answer(item, item.truth())

    def score(found: Any) -> float:
        table = benchmark.scorer.table([benchmark.scorer.stats(item.truth(), found)])
        return float(table(np.ones((1, 1)))[benchmark.protocol["primary"]][0])

    assert score(answer) == pytest.approx(score(codec), abs=0.02)


def test_lines_are_drawn_where_they_are(tmp_path: Path) -> None:
    toml, label, end = TASKS["edges"]
    benchmark = open_folder(folder(tmp_path, toml, {"a": label}, end))
    lines = benchmark.items(None, "all")[0].truth()[..., 0].astype(np.uint8)
    drawn = painted(FolderSource(root=str(tmp_path), batch=1, **ALL).batch(0, 0))[..., 0] / 255
    near = cv2.dilate(drawn, np.ones((3, 3)))
    assert near[lines > 0].min() > 0.9 and drawn[cv2.dilate(lines, np.ones((9, 9))) == 0].max() < 0.1


def test_every_task_of_a_folder_can_be_trained() -> None:
    from visiongen.benchmarks.datasets.folder_keys import SPECS

    assert set(ORDERS) == set(SPECS)


def test_labels_follow_windows_and_mirrors(tmp_path: Path) -> None:
    folder(tmp_path, SEMANTIC, {"a": BLOCKS})
    levels = np.array([10, 90, 250], np.uint8)
    save(tmp_path / "images/a.png", np.stack([levels[BLOCKS]] * 3, axis=2))
    options = ALL | {"whole": 0.0, "scale": (0.4, 0.9), "flips": True}
    batch = FolderSource(root=str(tmp_path), batch=12, **options).batch(0, 0)
    for photo, labels in zip(batch["photo"][:, 0].numpy(), batch["labels"].numpy(), strict=True):
        seen = ((photo + 1) * 127.5).round().astype(np.uint8)
        inside = cv2.erode(seen, np.ones((5, 5))) == cv2.dilate(seen, np.ones((5, 5)))  # of a block
        assert inside.mean() > 0.3 and (levels[labels[inside]] == seen[inside]).all()
    assert len({tuple(one.flatten().tolist()) for one in batch["labels"]}) > 6


def test_labels_follow_transforms_that_move_pixels(tmp_path: Path) -> None:
    folder(tmp_path, SEMANTIC, {"a": BLOCKS})
    levels = np.array([10, 90, 250], np.uint8)
    save(tmp_path / "images/a.png", np.stack([levels[BLOCKS]] * 3, axis=2))
    turned = {"name": "Rotate", "limit": (20, 20), "p": 1.0, "interpolation": cv2.INTER_NEAREST, "fill": 255}
    source = FolderSource(root=str(tmp_path), batch=2, augment=[turned], **ALL)
    batch = source.batch(0, 0)
    seen = ((batch["photo"][0, 0].numpy() + 1) * 127.5).round().astype(np.uint8)
    labels, valid = batch["labels"][0].numpy(), batch["valid"][0].numpy()
    assert np.array_equal(valid, seen != 255)  # what lay outside is no class
    assert 0.05 < (~valid).mean() < 0.5 and (levels[labels[valid]] == seen[valid]).all()
    assert (labels[valid] != BLOCKS[valid]).any()


def test_transforms_draw_by_the_seed_and_leave_other_tasks_where_they_are(tmp_path: Path) -> None:
    root = str(folder(tmp_path, SEMANTIC, {"a": BLOCKS}))
    augment = [{"name": "GaussNoise", "p": 0.5}, {"name": "Rotate", "limit": 30, "p": 0.5}]

    def photos(seed: int) -> torch.Tensor:
        source = FolderSource(root=root, batch=6, augment=augment, **ALL)
        source.batch(9, 9)  # another batch before it changes nothing
        return source.batch(1, seed)["photo"]

    assert torch.equal(photos(5), photos(5)) and not torch.equal(photos(5), photos(6))
    assert len({tuple(one.flatten()[::50].tolist()) for one in photos(5)}) > 3
    toml, label, end = TASKS["normals"]
    other = str(folder(tmp_path / "n", toml, {"a": label}, end))
    FolderSource(root=other, augment=augment[:1], **ALL).batch(0, 0)
    with pytest.raises(UsageError, match="Rotate moves pixels, and labels of normals cannot follow"):
        FolderSource(root=other, augment=augment, **ALL).batch(0, 0)


def test_what_is_not_labelled_is_out_of_the_loss(tmp_path: Path) -> None:
    stored = BLOCKS.copy()
    stored[:16] = 255
    batch = FolderSource(root=str(folder(tmp_path, SEMANTIC, {"a": stored})), batch=1, **ALL).batch(0, 0)
    assert not batch["valid"][0, :16].any() and batch["valid"][0, 16:].all()
    depth = (BLOCKS.astype(int) * 500).astype(np.uint16)
    root = folder(tmp_path / "d", 'task = "depth"\nscale = 100', {"a": depth})
    valid = FolderSource(root=str(root), batch=1, **ALL).batch(0, 0)["valid"][0].numpy()
    assert np.array_equal(valid, BLOCKS > 0)


def test_phrases_are_shown_whole_and_never_mirrored(tmp_path: Path) -> None:
    folder(tmp_path, 'task = "referring"', {"a": MASK})
    (tmp_path / "phrases.csv").write_text("image,label,phrase,value\na,a.png,the left box,\n")
    options = ALL | {"whole": 0.0, "flips": True}
    batch = FolderSource(root=str(tmp_path), batch=8, **options).batch(0, 0)
    assert all("the left box" in prompt.legend.names for prompt in batch["prompts"])
    assert (batch["labels"] == torch.from_numpy(MASK > 0)).all()


def test_a_damaged_photo_is_reported_and_left_out(tmp_path: Path) -> None:
    folder(tmp_path, SEMANTIC, {"a": BLOCKS, "b": np.full((H, W), 7, np.uint8), "c": BLOCKS})
    (tmp_path / "images/c.png").write_bytes(b"no picture")
    source = FolderSource(root=str(tmp_path), batch=8, **ALL)
    with pytest.warns(UserWarning, match="left out") as told:
        batch = source.batch(0, 0)
    assert sorted(str(w.message).split(": ")[2].rpartition("/")[2] for w in told) == ["b.png", "c.png"]
    assert len(batch["prompts"]) == 8 and (batch["labels"] == torch.from_numpy(BLOCKS)).all()
    (tmp_path / "labels/a.png").write_bytes(b"")
    with pytest.warns(UserWarning), pytest.raises(InputError, match="photos in a row"):
        FolderSource(root=str(tmp_path), batch=8, **ALL).batch(0, 0)


def test_a_phrase_is_never_shown_without_what_it_means(tmp_path: Path) -> None:
    """A batch's shape cuts off the sides of a wide photo; a phrase that means nothing anywhere stays."""
    wide = np.zeros((H, 2 * W), np.uint8)
    wide[10:30, 2:20] = 255
    folder(tmp_path, 'task = "referring"', {"a": wide, "b": MASK, "c": MASK * 0})
    save(tmp_path / "images/a.png", np.concatenate([PHOTO, PHOTO], axis=1))
    rows = [f"{name},{name}.png,{phrase},\n" for name, phrase in (("a", "left"), ("b", "box"), ("c", "none"))]
    (tmp_path / "phrases.csv").write_text("image,label,phrase,value\n" + "".join(rows))
    batch = FolderSource(root=str(tmp_path), batch=24, **ALL).batch(0, 0)
    meant = {prompt.legend.names[1]: int((labels == 1).sum()) for prompt, labels in _pairs(batch)}
    assert meant == {"box": int((MASK > 0).sum()), "none": 0}


def _pairs(batch: Batch) -> zip[Any]:
    return zip(batch["prompts"], batch["labels"], strict=True)


def test_most_photos_may_be_without_a_thing(tmp_path: Path) -> None:
    """As those of a camera that watches a yard; a batch is the same whatever was seen before it."""
    labels = {f"{n:02d}": (MASK // 255) * (n == 7) for n in range(40)}
    folder(tmp_path, 'task = "instance"', labels)
    source = FolderSource(root=str(tmp_path), batch=8, **ALL)
    first = source.batch(0, 0)
    for number in range(1, 12):
        assert (source.batch(number, 0)["target"] == first["target"][:1]).all()
    for name in ("photo", "target"):
        assert torch.equal(
            FolderSource(root=str(tmp_path), batch=8, **ALL).batch(5, 0)[name], source.batch(5, 0)[name]
        )
    save(tmp_path / "labels/07.png", MASK * 0)
    with pytest.raises(InputError, match=r"nothing to paint in \d+ photos in a row; label more"):
        FolderSource(root=str(tmp_path), batch=8, **ALL).batch(0, 0)


def test_large_photos_do_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(folder(tmp_path, SEMANTIC, {name: BLOCKS for name in "abcdef"}))
    for turns, name in enumerate("abcdef"):
        save(tmp_path / f"images/{name}.png", np.roll(PHOTO, turns, axis=0))
    whole = FolderSource(root=root, batch=48, **ALL)
    wanted = whole.batch(0, 0)
    assert len(whole._kept) == 6
    monkeypatch.setattr(folder_source, "HELD", 3 * H * W * 4 + 1)  # three photos with their labels
    source = FolderSource(root=root, batch=48, **ALL)
    assert torch.equal(source.batch(0, 0)["photo"], wanted["photo"]) and len(source._kept) == 3


def test_scored_photos_are_never_trained_on(tmp_path: Path) -> None:
    splits = 'splits = { train = "train", val = "val" }'
    root = str(folder(tmp_path, f"{SEMANTIC}\n{splits}", {"train/a": BLOCKS, "val/b": BLOCKS}))
    with pytest.raises(UsageError, match="for scoring only"):
        FolderSource(root=root, split="val", **PLAIN)
    with pytest.raises(UsageError, match="no split 'mine'; choose from train, val"):
        FolderSource(root=root, split="mine", **PLAIN).prepare()
    FolderSource(root=root, **PLAIN).prepare()
    folder(tmp_path, f'{SEMANTIC}\nsplits = {{ train = "all", val = "val" }}', {})
    with pytest.raises(UsageError, match="'val/b' is in 'train' and in 'val', which is scored"):
        FolderSource(root=root, **PLAIN).prepare()
    folder(tmp_path, f'{SEMANTIC}\nsplits = {{ train = "train", val = "val", test = "train" }}', {})
    with pytest.raises(UsageError, match="'train/a' is in 'train' and in 'test', which is scored"):
        FolderSource(root=root, **PLAIN).prepare()


def test_a_painter_learns_from_a_folder(tmp_path: Path) -> None:
    source = FolderSource(root=str(folder(tmp_path, SEMANTIC, {"a": BLOCKS})), batch=2, **ALL)
    batch = source.batch(0, 0)
    assert np.array_equal(batch["photo"][0].permute(1, 2, 0).add(1).mul(127.5).round().numpy(), PHOTO)
    torch.manual_seed(0)
    model = Painting(preset="nano")
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    losses = []
    for _ in range(12):
        loss, _ = model.loss(batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
