"""Labels that follow from a photo's pixels, a family of codecs each: what a backbone of tests paints.

A task whose codec belongs to one of these families needs nothing more to be under the contract tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Family:
    """``labels(photo, codec)``: the truth; ``corners``: two labels far apart.

    ``between(labels)``: whether labels enlarged from two regions of the corners hold nothing else.
    ``agrees(got, truth)``: whether labels blended from tiles are the truth.
    """

    labels: Callable[[np.ndarray, Any], np.ndarray]
    corners: tuple[Any, Any]
    between: Callable[[np.ndarray], bool]
    agrees: Callable[[np.ndarray, np.ndarray], bool]


def _red(photo: np.ndarray) -> np.ndarray:
    return photo[..., 0].astype(np.float32)


def _classes(photo: np.ndarray, codec: Any) -> np.ndarray:
    return (_red(photo) * len(codec.legend) / 256).astype(np.int64)


def _instances(photo: np.ndarray, codec: Any) -> np.ndarray:
    return 1 + (_red(photo) / 52).astype(np.int64)


def _panoptic(photo: np.ndarray, codec: Any) -> np.ndarray:
    classes = (_red(photo) * (len(codec.legend) - 1) / 256).astype(np.int64)
    counted = np.array([name in codec.things for name in codec.legend.names])[classes]
    return classes * 1000 + np.where(counted, 1 + (photo[..., 1] >= 128), 0)


def _depth(photo: np.ndarray, codec: Any) -> np.ndarray:
    """1-17 m from green, sky where it is 255."""
    green = photo[..., 1].astype(np.float32)
    return np.where(green == 255, np.inf, 1 + green / 16).astype(np.float32)


def _normals(photo: np.ndarray, codec: Any) -> np.ndarray:
    """The tilt to the side from blue."""
    x = (photo[..., 2].astype(np.float32) / 255 - 0.5) * 1.2
    y = np.full_like(x, 0.2)
    return np.stack([x, y, np.sqrt(1 - x * x - y * y)], axis=2)


def _only(*values: float) -> Callable[[np.ndarray], bool]:
    def check(labels: np.ndarray) -> bool:
        found = np.unique((labels + 0).round(3))  # + 0: masks are bool
        return len(found) == 2 and np.allclose(found, values, rtol=0.01)

    return check


def _same_share(least: float) -> Callable[[np.ndarray, np.ndarray], bool]:
    return lambda got, truth: float((got == truth).mean()) > least


def _same_things(got: np.ndarray, truth: np.ndarray) -> bool:
    """Ids count by area: their numbers differ, what they cover does not."""
    pairs, many = np.unique(np.stack([got, truth], 2).reshape(-1, 2), axis=0, return_counts=True)
    count = int(truth.max())
    most = np.argsort(many)[-count:]
    alike = len(np.unique(pairs[most, 0])) == len(np.unique(pairs[most, 1])) == count
    return alike and got.max() == count and many[most].sum() / many.sum() > 0.97


def _near_metres(got: np.ndarray, truth: np.ndarray) -> bool:
    error = abs(got / truth - 1)
    return float(np.median(error)) < 0.01 and float(np.quantile(error, 0.99)) < 0.05


def _near_degrees(got: np.ndarray, truth: np.ndarray) -> bool:
    return float(np.degrees(np.arccos(np.clip((got * truth).sum(2), -1, 1))).max()) < 2


def _on_the_arc(labels: np.ndarray) -> bool:
    """Between two directions only directions between them may appear."""
    return bool((labels[..., 1] < 0.01).all() and (labels[..., [0, 2]] > -0.01).all())


def _on_the_line(labels: np.ndarray) -> bool:
    """Fractions, too, stay between those of the two."""
    inside = (labels >= 0).all() and (labels <= [0.401, 1, 0]).all()
    return bool(inside and np.allclose(labels[..., 0] / 0.4 + labels[..., 1], 1, atol=0.01))


_fractions = (np.array([0, 1, 0], "f4"), np.array([0.4, 0, 0], "f4"))
_directions = (np.array([0, 0, 1], "f4"), np.array([1, 0, 0], "f4"))
_gray = Family(
    lambda photo, codec: _red(photo) / 255,
    (np.float32(0), np.float32(0.6)),
    lambda labels: bool(((labels >= 0) & (labels <= 0.61)).all()),
    lambda got, truth: float(abs(got - truth).max()) < 0.05,  # levels near the ends may be read as them
)
FAMILIES = {
    "legend": Family(_classes, (np.uint8(0), np.uint8(1)), _only(0, 1), _same_share(0.97)),
    "instance": Family(_instances, (np.uint8(1), np.uint8(2)), _only(1, 2), _same_things),
    "panoptic": Family(_panoptic, (np.uint16(1000), np.uint16(2001)), _only(1000, 2001), _same_share(0.97)),
    "depth": Family(_depth, (np.float32(1), np.float32(10)), _only(1, 10), _near_metres),
    "normals": Family(_normals, _directions, _on_the_arc, _near_degrees),
    "material": Family(
        lambda photo, codec: photo.astype(np.float32) / 255,
        _fractions,
        _on_the_line,
        lambda got, truth: float(abs(got - truth).max()) < 0.02,
    ),
    "image": Family(
        lambda photo, codec: photo,
        (np.uint8([0, 200, 0]), np.uint8([80, 0, 0])),
        lambda labels: bool((labels <= [100, 225, 20]).all()),  # resized as a picture: a little overshoot
        lambda got, truth: float(abs(got.astype(int) - truth).mean()) < 2,
    ),
    "alpha": _gray,
    "edges": _gray,
}


def family(codec: Any) -> Family:
    """The family of a codec, by the first part of its name."""
    return FAMILIES[codec.name.split("/")[0]]
