"""Saving a rendered frame as pictures that a person can look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from visiongen.files import write_atomic, write_json

if TYPE_CHECKING:
    from visiongen.world.render import Frames


def save_frame(frames: Frames, index: int, folder: str | Path) -> list[Path]:
    """Write frame ``index`` into ``folder``; returns the paths.

    photo.png, depth.png (16 bit, millimetres, 0 = sky or beyond 65 m), depth.npy (float32 metres),
    depth_view.png (inverse depth, grey), normals.png, classes.png and instances.png (colours),
    labels.png (class ids), base_colour.png, orm.png (1, roughness, metallic), camera.json.
    """
    folder = Path(folder)
    depth = frames.depth[index].cpu().numpy()
    valid = frames.valid[index].cpu().numpy()
    classes = frames.classes[index].cpu().numpy()
    normals = frames.normals[index].cpu().numpy()
    millimetres = np.where(valid & (depth < 65.5), np.nan_to_num(depth, posinf=0) * 1000, 0)
    orm = np.stack([np.ones_like(depth), frames.roughness[index].cpu(), frames.metallic[index].cpu()], -1)
    pictures = {
        "photo": frames.photo[index].cpu().numpy(),
        "depth": millimetres.round().astype(np.uint16),
        "depth_view": depth_view(depth),
        "normals": np.where(valid[..., None], (normals + 1) * 127.5, 0).round().astype(np.uint8),
        "classes": colours(classes),
        "instances": colours(frames.instance[index].cpu().numpy()),
        "labels": classes,
        "base_colour": frames.base_colour[index].cpu().numpy(),
        "orm": (orm * 255).round().astype(np.uint8),
    }
    paths = [_write_png(folder / f"{name}.png", picture) for name, picture in pictures.items()]
    paths.append(write_atomic(folder / "depth.npy", lambda file: np.save(file, depth)))
    names = {int(i): frames.class_names[int(i)] for i in np.unique(classes)}
    note = {
        "intrinsics": frames.intrinsics[index].cpu().tolist(), "classes": names,
        "depth": "z-depth; depth.png in millimetres, 0 = sky or beyond 65.5 m; depth.npy in metres",
        "normals": "camera axes x right, y up, z towards the camera; 127.5 (n + 1)",
    }  # fmt: skip
    paths.append(write_json(folder / "camera.json", note))
    return paths


def depth_view(depth: np.ndarray) -> np.ndarray:
    """Grey uint8 picture of inverse depth: near is bright, sky is black."""
    inverse = 1 / np.maximum(depth, 1e-3)
    top = np.quantile(inverse[inverse > 0], 0.98) if (inverse > 0).any() else 1.0
    return (np.clip(inverse / top, 0, 1) ** 0.6 * 255).round().astype(np.uint8)


def colours(ids: np.ndarray) -> np.ndarray:
    """A stable colour for each id, uint8 RGB; id 0 is black."""
    ids = ids.astype(np.int64)
    hue = (ids * 0.61803398875) % 1.0
    value = 0.55 + 0.45 * ((ids * 0.37) % 1.0)
    channels = [value * (1 - 0.75 * np.clip(np.abs((hue * 6 + k) % 6 - 3) - 1, 0, 1)) for k in (0, 4, 2)]
    return (np.where(ids[..., None] == 0, 0, np.stack(channels, -1)) * 255).astype(np.uint8)


def _write_png(path: Path, picture: np.ndarray) -> Path:
    bgr = picture[:, :, ::-1] if picture.ndim == 3 else picture
    done, data = cv2.imencode(".png", np.ascontiguousarray(bgr))
    assert done
    return write_atomic(path, data.tobytes())
