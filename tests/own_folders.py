"""Folders of one's own in every task, for the tests of benchmarks and of training."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

H, W = 48, 64
PHOTO = np.random.default_rng(0).integers(0, 256, (H, W, 3), np.uint8)
BLOCKS = np.kron(np.arange(12).reshape(3, 4) % 3, np.ones((16, 16))).astype(np.uint8)
MASK = np.zeros((H, W), np.uint8)
MASK[10:30, 20:50] = 255
NUMBERS = np.kron(np.arange(12).reshape(3, 4), np.ones((16, 16))).astype(np.int32)
NORMALS = np.stack([np.sin(BLOCKS), np.cos(BLOCKS) / 2, np.ones((H, W))], axis=2)
NORMALS = (NORMALS / np.linalg.norm(NORMALS, axis=2, keepdims=True)).astype(np.float32)
SEMANTIC = 'task = "semantic"\nclasses = ["road", "car", "sky"]'
TASKS = {  # task -> the keys of its dataset.toml, a label, the label's ending
    "semantic": (SEMANTIC, BLOCKS, ".png"),
    "depth": ('task = "depth"\nscale = 100', (BLOCKS.astype(int) * 500 + 300).astype(np.uint16), ".png"),
    "normals": ('task = "normals"\nformat = "npy"\naxes = "opengl"', NORMALS, ".npy"),
    "salient": ('task = "salient"', MASK, ".png"),
    "matting": ('task = "matting"', cv2.GaussianBlur(MASK, (5, 5), 1), ".png"),
    "edges": ('task = "edges"', cv2.Canny(MASK, 50, 100), ".png"),
    "instance": ('task = "instance"', (NUMBERS * (BLOCKS > 0)).astype(np.uint8), ".png"),
    "panoptic": (
        'task = "panoptic"\nclasses = ["road", "car", "bus"]\nthings = ["car", "bus"]',
        (BLOCKS.astype(int) * 1000 + NUMBERS * (BLOCKS > 0)).astype(np.uint16),
        ".png",
    ),
}


def save(path: Path, array: np.ndarray, kind: str = "png") -> Path:
    """PNG (colours RGB, 16 bits kept) or NPY."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "npy":
        np.save(path, array)
    else:
        assert cv2.imwrite(str(path), array if array.ndim == 2 else array[..., ::-1])
    return path


def folder(root: Path, toml: str, labels: dict[str, np.ndarray], end: str = ".png") -> Path:
    """A folder with photos of the labels' names; they may hold slashes."""
    root.mkdir(exist_ok=True, parents=True)
    for name, array in labels.items():
        save(root / f"images/{name}.png", PHOTO)
        save(root / f"labels/{name}{end}", array, end[1:])
    (root / "dataset.toml").write_text(f'name = "mine"\nversion = "1.0"\n{toml}\n')
    return root
