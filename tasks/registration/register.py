"""``register``: where each pixel of the photo lies in a returned map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from visiongen.image import check_photo
from visiongen.resize import resize_photo
from visiongen.tasks.codecs.base import check_map
from visiongen.tasks.registration.affine import Size, corner_distance, fit_box, invert, sample_nearest, then
from visiongen.tasks.registration.framing import framings
from visiongen.tasks.registration.structure import JUDGE, STAGES, agreement, shrink, stages_of

WORK_SIDE = 320
"""Longer side in pixels at which photo and map are compared."""
_STEPS = 60
_MAX_DRIFT = 0.12
"""Corners that move by more than this share of the longer side are not drift: the fit went astray."""


_GAIN = 0.05
"""A drift must make edges agree better by this share of the agreement, else the framing stays as it is."""


@dataclass(frozen=True)
class Registration:
    """How a map lies on a photo and how sure that is.

    ``affine`` float (2, 3) sends photo pixels (x, y) to map pixels. ``framing`` is the start that fit
    best (see framing.py); ``drift`` the mean move of the photo's corners from it, in photo pixels.
    ``agreement`` is the correlation of edges after, ``before`` the one of the plain stretch; both -1
    to 1. ``refined`` is False where the search found nothing better than the framing.
    """

    affine: np.ndarray
    photo_size: Size
    map_size: Size
    framing: str
    drift: float
    before: float
    agreement: float
    refined: bool

    def sample(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Labels or colours of the map (h, w, ...) at every photo pixel, copied; inside (H, W)."""
        return sample_nearest(array, self.affine, self.photo_size)

    def to_json(self) -> dict[str, Any]:
        """JSON-able form, rounded."""
        return {
            "affine": [[round(float(v), 6) for v in row] for row in self.affine],
            "framing": self.framing,
            "refined": self.refined,
            "drift_px": round(self.drift, 2),
            "agreement": round(self.agreement, 4),
            "agreement_stretched": round(self.before, 4),
            "sure": self.sure(),
        }

    def sure(self) -> str:
        """ "yes", "fairly" or "no": by the agreement of edges (docs/codecs.md has the error of each)."""
        return "yes" if self.agreement >= SURE[1] else "fairly" if self.agreement >= SURE[0] else "no"


SURE = (0.15, 0.25)
"""Agreements from which a registration is called fairly sure and sure."""


def register(photo: np.ndarray, painted: np.ndarray, shape: np.ndarray | None = None) -> Registration:
    """Lay ``painted`` uint8 (h, w, 3) on ``photo`` uint8 (H, W, 3) of any size.

    Framing first (stretched, padded, cropped), then a small affine drift by maximising the
    enhanced correlation (Evangelidis and Psarakis, 2008; OpenCV) of edge directions from coarse to
    fine. ``shape`` (h, w[, C]) is a picture of the labels whose edges are to be used instead of the
    colours', such as log depth in levels. Bad arrays raise InputError.
    """
    photo_size, map_size = check_photo(photo).shape[:2], check_map(painted).shape[:2]
    work = work_size(photo_size)
    enlarge = fit_box(work, (0, 0, photo_size[1], photo_size[0]))
    target = stages_of(resize_photo(photo, work))
    source = painted if shape is None else shape
    tries = {}
    for name, start in framings(photo_size, painted).items():
        picture, inside = sample_nearest(source, then(enlarge, start), work)
        features = stages_of(picture)
        before = agreement(target[JUDGE], features[JUDGE], inside)
        drift, after = follow(target, features, inside)
        tries[name] = (start, drift, before, after)
    name = max(tries, key=lambda key: tries[key][3])
    start, drift, before, after = tries[name]
    affine = then(then(then(invert(enlarge), drift), enlarge), start)
    return Registration(
        affine=affine,
        photo_size=photo_size,
        map_size=map_size,
        framing=name,
        drift=corner_distance(then(then(invert(enlarge), drift), enlarge), np.eye(2, 3), photo_size),
        before=tries["stretched"][2],
        agreement=after,
        refined=after > before,
    )


def work_size(size: Size) -> Size:
    """Photo size -> size at which it is compared: at most ``WORK_SIDE``, never enlarged."""
    scale = min(1.0, WORK_SIDE / max(size))
    return max(8, round(size[0] * scale)), max(8, round(size[1] * scale))


def follow(
    target: list[np.ndarray], source: list[np.ndarray], inside: np.ndarray
) -> tuple[np.ndarray, float]:
    """Affine (target pixel -> source pixel) by which the features agree best, and the agreement.

    Both lists hold the features of every stage. The identity where the search fails, goes too far or
    gains nothing.
    """
    size = target[JUDGE].shape[:2]
    best, best_score = np.eye(2, 3), agreement(target[JUDGE], source[JUDGE], inside)
    affine = best
    for stage, one, two in zip(STAGES, target, source, strict=True):
        for factor in stage.levels:
            if min(size) // factor >= 16:
                affine = _step(one, two, affine, factor, stage.smooth)
    moved, still = sample_nearest(source[JUDGE], affine, size)
    score = agreement(target[JUDGE], moved, still)
    far = corner_distance(affine, best, size) > _MAX_DRIFT * max(size)
    better = score > best_score + _GAIN * abs(best_score)  # an agreement may be negative
    return (affine, score) if better and not far else (best, best_score)


def _step(target: np.ndarray, source: np.ndarray, affine: np.ndarray, factor: int, smooth: int) -> np.ndarray:
    """One level of the pyramid; the affine unchanged where the correlation does not converge."""
    import cv2

    one, two = shrink(target, factor), shrink(source, factor)
    size = target.shape[:2]
    down = fit_box(size, (0, 0, one.shape[1], one.shape[0]))
    start = then(then(invert(down), affine), down).astype(np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _STEPS, 1e-7)
    try:
        # All of the source counts; OpenCV's types want the mask spelled out.
        everywhere = np.full(two.shape[:2], 255, np.uint8)
        _, found = cv2.findTransformECC(one, two, start, cv2.MOTION_AFFINE, stop, everywhere, smooth)
    except cv2.error:
        return affine
    return then(then(down, np.asarray(found, np.float64)), invert(down))
