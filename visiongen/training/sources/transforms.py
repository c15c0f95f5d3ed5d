"""A recipe's own augmentation: albumentations' transforms by name, for photos and for the labels on them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from visiongen.errors import UsageError

Spec = Sequence[Mapping[str, Any]]

#: What would mix labels, or mark what is outside with one of them: the values that do neither.
LABELS = {"mask_interpolation": (0, 6), "fill_mask": (0, None)}  # 0 and 6: nearest, as OpenCV counts


class Transforms:
    """``[{name = "GaussNoise", p = 0.3}, {name = "OneOf", transforms = [...]}, ...]``, in this order.

    Each table names a transform of albumentations and gives its arguments. Those that move pixels
    (``moving``: rotations, crops, ...) act on a photo and its labels as they are on disk; those that change
    colours alone act on the photo at the size at which it is painted. Whether each is applied, and how, is
    drawn for itself. UsageError, which begins with ``where``, for an unknown name, arguments that the
    transform does not take, or those that would mix labels (``LABELS``).
    """

    def __init__(self, spec: Spec, where: str) -> None:
        library = _library()
        self.where = where
        made = [_make(library, one, where) for one in spec]
        moves = [_moves(library, one) for one in made]
        self.moving = [str(one["name"]) for one, moved in zip(spec, moves, strict=True) if moved]
        self._moving = library.Compose([one for one, moved in zip(made, moves, strict=True) if moved])
        self._still = library.Compose([one for one, moved in zip(made, moves, strict=True) if not moved])

    def photo(self, photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A photo uint8 (H, W, 3) with other colours; UsageError for a transform that makes no such photo."""
        if not self._still.transforms:
            return photo
        _seed(self._still, int(rng.integers(2**31)))
        out = self._photo(self._still(image=photo)["image"])
        if out.shape != photo.shape:
            raise UsageError(f"{self.where}: augment made {out.shape} of a photo {photo.shape}")
        return out

    def _photo(self, made: Any) -> np.ndarray:
        """What a transform made, if it still is a photo."""
        if not isinstance(made, np.ndarray) or made.dtype != np.uint8 or made.shape[2:] != (3,):
            raise UsageError(
                f"{self.where}: augment made {made.dtype} {tuple(made.shape)} of a photo uint8 (H, W, 3); "
                "leave out what changes a photo's type or channels (ToFloat, Normalize, ToTensorV2, ...)"
            )
        return np.ascontiguousarray(made)

    def pair(
        self, photo: np.ndarray, labels: np.ndarray, nothing: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Photo uint8 (H, W, 3) and labels (H, W) moved alike; ``nothing``: the label of what lay outside.

        Labels are never mixed: each is one of those that were there, or ``nothing``.
        """
        if not self._moving.transforms:
            return photo, labels
        _seed(self._moving, int(rng.integers(2**31)))
        # Numbers from 1 on, so that albumentations' fill for masks, 0, is what is outside; it takes no int32.
        known, number = np.unique(labels, return_inverse=True)
        mask = number.reshape(labels.shape).astype(np.float32) + 1
        try:
            out = self._moving(image=photo, mask=mask)
        except KeyError as error:
            raise UsageError(f"{self.where}: augment: one of them needs {error}; leave it out") from None
        moved = self._photo(out["image"])
        table = np.concatenate([np.array([nothing]), known]).astype(labels.dtype)
        return moved, table[np.rint(out["mask"]).astype(np.int64)]


def _library() -> Any:
    """albumentations, which else asks the network for a newer version when it is imported."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    try:
        import albumentations
    except ImportError:
        raise UsageError(
            "augment needs albumentations; pip install albumentations, or leave it out"
        ) from None
    return albumentations


def _seed(composed: Any, seed: int) -> None:
    """Give every transform that ``composed`` holds, and itself, a random state of its own.

    albumentations hands the one seed down to all of them: those of equal ``p`` would then always be
    applied together or not at all, and draw the same numbers.
    """
    rng = np.random.default_rng(seed)
    composed.set_random_seed(int(rng.integers(2**31)))
    for inner in getattr(composed, "transforms", ()):
        _seed(inner, int(rng.integers(2**31)))


def _make(library: Any, table: Mapping[str, Any], where: str) -> Any:
    options = dict(table)
    name = options.pop("name", None)
    kind = getattr(library, str(name), None)
    bases = (library.BasicTransform, library.BaseCompose)
    if not isinstance(kind, type) or not issubclass(kind, bases):
        raise UsageError(
            f"{where}: augment: {name!r} is no transform of albumentations {library.__version__}"
        )
    for option, harmless in LABELS.items():
        if options.get(option, 0) not in harmless:
            raise UsageError(f"{where}: augment: {name}: {option} would falsify labels; leave it out")
    if "transforms" in options:
        options["transforms"] = [_make(library, inner, where) for inner in options["transforms"]]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "error", UserWarning
            )  # so does albumentations say that it ignores an argument
            return kind(**options)
    except (TypeError, ValueError, UserWarning) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{where}: augment: {name}: {reason}") from None


def _moves(library: Any, transform: Any) -> bool:
    """Whether it changes where things are, it or any that it holds."""
    if isinstance(transform, library.BaseCompose):
        return any(_moves(library, one) for one in transform.transforms)
    return not isinstance(transform, library.ImageOnlyTransform)
