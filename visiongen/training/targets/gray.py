"""Gray maps of a rendered frame: edges, the thing that stands out, and its soft border.

All of them are painted with their task's fixed two-entry legend. ``labels`` name an entry only
where the map is clearly white or black, so that the legend pointer is never taught a guess.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from visiongen.registry import TASKS
from visiongen.training.batches import IGNORE, Target
from visiongen.training.targets import Seen
from visiongen.world.classes import THING_NAMES

WHITE, BLACK = 0, 1  # positions in the legend of every gray task
CLEAR = 0.05  # this near to 0 or 1 a number counts as black or white

# Sigma in pixels of the blur that a line two pixels wide is given. A wider line survives the tokenizer
# better, a narrower one its neighbours: at 160 x 120 F is 0.87 to 0.89 between 0 and 1.3.
LINE = 1.0
CREASE = (0.35, 0.85)  # radians at which a crease starts to show, and is as strong as it gets
FOLD = 0.7  # strength of the sharpest crease; borders between things have 1
JUMP = (0.06, 0.2)  # step of inverse depth, as a share, inside one thing: starts to show, shows fully
SPECK = 10  # pixels that a line has at least

#: Classes that can be the one thing that a glance falls on: things, but not what a room is made of.
FURNITURE = ("door", "cabinet", "shelf", "table", "bed")
SALIENT = tuple(name for name in THING_NAMES if name not in FURNITURE)
AREA = (0.012, 0.6)  # share of the photo that a salient thing covers
MARGIN = 1.6  # by how much the winner must beat the next one
LEAST = 0.04  # and how prominent it must be at all


def gray_target(task: str, values: np.ndarray, valid: np.ndarray | None = None) -> Target:
    """An order of a gray ``task`` for numbers float (H, W) in [0, 1]."""
    kind = TASKS.get(task)()
    prompt = kind.prompt()
    labels = np.full(values.shape, IGNORE, np.uint8)
    labels[values >= 1 - CLEAR] = WHITE
    labels[values <= CLEAR] = BLACK
    if valid is not None:
        labels[~valid] = IGNORE
    return Target(prompt, kind.codec(prompt.legend).encode(values), valid, labels)


# --- edges ------------------------------------------------------------------------------------


def edges(seen: Seen, rng: np.random.Generator) -> Target:
    """Borders between things (1), jumps of depth inside one, and creases by their angle."""
    return gray_target("edges", draw_lines(strength(seen)))


def strength(seen: Seen) -> np.ndarray:
    """How strong an edge each pixel touches, float32 (H, W) in [0, 1]; both sides are marked."""
    out = np.zeros(seen.instance.shape, np.float32)
    reach = math.ceil(max(1.0, seen.enlarged))
    _mark(out, seen.instance, seen.normals, seen.depth, reach)
    turned = None if seen.depth is None else seen.depth.T
    _mark(out.T, seen.instance.T, seen.normals.swapaxes(0, 1), turned, reach)
    _, piece, facts, _ = cv2.connectedComponentsWithStats((out > 0).astype(np.uint8), connectivity=8)
    out[(facts[:, cv2.CC_STAT_AREA] < SPECK)[piece]] = 0
    return out


def _mark(
    out: np.ndarray, instance: np.ndarray, normals: np.ndarray, depth: np.ndarray | None, reach: int
) -> None:
    """Raise ``out`` on both sides of every edge between a pixel and the one below it."""
    there = np.asarray(normals.any(axis=-1))
    cosine = np.einsum("hwc,hwc->hw", normals[:-1], normals[1:])
    bend = np.sqrt(np.maximum(2 - 2 * cosine, 0))  # the chord: nearly the angle in radians
    step = FOLD * np.clip((bend - CREASE[0]) / (CREASE[1] - CREASE[0]), 0, 1)
    step[~(there[:-1] & there[1:])] = 0  # no normal on one side; the cosine of a right angle is 0, too
    if depth is not None:
        np.maximum(step, np.clip((_jumps(depth, reach) - JUMP[0]) / (JUMP[1] - JUMP[0]), 0, 1), out=step)
    step[instance[:-1] != instance[1:]] = 1
    np.maximum(out[:-1], step, out=out[:-1])
    np.maximum(out[1:], step, out=out[1:])


def _jumps(depth: np.ndarray, reach: int = 1) -> np.ndarray:
    """Step of inverse depth to the pixel below, as a share of the larger, beyond its neighbours' steps.

    Inverse depth is linear along a plane, so that a floor seen at a grazing angle has none. Neighbours are
    ``reach`` pixels away at most: in an enlarged frame a row is there several times, and the steps of a
    plane lie so far apart.
    """
    near = np.nan_to_num(1 / depth, nan=0, posinf=0)
    step = np.abs(np.diff(near, axis=0))
    around = np.zeros_like(step)
    for away in range(1, reach + 1):
        np.maximum(around[away:], step[:-away], out=around[away:])
        np.maximum(around[:-away], step[away:], out=around[:-away])
    return (step - around) / np.maximum(np.maximum(near[:-1], near[1:]), 1e-6)


def draw_lines(marks: np.ndarray, sigma: float = LINE) -> np.ndarray:
    """Marked pixels (H, W) as soft lines whose crest is as strong as the marks, float32 in [0, 1]."""
    soft = cv2.GaussianBlur(marks, (0, 0), sigma)
    return np.minimum(np.maximum(soft, 0) / _CREST, 1)


#: What the blur leaves on the crest of a straight line two pixels wide.
_CREST = float(cv2.GaussianBlur(np.array([[0] * 8 + [1, 1] + [0] * 8], np.float32), (0, 0), LINE).max())


# --- the thing that stands out ------------------------------------------------------------------


def salient(seen: Seen, rng: np.random.Generator) -> Target | None:
    """The one thing that stands out, hard; None where no thing clearly does."""
    mask = winner(seen)
    return None if mask is None else gray_target("salient", mask.astype(np.float32))


def matting(seen: Seen, rng: np.random.Generator) -> Target | None:
    """The same thing's opacity: its border as soft as a pixel that two surfaces share."""
    mask = winner(seen)
    return None if mask is None else gray_target("matting", soften(mask))


def soften(mask: np.ndarray, sigma: float = 0.6) -> np.ndarray:
    """bool (H, W) -> opacity float32 with the border of a photo that is not perfectly sharp."""
    return np.clip(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma), 0, 1)


def winner(seen: Seen) -> np.ndarray | None:
    """bool (H, W): the thing with the highest :func:`prominence`; None without a clear one."""
    ids, score = prominence(seen)
    if not len(ids):
        return None
    order = np.argsort(-score)
    if score[order[0]] < LEAST:
        return None
    if len(ids) > 1 and score[order[0]] < MARGIN * score[order[1]]:
        return None
    return seen.instance == ids[order[0]]


def prominence(seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Instance ids (N,) of the things in the picture, and how much each stands out (N,), below 1.

    Side of a square of its area against the picture's, times how near the middle its centre is, times
    how far its mean colour is from the picture's, less what the picture's rim cuts off.
    """
    height, width = seen.instance.shape
    wanted = np.array([name in SALIENT for name in seen.names] + [False] * (256 - len(seen.names)))
    there = wanted[seen.classes] & (seen.instance > 0)
    flat = np.where(there, seen.instance, 0).ravel()
    area = np.bincount(flat).astype(np.float64)
    area[0] = 0
    keep = np.flatnonzero((area >= AREA[0] * flat.size) & (area <= AREA[1] * flat.size))
    if not len(keep):
        return keep, np.zeros(0)
    y, x = np.indices((height, width), np.float32)
    size = len(area)
    cy = np.bincount(flat, y.ravel(), size)[keep] / area[keep] / height - 0.5
    cx = np.bincount(flat, x.ravel(), size)[keep] / area[keep] / width - 0.5
    middle = np.exp(-(cx**2 + cy**2) / (2 * 0.25**2))
    instance = np.where(there, seen.instance, 0)
    rim = np.concatenate([instance[0], instance[-1], instance[:, 0], instance[:, -1]])
    cut = np.bincount(rim, minlength=size)[keep] / np.sqrt(area[keep])
    side = np.sqrt(area[keep] / flat.size)
    return keep, side * middle * (0.5 + _contrast(seen.photo, flat, area, keep)) / (1 + cut)


def _contrast(photo: np.ndarray, flat: np.ndarray, area: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Distance (N,), 0 to 0.5, of the mean colours of the instances ``keep`` from the whole photo's."""
    colours = photo.reshape(-1, 3).astype(np.float32)
    sums = [np.bincount(flat, colours[:, c], len(area))[keep] for c in range(3)]
    away = np.stack(sums, axis=1) / area[keep, None] - colours.mean(axis=0)
    return np.minimum(np.linalg.norm(away, axis=1) / 255, 0.5)
