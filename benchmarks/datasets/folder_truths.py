"""Reading the labels of a folder dataset: one function a task, protocol and files in, truth out.

Every reader raises InputError with the file's name for what is damaged or stored in another way than the
protocol says.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.datasets.bsds500 import read_lines
from visiongen.benchmarks.datasets.depth_sets import one_channel
from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.float_images import read_npy, read_png8, read_png16
from visiongen.benchmarks.datasets.folder_masks import read_mask, read_opacity
from visiongen.benchmarks.datasets.label_images import (
    colour_table,
    lookup,
    match_colours,
    read_colours,
    read_index,
    to_positions,
)
from visiongen.benchmarks.datasets.matting_sets import with_trimap
from visiongen.benchmarks.datasets.normals_dsine import from_png, unit
from visiongen.benchmarks.metrics.edge_thinning import thin
from visiongen.benchmarks.metrics.panoptic import MANY, VOID
from visiongen.errors import InputError
from visiongen.tasks.coco_panoptic import read_ids

Protocol = dict[str, Any]
FORMAT = "save it as `format` of dataset.toml says, or correct that"
NAME_IDS = "name it in label_ids or ignore of dataset.toml, which take 0 to 255"
NAME_COLOURS = "name it in label_colours or ignore of dataset.toml; JPEG and resizing make other colours"
AXES = {  # stored axes -> factors that make them x right, y up, z to the viewer
    "opengl": (1, 1, 1),
    "lub": (-1, 1, 1),  # left, up, backwards: DSINE
    "opencv": (1, -1, -1),  # right, down, forwards
    "directx-green": (1, -1, 1),  # right, down, to the viewer
}


def numbers(path: Path, how: str) -> np.ndarray:
    """Whole numbers int64 (H, W): "png" of 1, 8 or 16 bits or a palette, "rgb", "npy"."""
    if how == "rgb":
        return read_ids(read_colours(path, FORMAT))
    if how == "npy":
        array = one_channel(path, read_npy(path, FORMAT), FORMAT)
        if array.dtype.kind not in "iub":
            raise InputError(f"{path}: {array.dtype} are no whole numbers; save integers")
        return array.astype(np.int64)
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.format == "JPEG" or not (image.mode in ("1", "L", "P") or image.mode.startswith("I")):
                raise InputError(
                    f"{path}: {image.format} {image.mode} is no PNG of numbers in one channel; {FORMAT}"
                )
            return np.asarray(image).astype(np.int64)
    except (OSError, SyntaxError) as error:
        raise InputError(f"{path}: damaged picture ({error}); write it again") from error


def semantic(protocol: Protocol, sample: Sample) -> np.ndarray:
    """Positions uint8 (H, W), 255 = not scored."""
    path, how = sample.truth[0], protocol["format"]
    if how == "rgb":
        table = colour_table(protocol["label_colours"], protocol["void_colours"])
        return match_colours(read_colours(path, FORMAT), *table, path, NAME_COLOURS)
    found = read_index(path, FORMAT) if how == "png" else numbers(path, how)
    return to_positions(found, lookup(protocol["label_ids"], protocol["void_ids"]), path, NAME_IDS)


def depth(protocol: Protocol, sample: Sample) -> np.ndarray:
    """Metres float32 (H, W), 0 = missing; inf stays: the sky."""
    path = sample.truth[0]
    read = read_png16 if protocol["format"] == "png" else read_npy
    stored = one_channel(path, read(path, FORMAT), FORMAT).astype(np.float64)
    there = ~np.isin(stored, protocol["missing"]) & ~np.isnan(stored)
    metres = np.where(there, stored / protocol["scale"], 0)
    if metres.min(initial=0) < 0:
        raise InputError(f"{path}: depth {metres.min():g} m is negative; name what is missing in `missing`")
    return metres.astype(np.float32)


def normals(protocol: Protocol, sample: Sample) -> np.ndarray:
    """Unit float32 (H, W, 3), x right, y up, z to the viewer; NaN where there is none."""
    path, how, axes = sample.truth[0], protocol["format"], protocol["axes"]
    if how == "npy":
        stored = read_npy(path, FORMAT)
        if stored.ndim != 3 or stored.shape[2] != 3 or stored.dtype.kind != "f":
            raise InputError(f"{path}: {stored.dtype} {stored.shape}; save unit vectors as floats (H, W, 3)")
        there = np.isfinite(stored).all(axis=2) & (stored != 0).any(axis=2)
    else:
        read, top = (read_png8, 255) if how == "png" else (read_png16, 65535)
        stored, there = from_png(path, read, top, FORMAT)
    length = np.linalg.norm(stored[there], axis=1)
    if length.size and not 0.8 < np.median(length) < 1.25:
        raise InputError(
            f"{path}: vectors about {np.median(length):.2f} long; store unit vectors, not colours"
        )
    found = unit(stored * np.array(AXES[axes], np.float32), there)
    away = float((found[there][:, 2] < 0).mean()) if there.any() else 0.0
    if away > 0.5:
        raise InputError(
            f"{path}: {away:.0%} of the normals face away from the camera; axes = {axes!r} is wrong"
        )
    return found


def salient(protocol: Protocol, sample: Sample) -> np.ndarray:
    """1 on the object, else 0, float32 (H, W)."""
    return read_mask(sample.truth[0]).astype(np.float32)


def matting(protocol: Protocol, sample: Sample) -> np.ndarray:
    """Opacity float32 (H, W); with a trimap (H, W, 2), the second 1 where it is unknown."""
    alpha = read_opacity(sample.truth[0])
    if len(sample.truth) == 2:
        return with_trimap(alpha, sample.truth[1], "draw it anew, or leave the folder `trimaps` out")
    return alpha.astype(np.float32) / 255


def edges(protocol: Protocol, sample: Sample) -> np.ndarray:
    """Everyone's lines bool (H, W, A), thinned to one pixel."""
    path, how = sample.truth[0], protocol["format"]
    if how == "mat":
        return read_lines(path, FORMAT)
    if how == "npy":
        drawn = read_npy(path, FORMAT)
        drawn = drawn[..., None] if drawn.ndim == 2 else drawn
        if drawn.dtype != bool or drawn.ndim != 3:
            raise InputError(f"{path}: {drawn.dtype} {drawn.shape}; save bool (H, W, people)")
    else:
        people = [read_mask(one, soft=True) for one in sample.truth]
        if any(one.shape != people[0].shape for one in people):
            raise InputError(f"{path}: the people's pictures differ in size; draw them on one photo")
        drawn = np.stack(people, axis=2)
    return np.stack([thin(drawn[..., k]) for k in range(drawn.shape[2])], axis=2)


def referring(protocol: Protocol, sample: Sample) -> np.ndarray:
    """bool (H, W): what the phrase means."""
    value = sample.note["value"]
    if value is None:
        return read_mask(sample.truth[0])
    found = numbers(sample.truth[0], "png") == value
    if not found.any():
        raise InputError(f"{sample.truth[0]}: no pixel is {value}, which {sample.note['row']} asks for")
    return found


def instance(protocol: Protocol, sample: Sample) -> np.ndarray:
    """Ids int32 (H, W): 0 = none, then 1, 2, ... in the order of the stored numbers."""
    stored = numbers(sample.truth[0], protocol["format"])
    if stored.min(initial=0) < 0:
        raise InputError(f"{sample.truth[0]}: number {stored.min()}; 0 is none, instances count from 1 on")
    known = np.unique(stored[stored > 0])
    return np.where(stored > 0, np.searchsorted(known, stored) + 1, 0).astype(np.int32)


def panoptic(protocol: Protocol, sample: Sample) -> np.ndarray:
    """Position in ``classes`` * 1000 + number int32 (H, W), 0 for stuff; -1 = not scored."""
    path, things = sample.truth[0], protocol["things"]
    stored = numbers(path, protocol["format"])
    place = {number: position for position, number in enumerate(protocol["label_ids"])}
    found = np.full(stored.shape, VOID, np.int32)
    for value in np.unique(stored).tolist():
        if value in protocol["ignore"] or value < 0:
            continue
        kind, number = divmod(value, MANY)
        if kind not in place:
            raise InputError(
                f"{path}: value {value} is of class {kind}, which label_ids lacks; name it in ignore"
            )
        name = protocol["classes"][place[kind]]
        if (name in things) != (number > 0):
            told = "things count from 1 on" if name in things else "stuff has number 0"
            raise InputError(f"{path}: value {value} gives {name!r} the number {number}; {told}")
        found[stored == value] = place[kind] * MANY + number
    return found


READERS: dict[str, Callable[[Protocol, Sample], np.ndarray]] = {
    "semantic": semantic,
    "depth": depth,
    "normals": normals,
    "salient": salient,
    "matting": matting,
    "edges": edges,
    "referring": referring,
    "instance": instance,
    "panoptic": panoptic,
}


def same_size(shape: tuple[int, ...], photo: tuple[int, int], path: Path) -> None:
    """InputError unless a truth has the photo's size (H, W)."""
    if tuple(shape[:2]) != photo:
        (high, wide), (height, width) = shape[:2], photo
        raise InputError(
            f"{path}: labels of {wide}x{high}, but the photo is {width}x{height}, turned as its EXIF says; "
            "make them one size"
        )
