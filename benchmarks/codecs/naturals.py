"""Labels that are natural for each codec, from rendered frames, and the codec made to paint them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from visiongen.benchmarks.datasets.world import look
from visiongen.benchmarks.datasets.world_truths import is_thing
from visiongen.prompt import BORDER, Legend
from visiongen.registry import CODECS, TARGETS
from visiongen.relight import decode_srgb
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.gray import read_gray
from visiongen.tasks.codecs.legend import random_legend_colours
from visiongen.training.targets import Seen

FIRST_SEED = 1_000_000  # of the frames; no training sees them
SIZE = (120, 160)
MIN_AREA = 28  # pixels: smaller things are left out of instance maps, as in training
Case = tuple[Codec, np.ndarray]  # a codec, and labels (H, W[, C]) that it can paint


def scenes(count: int, size: tuple[int, int] = SIZE) -> list[Seen]:
    """``count`` frames of mixed scenes in which one thing stands out (so that they have a matte)."""
    found: list[Seen] = []
    for start in range(FIRST_SEED, FIRST_SEED + 40 * count, 10):
        found += [seen for seen in look("mixed", start, *size) if _matte(seen) is not None]
        if len(found) >= count:
            break
    return found[:count]


def cases(name: str, frames: Sequence[Seen]) -> list[Case]:
    """The registered codec ``name`` with labels of every frame; legends get random colours by frame."""
    kind = CODECS.get(name)
    made = []
    for number, seen in enumerate(frames):
        rng = np.random.default_rng([number, 5])
        if name.startswith("panoptic/"):
            made.append(_panoptic(kind, seen, rng))
        elif any(field.name == "legend" for field in dataclasses.fields(kind)):
            there, ids = np.unique(seen.classes, return_inverse=True)
            legend = _legend([seen.names[k] for k in there], rng)
            made.append((kind(legend), ids.reshape(seen.classes.shape).astype(np.uint8)))
        else:
            made.append((kind(), _labels(kind(), seen)))
    return made


def _legend(names: Sequence[str], rng: np.random.Generator) -> Legend:
    return Legend.of(zip(names, random_legend_colours(len(names), rng).tolist(), strict=True))


def _panoptic(kind: type[Codec], seen: Seen, rng: np.random.Generator) -> Case:
    there, ids = np.unique(seen.classes, return_inverse=True)
    names = [seen.names[k] for k in there]
    thing = is_thing(seen)
    number = np.zeros(thing.shape, np.int32)
    number[thing] = np.unique(seen.instance[thing], return_inverse=True)[1] + 1
    things = tuple(seen.names[k] for k in np.unique(seen.classes[thing]))
    codec = kind(_legend([*names, BORDER], rng), things=things)  # type: ignore[call-arg]
    return codec, (ids.reshape(thing.shape) * 1000 + number).astype(np.int32)


def _labels(codec: Codec, seen: Seen) -> np.ndarray:
    """Labels for a codec without a legend, by the first part of its name and by its unit."""
    kind = codec.name.split("/")[0]
    if kind == "legend":  # a fixed palette: any ids will do
        return seen.classes
    if kind == "depth":
        assert seen.depth is not None
        return seen.depth
    if kind == "normals":
        return np.where(np.linalg.norm(seen.normals, axis=-1, keepdims=True) > 0.5, seen.normals, np.nan)
    if kind == "instance":
        return _things(seen)
    if kind == "material":
        return _material(codec, seen)
    if kind == "image":
        return seen.photo
    matte = _matte(seen) if kind == "alpha" else None
    return _edges(seen) if matte is None else matte


def _things(seen: Seen) -> np.ndarray:
    """Ids int32 (H, W), counted from 1 on; 0 = none or too small."""
    ids = np.unique(np.where(is_thing(seen), seen.instance, 0), return_inverse=True)[1]
    ids = ids.reshape(seen.instance.shape)
    if not (~is_thing(seen)).any():
        ids = ids + 1
    small = np.bincount(ids.ravel()) < MIN_AREA
    small[0] = False
    return np.unique(np.where(small[ids], 0, ids), return_inverse=True)[1].reshape(ids.shape).astype(np.int32)


def _material(codec: Codec, seen: Seen) -> np.ndarray:
    orm = np.clip(seen.orm, 0, 1).astype(np.float32)
    if codec.unit == "roughness or metallic":
        return orm[..., 1]
    if codec.unit == "occlusion, roughness, metallic":  # packings that hold no occlusion
        return np.concatenate([np.ones_like(orm[..., :1]), orm[..., 1:]], axis=2)
    if codec.unit == "linear reflectance":
        return decode_srgb(seen.base_colour / np.float32(255))
    return orm if codec.name.startswith("material/orm") else (seen.base_colour / np.float32(255))


def _edges(seen: Seen) -> np.ndarray:
    return read_gray(TARGETS.get("edges")(seen, np.random.default_rng(0)).map, 24.0)[0]


def _matte(seen: Seen) -> np.ndarray | None:
    target = TARGETS.get("matting")(seen, np.random.default_rng(0))
    return None if target is None else read_gray(target.map, 24.0)[0]
